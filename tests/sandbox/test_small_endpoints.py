"""The exchange's rules for what a declaration can say: keys, parameters, spans, pages, layouts, limits."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.support import small_endpoints as small
from tests.support.clocks import FakeClock
from tests.support.sandbox_requests import FORM, error, exchange, hmac_of, signed, world
from tests.support.small_endpoints import (
    ALL_MARKETS,
    CANDLES,
    DAY,
    DIVIDENDS,
    FUNDING_RATES,
    HOUR,
    MINUTE,
    NOW_MS,
    OLD_TRADES,
    OPEN_INTEREST,
    OWN_TRADES,
    PRICES,
    PROVIDED_INFO,
    ROWS,
    SERVER_TIME,
    SMALL_ENDPOINTS,
    SNAPSHOTS,
    USER_ASSETS,
    WITHDRAWALS,
    small_exchange,
)
from toolkit.endpoints import FAPI, Endpoint
from toolkit.sandbox import Exchange, RegisteredKey, SandboxRequest, SandboxResponse
from toolkit.sandbox.limits import MAX_REFUSALS

BTC = {"symbol": "BTCUSDT"}
CANDLE = {**BTC, "interval": "1m"}


DIVIDENDS_SIGNED = replace(DIVIDENDS, timestamp_field="timestamp")


def serve(**arguments: Any) -> Exchange:
    clock = arguments.pop("clock", None) or FakeClock(NOW_MS / 1000)
    return exchange(clock, **small_exchange(**arguments))


def send(
    this: Exchange,
    endpoint: Endpoint,
    params: Mapping[str, object] | str = "",
    *,
    key: RegisteredKey | None = None,
    signature: bool | None = None,
) -> SandboxResponse:
    """Send a request as the endpoint's security asks for, or with a key or a signature of the test's own."""
    key = key or (world().partner if endpoint.needs_key else None)
    if endpoint.is_signed if signature is None else signature:
        assert endpoint.timestamp_field == "timestamp"
        return this.handle(signed(endpoint.path, params, key=key, now_ms=NOW_MS, method=endpoint.method))
    query = params if isinstance(params, str) else urlencode(params)
    headers = {"X-MBX-APIKEY": key.key} if key else {}
    return this.handle(SandboxRequest(endpoint.method, endpoint.path, query.encode(), b"", headers))


def rows(response: SandboxResponse) -> Any:
    assert response.status == 200, response.body
    return response.json()


# -- keys and signatures ----------------------------------------------------------------------------------


@pytest.mark.parametrize("endpoint", SMALL_ENDPOINTS, ids=lambda each: each.name)
def test_without_a_key_only_public_endpoints_are_served(endpoint: Endpoint) -> None:
    response = serve().handle(SandboxRequest(endpoint.method, endpoint.path, urlencode(CANDLE).encode()))
    if endpoint.needs_key:
        assert error(response) == (401, -2014)
    else:
        assert response.status == 200 or error(response) in {(400, -1101), (400, -1104)}


def test_a_public_endpoint_takes_no_signature() -> None:
    this = serve()
    assert error(send(this, SERVER_TIME, signature=True, key=world().partner)) == (400, -1101)
    assert error(send(this, CANDLES, CANDLE, signature=True, key=world().partner)) == (400, -1104)
    assert len(rows(send(this, CANDLES, CANDLE))) == 5


def test_a_public_endpoint_takes_no_unknown_parameter() -> None:
    this = serve()
    response = send(this, SERVER_TIME, {"a": 1, "b": 2})
    assert error(response) == (400, -1101)
    assert b"expected '0' and received '2'" in response.body
    response = send(this, CANDLES, {**CANDLE, "other": 1})
    assert error(response) == (400, -1104)
    assert b"read '2' parameter(s) but was sent '3'" in response.body


def test_market_data_takes_any_registered_key_and_no_signature() -> None:
    this = serve()
    for name in ("partner", "customer"):
        assert len(rows(send(this, OLD_TRADES, BTC, key=world().keys[name]))) == 3
    unknown = replace(world().partner, key="k" * 64)
    assert error(send(this, OLD_TRADES, BTC, key=unknown)) == (401, -2015)
    assert error(send(this, OLD_TRADES, BTC, signature=True)) == (400, -1104)


def test_the_timestamp_has_the_declared_name() -> None:
    key = world().partner

    def ask(name: str) -> SandboxResponse:
        query = f"{name}={NOW_MS}"
        query += "&signature=" + hmac_of(key.secret, query)
        return serve().handle(
            SandboxRequest("GET", DIVIDENDS.path, query.encode(), b"", {"X-MBX-APIKEY": key.key})
        )

    assert ask("requestTime").status == 200
    response = ask("timestamp")
    assert error(response) == (400, -1102)
    assert b"'requestTime'" in response.body


# -- POST and PUT -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("endpoint", [USER_ASSETS, PROVIDED_INFO], ids=lambda each: each.name)
def test_another_method_is_not_served(endpoint: Endpoint) -> None:
    this = serve()
    assert error(this.handle(signed(endpoint.path, now_ms=NOW_MS))) == (405, -1099)


def test_parameters_of_a_post_are_in_the_query_or_the_body_and_the_query_wins() -> None:
    this, key = serve(), world().partner

    def post(query: str, body: str) -> Any:
        body += f"&timestamp={NOW_MS}"
        body += "&signature=" + hmac_of(key.secret, query + body)
        headers = {"X-MBX-APIKEY": key.key, **FORM}
        request = SandboxRequest("POST", USER_ASSETS.path, query.encode(), body.encode(), headers)
        return [row["asset"] for row in rows(this.handle(request))]

    assert post("asset=BTC", "") == ["BTC"]
    assert post("", "asset=USDT") == ["USDT"]
    assert post("asset=BTC", "asset=USDT") == ["BTC"]


def test_a_put_is_served() -> None:
    assert rows(send(serve(), PROVIDED_INFO, {"tranId": "17"})) == {"tranId": 17, "accepted": True}


# -- lists as parameters ------------------------------------------------------------------------------------


def test_a_list_is_a_json_array() -> None:
    found = rows(send(serve(), PRICES, {"symbols": '["BTCUSDT","BNBBTC"]'}))
    assert [row["symbol"] for row in found] == ["BTCUSDT", "BNBBTC"]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("BTCUSDT", -1100),
        ("BTCUSDT,ETHUSDT", -1100),
        ('["BTCUSDT", "ETHUSDT"]', -1100),
        ("['BTCUSDT']", -1100),
        ('["BTCUSDT"', -1100),
        ('["btcusdt"]', -1100),
        ("[1]", -1100),
        (r'["\u0041"]', -1100),
        ("[]", -1102),
        ("", -1105),
        ('["A","B","C","D"]', -1130),
        ('["A","A"]', -1151),
    ],
)
def test_a_list_that_is_none_is_refused(text: str, code: int) -> None:
    assert error(send(serve(), PRICES, {"symbols": text})) == (400, code)


def test_a_list_may_have_symbols_of_any_script() -> None:
    assert rows(send(serve(), PRICES, {"symbols": '["币安人生USDT"]'})) == []


def test_one_symbol_and_several_exclude_each_other() -> None:
    assert error(send(serve(), PRICES, {**BTC, "symbols": '["BTCUSDT"]'})) == (400, -1128)


# -- spans --------------------------------------------------------------------------------------------------


def test_a_span_in_seconds_under_other_names() -> None:
    this = serve(endpoints=[DIVIDENDS_SIGNED])
    first = NOW_MS // 1000 - 10 * 3600
    found = rows(send(this, DIVIDENDS_SIGNED, {"beginTime": first, "finishTime": first + 5 * 3600}))
    assert [row["divTime"] for row in found["data"]["rows"]] == [first, first + 5 * 3600]
    three_days = {"beginTime": first - 3 * 86_400, "finishTime": first}
    assert error(send(this, DIVIDENDS_SIGNED, three_days)) == (400, -1127)
    assert error(send(this, DIVIDENDS_SIGNED, {"startTime": first})) == (400, -1104)


def test_a_span_as_text() -> None:
    found = rows(
        send(serve(), WITHDRAWALS, {"startTime": "2025-12-31 09:00:00", "endTime": "2025-12-31 19:00:00"})
    )
    assert [row["applyTime"] for row in found] == [
        "2025-12-31 09:00:00",
        "2025-12-31 14:00:00",
        "2025-12-31 19:00:00",
    ]


@pytest.mark.parametrize(
    ("text", "code"),
    [("1767139200000", -1100), ("2025-12-31T09:00:00", -1100), ("2025-13-31 09:00:00", -1130)],
)
def test_a_span_that_is_no_such_text_is_refused(text: str, code: int) -> None:
    assert error(send(serve(), WITHDRAWALS, {"startTime": text})) == (400, code)


def test_market_data_without_a_span_are_the_newest_rows_ascending() -> None:
    this = serve()
    opened = [row[0] for row in rows(send(this, CANDLES, CANDLE))]
    assert opened == [NOW_MS - number * MINUTE for number in (5, 4, 3, 2, 1)]
    until = NOW_MS - 10 * MINUTE
    assert [row[0] for row in rows(send(this, CANDLES, {**CANDLE, "endTime": until, "limit": 2}))] == [
        until - MINUTE,
        until,
    ]
    since = NOW_MS - 60 * MINUTE
    assert [row[0] for row in rows(send(this, CANDLES, {**CANDLE, "startTime": since, "limit": 2}))] == [
        since,
        since + MINUTE,
    ]


def test_market_data_without_a_span_may_be_old() -> None:
    last_week = [small.candle(number, NOW_MS - 7 * DAY + number * MINUTE) for number in range(8)]
    old_trades = [small.trade(number, NOW_MS - 7 * DAY + number) for number in range(8)]
    this = serve(rows={CANDLES.name: last_week, OWN_TRADES.name: old_trades})
    assert [row[4] for row in rows(send(this, CANDLES, CANDLE))] == [3, 4, 5, 6, 7]
    assert ids(send(this, OWN_TRADES, BTC)) == [5, 6, 7]


# -- pages by id --------------------------------------------------------------------------------------------


def ids(response: SandboxResponse) -> list[int]:
    return [row["id"] - 2**40 for row in rows(response)]


def test_pages_by_id_begin_at_the_id() -> None:
    this = serve()
    assert ids(send(this, OLD_TRADES, {**BTC, "fromId": 2**40 + 4, "limit": 5})) == [4, 5, 6, 7, 8]
    assert ids(send(this, OLD_TRADES, {**BTC, "fromId": 2**40 + 12})) == [12, 13]
    assert ids(send(this, OLD_TRADES, {**BTC, "fromId": 2**40 + 14})) == []
    assert ids(send(this, OLD_TRADES, {**BTC, "fromId": 0})) == [0, 1, 2]


def test_an_id_between_two_rows_begins_at_the_next_one() -> None:
    apart = [{"id": 10 * number, "price": "1", "time": NOW_MS - 100 + number} for number in range(1, 6)]
    this = serve(rows={OLD_TRADES.name: apart})
    found = rows(send(this, OLD_TRADES, {**BTC, "fromId": 21}))
    assert [row["id"] for row in found] == [30, 40, 50]


def test_without_an_id_pages_are_the_newest_or_the_first_of_a_span() -> None:
    this = serve()
    assert ids(send(this, OLD_TRADES, BTC)) == [11, 12, 13]
    assert ids(send(this, OWN_TRADES, BTC)) == [11, 12, 13]
    span = {**BTC, "startTime": NOW_MS - 10 * HOUR, "endTime": NOW_MS}
    for kept in ("oldest", "newest"):  # documented for these, whatever other endpoints do
        assert ids(send(serve(rows_kept=kept), OWN_TRADES, span)) == [4, 5, 6]
    assert ids(send(this, OWN_TRADES, {**BTC, "endTime": NOW_MS - 10 * HOUR})) == [2, 3, 4]


@pytest.mark.parametrize("field", ["startTime", "endTime"])
def test_an_id_and_a_span_exclude_each_other(field: str) -> None:
    response = send(serve(), OWN_TRADES, {**BTC, "fromId": 1, field: NOW_MS - HOUR})
    assert error(response) == (400, -1128)


def test_the_id_of_a_page_is_no_filter() -> None:
    this = serve(rows={OWN_TRADES.name: [{**row, "fromId": 1} for row in ROWS[OWN_TRADES.name]]})
    assert ids(send(this, OWN_TRADES, {"symbol": "ETHUSDT", "fromId": 2**40})) == []
    assert ids(send(this, OWN_TRADES, {**BTC, "fromId": 2**40})) == [0, 1, 2]


# -- layouts ------------------------------------------------------------------------------------------------


def test_rows_are_laid_out_as_declared() -> None:
    this = serve()
    assert rows(send(this, SERVER_TIME)) == {"serverTime": NOW_MS}
    assert rows(send(this, CANDLES, CANDLE))[-1] == [NOW_MS - MINUTE, "159.00", "160.50", NOW_MS - 1, 59, "0"]
    assert rows(send(this, ALL_MARKETS)) == {
        "BTC": {"price": "64000.10", "updateTime": NOW_MS - 5},
        "ETH": {"price": "3200.20", "updateTime": NOW_MS - 4},
    }
    week = rows(send(this, SNAPSHOTS))["snapshotVos"]
    assert [row["updateTime"] for row in week] == [NOW_MS - number * DAY for number in range(7, 0, -1)]
    assert [each["asset"] for each in week[0]["data"]["balances"]] == ["BTC", "USDT"]


def test_outer_fields_are_beside_the_rows() -> None:
    outer = small._time("made", "made", "s")
    endpoint = replace(
        PRICES,
        columns=(*PRICES.columns, replace(outer, outer=True)),
        rows_field="data.list",
        success_field="ok",
    )
    found = rows(send(serve(endpoints=[endpoint]), endpoint, BTC))
    price = ROWS[PRICES.name][0]
    assert found == {"data": {"ok": True, "made": NOW_MS // 1000, "list": [price]}}


@pytest.mark.parametrize(
    ("fault", "options", "expected"),
    [
        ("missing-field", {}, ["159.00", "160.50", NOW_MS - 1, 59, "0"]),
        ("unknown-field", {}, [NOW_MS - MINUTE, "159.00", "160.50", NOW_MS - 1, 59, "0", "boo"]),
        ("wrong-times", {"days": -1}, [NOW_MS - MINUTE - DAY, "159.00", "160.50", NOW_MS - 1, 59, "0"]),
    ],
)
def test_faults_alter_rows_that_are_arrays(fault: str, options: dict[str, Any], expected: list[Any]) -> None:
    this = serve()
    this.faults.add(fault, **options)
    assert rows(send(this, CANDLES, CANDLE))[-1] == expected


def test_faults_alter_rows_that_are_named_and_times_that_are_text() -> None:
    this = serve()
    this.faults.add("missing-field")
    assert rows(send(this, ALL_MARKETS))["BTC"] == {"updateTime": NOW_MS - 5}
    this.faults.add("wrong-times", days=1)
    assert rows(send(this, WITHDRAWALS))[-1]["applyTime"] == "2026-01-01 14:00:00"


# -- limits that count requests -----------------------------------------------------------------------------


@pytest.mark.parametrize(("endpoint", "params"), [(FUNDING_RATES, {}), (OPEN_INTEREST, BTC)])
def test_requests_are_counted_in_windows_of_five_minutes_without_a_header(
    endpoint: Endpoint, params: dict[str, object]
) -> None:
    clock = FakeClock(NOW_MS / 1000 + 30)
    heavy = replace(endpoint, weight=50)
    this = serve(endpoints=[heavy], clock=clock, limit_scale=4 / endpoint.rate_limit.limit)
    answers = [send(this, heavy, params) for _ in range(5)]
    assert [answer.status for answer in answers] == [200, 200, 200, 200, 429]
    assert [set(answer.headers) - {"Content-Type", "Date"} for answer in answers[:4]] == [set()] * 4
    assert answers[-1].headers["Retry-After"] == "270"
    assert b"current limit is 4 requests per 5 MINUTE" in answers[-1].body
    assert [entry.weight for entry in this.log] == [1, 1, 1, 1, 0]
    clock.advance(270)
    assert send(this, heavy, params).status == 200


def test_both_paths_of_funding_share_one_count_apart_from_the_weight_of_their_host() -> None:
    info = replace(
        FUNDING_RATES, name="funding_info", path="/fapi/v1/fundingInfo", window=None, paging=PRICES.paging
    )
    tables = {"rows": {"funding_info": ROWS[FUNDING_RATES.name]}}
    this = serve(endpoints=[FUNDING_RATES, info, ALL_MARKETS], limit_scale=4 / 500, **tables)
    assert [send(this, each).status for each in (FUNDING_RATES, info) * 3] == [200] * 4 + [429] * 2
    assert send(this, ALL_MARKETS).headers["X-MBX-USED-WEIGHT-1M"] == "1"


def test_an_unknown_path_of_their_host_is_charged_by_weight() -> None:
    this = serve()
    response = this.handle(SandboxRequest("GET", "/fapi/v1/nothing"))
    assert response.headers["X-MBX-USED-WEIGHT-1M"] == "1"
    assert [window.rate_limit for window in this.windows] == [FAPI.name]


def test_insisting_leads_to_a_ban_at_their_host() -> None:
    this = serve(limit_scale=1 / 1000)
    statuses = [send(this, OPEN_INTEREST, BTC).status for _ in range(MAX_REFUSALS + 2)]
    assert statuses == [200, *[429] * MAX_REFUSALS, 418]
    assert send(this, ALL_MARKETS).status == 418
    assert send(this, PRICES).status == 200


def test_the_names_of_the_small_endpoints_differ() -> None:
    assert len({endpoint.name for endpoint in SMALL_ENDPOINTS}) == len(SMALL_ENDPOINTS)
    assert json.loads(json.dumps(dict(ROWS))).keys() == {endpoint.name for endpoint in SMALL_ENDPOINTS}
