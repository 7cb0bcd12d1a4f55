"""Requests of other kinds than a plain GET: what goes over the wire, and the rows that come of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest

from tests.support.answered import link_to, sent_with
from tests.support.recording import RecordingServer, recording_server
from toolkit.endpoints import ENDPOINTS_BY_NAME
from toolkit.errors import ServerError

NOW_MS = 1_767_225_600_000


@pytest.fixture
def server() -> Iterator[RecordingServer]:
    with recording_server() as made:
        yield made


def test_a_post_that_reads_has_its_parameters_in_the_body_and_is_sent_again(server: RecordingServer) -> None:
    statuses = iter([503, 500, 200])

    def respond(path: str, sent: Mapping[str, str]) -> tuple[int, Any]:
        row = {
            **dict.fromkeys(("free", "locked", "freeze", "withdrawing", "ipoable", "btcValuation"), "1"),
            "asset": sent["asset"],
        }
        return next(statuses), [row]

    with link_to(server, respond) as link:
        frame = link.account.wallet.assets(asset="BTC")
    assert frame["asset"].tolist() == ["BTC"]
    assert frame.attrs["requests"] == 3
    assert [request.line for request in server.writes] == ["POST /sapi/v3/asset/getUserAsset HTTP/1.1"] * 3
    for request in server.writes:
        assert request.headers["content-type"] == "application/x-www-form-urlencoded"
        assert b"asset=BTC&" in request.body
        assert {"timestamp", "signature"} <= sent_with(request).keys()
        assert request.query == b""


def test_a_post_that_reads_fails_as_a_read(server: RecordingServer) -> None:
    with link_to(server, lambda path, sent: (500, {})) as link, pytest.raises(ServerError):
        link.account.wallet.funding_assets()
    assert len(server.writes) == 4


def snapshot(day: int, *assets: str) -> dict[str, Any]:
    balances = [{"asset": asset, "free": f"{day}.5", "locked": "0"} for asset in assets]
    return {
        "type": "spot",
        "updateTime": NOW_MS - day * 86_400_000,
        "data": {"totalAssetOfBtc": "1.25", "balances": balances},
    }


def test_each_balance_of_a_snapshot_is_a_row_with_its_time(server: RecordingServer) -> None:
    snapshots = [snapshot(3, "BTC", "USDT"), snapshot(2), snapshot(1, "USDT")]
    seen: list[str] = []

    def respond(path: str, sent: Mapping[str, str]) -> tuple[int, Any]:
        seen.append(sent["type"])
        return 200, {"code": 200, "msg": "", "snapshotVos": snapshots}

    with link_to(server, respond) as link:
        frame = link.account.wallet.spot_snapshots(start="-5D")
    assert seen == ["SPOT"], "sent, and no argument of the method"
    assert frame["asset"].tolist() == ["BTC", "USDT", "USDT"]
    assert frame["free"].tolist() == [3.5, 3.5, 1.5]
    days = ((NOW_MS - frame["time"].dt.as_unit("ms").astype("int64")) // 86_400_000).tolist()
    assert days == [3, 3, 1]
    assert frame.attrs["undeclared"] == []


def test_the_number_of_a_page_has_the_name_that_the_endpoint_gives_it(server: RecordingServer) -> None:
    partner = ENDPOINTS_BY_NAME["exchange.sub_accounts"]
    endpoint = replace(partner, paging=replace(partner.paging, page_field="current", maximum=2))
    row = {
        **{name: "1" for column in partner.columns if not column.optional for name in column.fields[:1]},
        "createTime": NOW_MS,
        "email": "a@example.com",
    }
    pages: list[str] = []

    def respond(path: str, sent: Mapping[str, str]) -> tuple[int, Any]:
        pages.append(sent["current"])
        number = int(sent["current"])
        rows = [{**row, "subaccountId": str(2 * number + each)} for each in range(2)]
        return 200, rows if number < 3 else []

    with link_to(server, respond) as link:
        frame = link._fetcher.fetch(endpoint, {})
    assert pages == ["1", "2", "3"]
    assert len(frame) == 4
