"""Endpoints without a rule, which the sandbox serves from their documented example, marked as such."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from tests.support.clocks import FakeClock
from tests.support.paths import EXAMPLES
from tests.support.sandbox_env import SandboxEnv
from tests.support.sandbox_requests import error, exchange, signed, world
from tests.support.small_endpoints import (
    CANDLES,
    DAY,
    NOW_MS,
    OWN_TRADES,
    PRICES,
    PROVIDED_INFO,
    SNAPSHOTS,
    WITHDRAWALS,
)
from toolkit.endpoints import ENDPOINTS, ENDPOINTS_BY_NAME, Endpoint
from toolkit.sandbox import Exchange, SandboxRequest, SandboxResponse, examples
from toolkit.sandbox.example_rows import EXAMPLE_HEADER
from toolkit.sandbox.world.tables import ListTable

OLD = NOW_MS - 1000 * DAY + 5
DOCUMENTED: dict[str, object] = {
    OWN_TRADES.qualified_name: [
        {"symbol": "BNBBTC", "id": 28_457, "price": "4.0", "time": OLD - 60_000},
        {"symbol": "BNBBTC", "id": 28_460, "price": "4.1", "time": OLD},
    ],
    CANDLES.qualified_name: [[OLD, "0.1", "0.2", OLD + 59_999, 308, "0"]],
    SNAPSHOTS.qualified_name: {
        "snapshotVos": [
            {
                "updateTime": OLD // DAY * DAY,
                "data": {"totalAssetOfBtc": "0.09", "balances": []},
                "type": "spot",
            }
        ]
    },
    WITHDRAWALS.qualified_name: [
        {"id": "b6ae", "amount": "8.9", "applyTime": "2019-10-12 11:12:02"},
        {"id": "b6af", "amount": "1.9", "applyTime": "2019-10-12 11:12:03"},
    ],
    PROVIDED_INFO.qualified_name: {"tranId": 1, "accepted": False},
}
SERVED = (OWN_TRADES, CANDLES, SNAPSHOTS, WITHDRAWALS, PROVIDED_INFO)


def serve(clock: FakeClock | None = None, **arguments: Any) -> Exchange:
    return exchange(clock or FakeClock(NOW_MS / 1000), endpoints=SERVED, examples=DOCUMENTED, **arguments)


def ask(this: Exchange, endpoint: Endpoint, **params: object) -> SandboxResponse:
    now_ms = int(this.clock.time() * 1000)
    if endpoint.needs_key:
        return this.handle(signed(endpoint.path, params, now_ms=now_ms, method=endpoint.method))
    query = "&".join(f"{name}={value}" for name, value in params.items()).encode()
    return this.handle(SandboxRequest(endpoint.method, endpoint.path, query))


def rows(response: SandboxResponse) -> Any:
    assert response.status == 200, response.body
    assert response.headers[EXAMPLE_HEADER] == "1"
    return response.json()


def test_every_declared_read_has_an_example() -> None:
    assert {path.stem for path in EXAMPLES.glob("*.json")} == set(ENDPOINTS_BY_NAME)


def test_an_example_is_read_from_the_package() -> None:
    text = (EXAMPLES / "spot.rebates.json").read_text()
    assert examples.example_of("spot.rebates") == json.loads(text)["documented"]
    assert examples.example_of("spot.nothing") is None


def test_a_rule_is_not_marked() -> None:
    response = exchange().handle(signed(ENDPOINTS[0].path))
    assert response.status == 200
    assert EXAMPLE_HEADER not in response.headers


def test_an_example_repeats_the_parameters() -> None:
    this = serve()
    found = rows(ask(this, OWN_TRADES, symbol="ETHUSDT"))
    assert [(row["symbol"], row["id"], row["price"]) for row in found] == [
        ("ETHUSDT", 28_457, "4.0"),
        ("ETHUSDT", 28_460, "4.1"),
    ]
    assert rows(ask(this, PROVIDED_INFO, tranId="17")) == {"tranId": 17, "accepted": False}


def test_a_request_gets_the_rows_that_have_its_parameters() -> None:
    documented: dict[str, object] = {
        PRICES.qualified_name: [
            {"symbol": "ADABNB", "price": "0.001"},
            {"symbol": "BNBBTC", "price": "0.009"},
            {"symbol": "BTCUSDT", "price": "64000.1"},
        ]
    }
    this = exchange(FakeClock(NOW_MS / 1000), endpoints=[PRICES], examples=documented)

    def prices(**params: str) -> list[tuple[str, str]]:
        return [(row["symbol"], row["price"]) for row in rows(ask(this, PRICES, **params))]

    assert len(prices()) == 3
    assert prices(symbol="BNBBTC") == [("BNBBTC", "0.009")]
    assert prices(symbol="ETHUSDT") == [("ETHUSDT", "0.001")], "one row, as the symbol identifies it"
    assert prices(symbols='["BNBBTC","BTCUSDT"]') == [("BNBBTC", "0.009"), ("BTCUSDT", "64000.1")]


def test_its_times_are_moved_by_whole_days() -> None:
    this = serve()
    moved = [row["time"] for row in rows(ask(this, OWN_TRADES, symbol="BNBBTC"))]
    assert moved == [NOW_MS - DAY + 5 - 60_000, NOW_MS - DAY + 5]
    candle = rows(ask(this, CANDLES, symbol="BTCUSDT", interval="1m"))[0]
    assert candle == [NOW_MS - DAY + 5, "0.1", "0.2", NOW_MS - DAY + 5 + 59_999, 308, "0"]
    assert rows(ask(this, SNAPSHOTS))["snapshotVos"][0]["updateTime"] == NOW_MS
    assert [row["applyTime"] for row in rows(ask(this, WITHDRAWALS))] == [
        "2025-12-31 11:12:02",
        "2025-12-31 11:12:03",
    ]


def test_it_stays_where_the_first_request_put_it() -> None:
    clock = FakeClock(NOW_MS / 1000)
    this = serve(clock)
    before = rows(ask(this, OWN_TRADES, symbol="BNBBTC"))
    clock.advance(5 * 86_400)
    assert rows(ask(this, OWN_TRADES, symbol="BNBBTC")) == before


def test_spans_and_pages_of_an_example_end() -> None:
    this = serve()
    assert rows(ask(this, OWN_TRADES, symbol="A", startTime=NOW_MS - DAY + 5, endTime=NOW_MS)) != []
    assert rows(ask(this, OWN_TRADES, symbol="A", startTime=NOW_MS - DAY + 6, endTime=NOW_MS)) == []
    assert [row["id"] for row in rows(ask(this, OWN_TRADES, symbol="A", fromId=28_458))] == [28_460]
    assert rows(ask(this, OWN_TRADES, symbol="A", fromId=28_461)) == []
    assert [row["id"] for row in rows(ask(this, WITHDRAWALS, offset=1))] == ["b6af"]
    assert rows(ask(this, WITHDRAWALS, offset=2)) == []


def test_all_checks_hold_for_an_example() -> None:
    this = serve(limit_scale=2400 / 12_000)
    unsigned = SandboxRequest("GET", OWN_TRADES.path, b"symbol=A")
    assert error(this.handle(unsigned)) == (401, -2014)
    stranger = signed(OWN_TRADES.path, {"symbol": "A"}, now_ms=NOW_MS, key=world().keys["customer"])
    assert error(this.handle(stranger)) == (401, -2015)
    forged = signed(OWN_TRADES.path, {"symbol": "A"}, now_ms=NOW_MS, signature="0" * 64)
    assert error(this.handle(forged)) == (400, -1022)
    assert error(ask(this, OWN_TRADES)) == (400, -1102)
    assert error(ask(this, OWN_TRADES, symbol="A", other=1)) == (400, -1104)
    assert error(ask(this, OWN_TRADES, symbol="A", startTime=OLD, endTime=NOW_MS)) == (400, -1127)
    assert ask(this, SNAPSHOTS).headers["X-SAPI-USED-IP-WEIGHT-1M"] == "2400"
    assert error(ask(this, SNAPSHOTS)) == (429, -1003)


def test_faults_alter_an_example() -> None:
    this = serve()
    this.faults.add("missing-field", field="price")
    assert "price" not in rows(ask(this, OWN_TRADES, symbol="A"))[0]


def test_an_endpoint_with_neither_is_refused() -> None:
    this = exchange(FakeClock(NOW_MS / 1000), endpoints=SERVED)
    response = ask(this, CANDLES, symbol="A", interval="1m")
    assert error(response) == (400, -1020)
    assert CANDLES.qualified_name.encode() in response.body


def test_the_exchange_says_what_it_serves_from_examples() -> None:
    named = replace(OWN_TRADES, name="another", path="/api/v3/small/another")
    this = exchange(FakeClock(NOW_MS / 1000), endpoints=[named, CANDLES, PROVIDED_INFO])
    added = {"account.another", "account.candles", "account.provided_info"}
    assert set(this.examples) == {*exchange().examples, *added}
    assert this.examples == sorted(this.examples)


# -- the client ---------------------------------------------------------------------------------------------


@pytest.fixture
def env() -> Iterator[SandboxEnv]:
    env = SandboxEnv(exchange={"endpoints": SERVED, "examples": DOCUMENTED})
    yield env
    env.close()


def test_a_frame_says_that_it_is_an_example(env: SandboxEnv) -> None:
    endpoint = replace(OWN_TRADES, paging=CANDLES.paging)  # without pages by id
    env.replace_exchange(endpoints=[endpoint], examples=DOCUMENTED)
    frame = env.fetch(endpoint, {"symbol": "ETHUSDT"}, start=NOW_MS - 2 * DAY)
    assert frame["symbol"].tolist() == ["ETHUSDT", "ETHUSDT"]
    assert frame.attrs["example"] is True


def test_a_frame_of_a_rule_says_so_too(env: SandboxEnv) -> None:
    assert env.link.exchange.partner().attrs["example"] is False
    assert env.link.get("/sapi/v1/broker/info").attrs["example"] is False


def test_link_get_says_that_its_rows_are_an_example(env: SandboxEnv) -> None:
    assert env.link.get(OWN_TRADES.path, symbol="A").attrs["example"] is True


# -- the doctor ---------------------------------------------------------------------------------------------


def found_of(env: SandboxEnv) -> list[tuple[str, str]]:
    return [(each.status, each.found) for each in env.link.doctor().checks if each.name == "examples"]


def test_the_doctor_names_what_is_served_from_examples(env: SandboxEnv) -> None:
    *first, last = env.exchange.examples
    assert {endpoint.qualified_name for endpoint in SERVED} <= {*first, last}
    found = f"The sandbox has only a documented example for {', '.join(first)} and {last}."
    assert found_of(env) == [("note", found)]


def test_the_doctor_is_silent_where_all_endpoints_have_rules(env: SandboxEnv) -> None:
    env.replace_exchange(tables={name: ListTable([], "") for name in exchange().examples})
    assert found_of(env) == []
