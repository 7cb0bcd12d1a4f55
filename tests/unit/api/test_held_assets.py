"""What the account has held, and the symbols it may have traded."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd
import pytest

import toolkit
from tests.support.answered import NOW_MS, link_to
from tests.support.paths import PACKAGE
from tests.support.recording import RecordingServer, recording_server
from toolkit.api.held_assets import _SOURCES
from toolkit.endpoints import ENDPOINTS_BY_NAME, Endpoint
from toolkit.errors import CredentialsError, ServerError, UsageError

DAY = 86_400_000
DEPOSIT = {
    **{"amount": "1", "network": "ETH", "address": "0x", "addressTag": "", "txId": "t", "transferType": 0},
    **{"confirmTimes": "1/1", "unlockConfirm": 12, "walletType": 0, "insertTime": NOW_MS - DAY},
}
TRANSFER = {"amount": "1", "type": "MAIN_UMFUTURE", "timestamp": NOW_MS - 3 * DAY}
SYMBOLS = [("BTC", "USDT"), ("ETH", "USDT"), ("DOGE", "USDT"), ("BNB", "BTC"), ("ETH", "BTC")]


def exchange_info() -> Any:
    """The documented response, with a few symbols."""
    text = (PACKAGE / "sandbox" / "examples" / "market.spot.symbols.json").read_text("utf-8")
    documented = json.loads(text)["documented"]
    symbol = documented["symbols"][0]
    named = [{"symbol": base + quote, "baseAsset": base, "quoteAsset": quote} for base, quote in SYMBOLS]
    return {**documented, "rateLimits": [], "symbols": [{**symbol, **names} for names in named]}


def little(path: str, sent: Mapping[str, str]) -> tuple[int, Any]:
    """An account with little: there is evidence of one kind for each asset, and some that is none."""
    if path == "/api/v3/account":
        balances = [("BTC", "0.0", "0.1"), ("DOGE", "0.0", "0.0")]
        named = [dict(zip(("asset", "free", "locked"), each, strict=True)) for each in balances]
        return 200, {"uid": 1, "balances": named}
    if path == "/api/v3/exchangeInfo":
        return 200, exchange_info()
    if path == "/sapi/v1/capital/deposit/hisrec":
        rows = [("USDT", 1), ("USDT", 6), ("XRP", 2)] if int(sent["endTime"]) > NOW_MS - DAY else []
        return 200, [
            {
                **DEPOSIT,
                "id": str(number),
                "coin": coin,
                "status": status,
                "insertTime": NOW_MS - DAY + number,
            }
            for number, (coin, status) in enumerate(rows)
        ][::-1]  # newest first
    if path == "/sapi/v1/asset/transfer":
        states = [("ETH", "CONFIRMED"), ("SOL", "FAILED")] if sent["type"] == "MAIN_UMFUTURE" else []
        rows = [
            {**TRANSFER, "tranId": number, "asset": asset, "status": status}
            for number, (asset, status) in enumerate(states)
        ]
        return 200, {"total": len(rows), "rows": rows}
    if path == "/sapi/v1/accountSnapshot":
        return 200, {"code": 200, "msg": "", "snapshotVos": []}
    if path == "/sapi/v1/rebate/taxQuery":
        found = {"page": 1, "totalRecords": 0, "totalPageNum": 0, "data": []}
        return 200, {"status": "OK", "type": "GENERAL", "code": "000000000", "data": found}
    if path == "/sapi/v1/asset/assetDividend":
        return 200, {"total": 0, "rows": []}
    return 200, []


@pytest.fixture
def server() -> Iterator[RecordingServer]:
    with recording_server() as made:
        yield made


@pytest.fixture
def link(server: RecordingServer) -> Iterator[toolkit.Link]:
    with link_to(server, little) as made:
        yield made


def test_each_asset_comes_with_what_proves_that_it_was_held(link: toolkit.Link) -> None:
    held = link.account.held_assets()
    assert held[["asset", "evidence", "rows"]].to_numpy().tolist() == [
        ["BTC", "balance", 1],
        ["ETH", "transfer", 1],
        ["USDT", "deposit", 2],
    ], "what came to nothing proves nothing"
    assert held["first_time"].isna().tolist() == [True, False, False]
    assert (held["last_time"] - held["first_time"])[2] == pd.Timedelta(milliseconds=1)
    assert str(held["last_time"].dtype) == "datetime64[ms, UTC]"


def test_nothing_claims_that_the_list_is_whole(link: toolkit.Link) -> None:
    held = link.account.held_assets(start="-400D")
    assert held.attrs["complete"] is False
    assert held.attrs["refused"] == {}
    covers = held.attrs["covers"]
    assert covers["account.spot.balances"] is None
    days = {
        name: (pd.Timestamp(span[1]) - pd.Timestamp(span[0])).days for name, span in covers.items() if span
    }
    assert days["account.wallet.deposits"] == 400
    assert days["account.wallet.transfers"] == 179, "what the exchange keeps"
    assert days["account.wallet.spot_snapshots"] == 29


def test_the_price_is_said_beforehand(link: toolkit.Link, server: RecordingServer) -> None:
    price = link.account.estimate_held_assets(start="-400D")
    assert server.sent == []
    held = link.account.held_assets(start="-400D")
    assert held.attrs["requests"] >= price["requests"].sum()
    assert price.set_index("endpoint")["weight"]["account.wallet.spot_snapshots"] == 2400
    assert price["at_least"].any()


def test_candidates_are_the_symbols_of_two_assets_that_were_held(link: toolkit.Link) -> None:
    candidates = link.account.candidate_symbols()
    assert candidates["symbol"].tolist() == ["BTCUSDT", "ETHUSDT", "ETHBTC"]
    assert candidates.attrs["complete"] is False
    assert candidates.attrs["assets"] == ["BTC", "ETH", "USDT"]
    given = pd.DataFrame({"asset": ["BNB", "BTC", None]})
    assert link.account.candidate_symbols(given)["symbol"].tolist() == ["BNBBTC"]
    with pytest.raises(UsageError, match="`assets` must be a frame of"):
        link.account.candidate_symbols(pd.DataFrame({"coin": ["BTC"]}))


def test_what_a_key_may_not_read_is_named_and_the_rest_is_read(server: RecordingServer) -> None:
    refused = {"/sapi/v1/capital/withdraw/history", "/sapi/v1/rebate/taxQuery"}

    def respond(path: str, sent: Mapping[str, str]) -> tuple[int, Any]:
        if path in refused:
            return 400, {"code": -2015, "msg": "Invalid API-key, IP, or permissions for action."}
        return little(path, sent)

    with link_to(server, respond) as link:
        held = link.account.held_assets()
        assert set(held.attrs["refused"]) == {"account.wallet.withdrawals", "spot.rebate_history"}
        assert held["asset"].tolist() == ["BTC", "ETH", "USDT"]
        refused |= {ENDPOINTS_BY_NAME[source.name].path for source in _SOURCES}
        with pytest.raises(CredentialsError):
            link.account.held_assets()


@pytest.mark.parametrize("error", [KeyboardInterrupt, ServerError], ids=lambda error: error.__name__)
def test_evidence_before_an_error_is_kept(link: toolkit.Link, error: type[BaseException]) -> None:
    fetch = link._fetcher.fetch

    def failing(endpoint: Endpoint, *arguments: Any, **span: Any) -> pd.DataFrame:
        frame = fetch(endpoint, *arguments, **span)
        if endpoint.name == "deposits":
            raised = error() if error is KeyboardInterrupt else ServerError(endpoint.name, 503, None, "Away.")
            raised.partial = frame[:1]  # type: ignore[attr-defined]
            raise raised
        return frame

    link._fetcher.fetch = failing  # type: ignore[method-assign]
    with pytest.raises(error) as caught:
        link.account.candidate_symbols()
    held: pd.DataFrame = caught.value.partial  # type: ignore[attr-defined]
    assert held[["asset", "evidence", "rows"]].to_numpy().tolist() == [
        ["BTC", "balance", 1],
        ["USDT", "deposit", 1],
    ]
    assert list(held.attrs["covers"]) == ["account.spot.balances", "account.wallet.spot_snapshots"]
    assert held.attrs["complete"] is False
    assert held.attrs["endpoint"] == "account.held_assets"
    assert link.account.candidate_symbols(held)["symbol"].tolist() == ["BTCUSDT"]


def test_the_endpoints_that_are_evidence_are_declared() -> None:
    for source in _SOURCES:
        columns = {column.name for column in ENDPOINTS_BY_NAME[source.name].columns}
        used = {source.asset, *source.amounts, *([source.time] if source.time else [])}
        assert used <= columns, source.name
