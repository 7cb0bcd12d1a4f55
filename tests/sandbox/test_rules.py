"""The exchange's rules: permissions, signatures, parameters, spans, pages and weight."""

from __future__ import annotations

import base64
from itertools import pairwise
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.support.clocks import FakeClock
from tests.support.sandbox_requests import (
    DAY,
    FORM,
    NOW,
    NOW_MS,
    ask,
    documented,
    error,
    exchange,
    hmac_of,
    minimal,
    signed,
    world,
)
from toolkit.endpoints import (
    CUSTOMER_ENDPOINTS,
    ENDPOINTS,
    ENDPOINTS_BY_NAME,
    FAPI,
    OWN_ENDPOINTS,
    RateLimit,
)
from toolkit.sandbox import Exchange, RegisteredKey, SandboxRequest, World
from toolkit.sandbox.authentication import check_signed, without_signature
from toolkit.sandbox.limits import MAX_BAN_S, MAX_REFUSALS
from toolkit.sandbox.parameters import read_parameters
from toolkit.sandbox.world.tables import ListTable

# Market data has tests of its own.
READS = [endpoint for endpoint in ENDPOINTS if endpoint.is_signed]
READ_NAMES = [endpoint.qualified_name for endpoint in READS]
INFO = "/sapi/v1/broker/info"
# An order is known to its own account alone.
OWN_ORDERS = ("account.spot.order", "account.futures.order")


# --- responses -----------------------------------------------------------------------------------


def rows_of(payload: Any) -> list[dict[str, Any]]:
    if isinstance(payload, dict):
        found = payload.get("data", payload.get("transfers"))
        payload = found if isinstance(found, list | dict) else payload
    return payload if isinstance(payload, list) else [payload]


@pytest.mark.parametrize("endpoint_name", sorted({*READ_NAMES} - {*exchange().examples}))
def test_every_endpoint_responds_as_documented(endpoint_name: str) -> None:
    response = ask(exchange(), endpoint_name)
    assert response.status == 200, response.body
    payload: Any = response.json()
    examples = documented(endpoint_name)
    assert any(type(payload) is type(example) for example in examples)
    # Newer fields that the example of one page lacks, and the text of another has.
    optional = {
        w for column in ENDPOINTS_BY_NAME[endpoint_name].columns if column.optional for w in column.fields
    }
    if isinstance(payload, dict):
        assert any(payload.keys() - optional == example.keys() - optional for example in examples)
    rows = rows_of(payload)
    known = [row for example in examples for row in rows_of(example)]
    types: dict[str, set[type]] = {}
    for row in known:
        for name, value in row.items():
            types.setdefault(name, set()).add(type(value))
    always = set.intersection(*(set(row) for row in known)) - optional
    assert rows
    for row in rows:
        assert always <= row.keys() <= types.keys() | optional, row
        for name, value in row.items():
            assert type(value) in types.get(name, {str, int}), (name, value)


def test_the_partners_key_may_read_every_endpoint() -> None:
    this = exchange()
    assert {ask(this, endpoint_name).status for endpoint_name in READ_NAMES} == {200}
    assert this.counts == {200: len(READ_NAMES)}


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("/api/v3/time", "serverTime"),
        ("/fapi/v1/time", "serverTime"),
        ("/api/v3/exchangeInfo", "symbols"),
        ("/fapi/v1/exchangeInfo", "symbols"),
        ("/dapi/v1/exchangeInfo", "symbols"),
        ("/eapi/v1/exchangeInfo", "optionSymbols"),
        ("/sapi/v1/system/status", "status"),
    ],
)
def test_public_paths_need_no_key(path: str, field: str) -> None:
    response = exchange().handle(SandboxRequest("GET", path))
    assert response.status == 200
    assert field in response.json()  # type: ignore[operator]


@pytest.mark.parametrize("path", ["/api/v3/ping", "/fapi/v1/ping", "/papi/v1/ping"])
def test_ping_is_an_empty_object(path: str) -> None:
    assert exchange().handle(SandboxRequest("GET", path)).body == b"{}"


def test_the_date_and_time_follow_the_clock() -> None:
    response = exchange(FakeClock(NOW)).handle(SandboxRequest("GET", "/api/v3/time"))
    assert response.headers["Date"] == "Wed, 18 Nov 2026 10:30:05 GMT"
    assert response.json() == {"serverTime": NOW_MS}


@pytest.mark.parametrize(("path", "method", "status"), [("/sapi/v1/no", "GET", 404), (INFO, "PATCH", 405)])
def test_unknown_routes(path: str, method: str, status: int) -> None:
    response = exchange().handle(signed(path, method=method))
    assert error(response) == (status, -1099)
    assert response.json()["msg"] == f"The sandbox does not have {method} {path}."


# --- authentication ------------------------------------------------------------------------------


def test_missing_or_malformed_key() -> None:
    for text in ("", "short", "x" * 63 + "-"):
        request = signed(INFO, headers={"X-MBX-APIKEY": text})
        assert error(exchange().handle(request)) == (401, -2014)


def test_unknown_key() -> None:
    assert error(exchange().handle(signed(INFO, headers={"X-MBX-APIKEY": "x" * 64}))) == (401, -2015)


@pytest.mark.parametrize("stamp", ["", "now", "-5", "1.5", "1e12"])
def test_malformed_timestamp(stamp: str) -> None:
    assert error(exchange().handle(signed(INFO, timestamp=stamp))) == (400, -1102)


def test_missing_timestamp_and_signature() -> None:
    headers = {"X-MBX-APIKEY": world().partner.key}
    for query, name in ((b"", "timestamp"), (b"timestamp=%d" % NOW_MS, "signature")):
        response = exchange().handle(SandboxRequest("GET", INFO, query, b"", headers))
        assert error(response) == (400, -1102)
        assert f"'{name}'".encode() in response.body


@pytest.mark.parametrize(
    ("ahead", "window", "right"),
    [
        (999, "", True),
        (1000, "", False),
        (-5000, "", True),
        (-5001, "", False),
        (-60_000, "60000", True),
        (-60_001, "60000", False),
        (-1, "0", False),
    ],
)
def test_the_clock_window_is_exact(ahead: int, window: str, right: bool) -> None:
    params = {"recvWindow": window} if window else {}
    response = exchange().handle(signed(INFO, params, now_ms=NOW_MS + ahead))
    assert response.status == 200 if right else error(response) == (400, -1021)


@pytest.mark.parametrize("window", ["60001", "x", "-1", ""])
def test_invalid_recv_window(window: str) -> None:
    assert error(exchange().handle(signed(INFO, {"recvWindow": window}))) == (400, -1131)
    response = exchange().handle(signed("/fapi/v1/apiReferral/overview", {"recvWindow": window}))
    assert error(response) == (400, -1130)


def test_wrong_signature() -> None:
    for wrong in ("0" * 64, "é", hmac_of("another secret", f"timestamp={NOW_MS}")):
        assert error(exchange().handle(signed(INFO, signature=wrong))) == (400, -1022)


def test_signature_in_upper_case() -> None:
    right = hmac_of(world().partner.secret, f"timestamp={NOW_MS}")
    assert exchange().handle(signed(INFO, signature=right.upper())).status == 200


def test_the_signature_may_be_anywhere_and_every_other_byte_counts() -> None:
    secret, headers = world().partner.secret, {"X-MBX-APIKEY": world().partner.key}
    payload = f"email=a%2bb%40c.example&timestamp={NOW_MS}"
    query = payload.replace("&", f"&signature={hmac_of(secret, payload)}&")
    path = "/sapi/v1/apiReferral/customization"
    assert exchange().handle(SandboxRequest("GET", path, query.encode(), b"", headers)).status == 200
    # The same value in another encoding is another payload.
    bent = query.replace("%2b", "%2B").encode()
    assert error(exchange().handle(SandboxRequest("GET", path, bent, b"", headers))) == (400, -1022)


def test_without_signature_keeps_all_other_bytes() -> None:
    assert without_signature(b"a=1&&signature=x&b=%20&c") == b"a=1&&b=%20&c"
    assert without_signature(b"signature=x") == b""
    assert without_signature(b"mysignature=x&a=") == b"mysignature=x&a="


def test_bytes_outside_ascii_must_be_encoded_before_signing() -> None:
    key = world().partner
    query = f"email=ü@x.example&timestamp={NOW_MS}"
    raw = f"{query}&signature={hmac_of(key.secret, query)}".encode()
    response = exchange().handle(
        SandboxRequest("GET", "/sapi/v1/apiReferral/customization", raw, b"", {"X-MBX-APIKEY": key.key})
    )
    assert error(response) == (400, -1022)


V1 = "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j"
V3 = "2b5eb11e18796d12d88f13dc27dbbd02c2cc51ff7059765ed9821957d82bb4d9"
HEAD = "symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTC"
TAIL = "quantity=1&price=0.1&recvWindow=5000&timestamp=1499827319559"
DIGITS = "%EF%BC%91%EF%BC%92%EF%BC%93%EF%BC%94%EF%BC%95%EF%BC%96"


@pytest.mark.parametrize(
    ("secret", "query", "body", "signature"),
    [
        (V1, f"{HEAD}&{TAIL}", "", "c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71"),
        (
            V1,
            f"{HEAD}&{TAIL}".replace("LTCBTC", DIGITS),
            "",
            "e1353ec6b14d888f1164ae9af8228a3dbd508bc82eb867db8ab6046442f33ef3",
        ),
        (
            V3,
            "symbol=BTCUSDT&side=BUY&type=LIMIT&quantity=1&price=9000&timeInForce=GTC"
            "&recvWindow=5000&timestamp=1591702613943",
            "",
            "3c661234138461fcc7a7d8746c6558c9842d4e10870d2ecbedf7777cad694af9",
        ),
        (
            V3,
            "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC",
            "quantity=1&price=9000&recvWindow=5000&timestamp=1591702613943",
            "30baaf0fab549bbeda7f5ef201898b34122da25fd23c646cac2c529aebe670a4",
        ),
        (V1, HEAD, TAIL, "0fd168b8ddb4876a0358a8d14d0c9f3da0e9b20c5d52b2a00fcf7d1c602f9a77"),
    ],
    ids=["V1", "V2", "V3", "V4", "V5"],
)
@pytest.mark.parametrize("sent_in", ["query", "body"])
def test_documented_signatures(secret: str, query: str, body: str, signature: str, sent_in: str) -> None:
    if sent_in == "query":
        query += f"&signature={signature}"
    else:
        body += ("&" if body else "") + f"signature={signature}"
    request = SandboxRequest("POST", "/api/v3/order", query.encode(), body.encode(), FORM)
    values = read_parameters(request).values
    key = RegisteredKey(name="vector", key="k", secret=secret, uid="1")
    check_signed(request, ENDPOINTS_BY_NAME["spot.rebates"], values, key, int(values["timestamp"]))


@pytest.mark.parametrize("kind", ["rsa", "ed25519"])
def test_public_keys(kind: str) -> None:
    query = f"timestamp={NOW_MS}"
    if kind == "rsa":
        pair = rsa.generate_private_key(65537, 2048)
        raw = pair.sign(query.encode(), padding.PKCS1v15(), hashes.SHA256())
        public = pair.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    else:
        other = ed25519.Ed25519PrivateKey.generate()
        raw = other.sign(query.encode())
        public = other.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    this = World(now=NOW)
    key = RegisteredKey(name=kind, key=kind.ljust(64, "x"), uid=this.partner_uid, public_pem=public.decode())
    this.keys[kind] = key
    market = exchange(world=this)
    text = base64.b64encode(raw).decode()
    encoded = text.replace("+", "%2B").replace("/", "%2F").replace("=", "%3D")
    assert market.handle(signed(INFO, key=key, signature=encoded)).status == 200
    assert market.handle(signed(INFO, key=key, signature=text)).status == 200
    for wrong in (text.swapcase(), f"!{text}", base64.b64encode(raw[::-1]).decode(), "%%%"):
        assert error(market.handle(signed(INFO, key=key, signature=wrong))) == (400, -1022)


def test_the_first_mistake_is_reported() -> None:
    headers = {"X-MBX-APIKEY": "x" * 64}
    everything = {"nonsense": "1", "recvWindow": "99999"}
    steps = [
        signed(INFO, everything, headers={"X-MBX-APIKEY": "?"}, timestamp="?", signature="?"),
        signed(INFO, everything, headers=headers, timestamp="?", signature="?"),
        signed(INFO, everything, timestamp="?", signature="?"),
        signed(INFO, everything, timestamp="1", signature="?"),
        signed(INFO, {"nonsense": "1"}, timestamp="1", signature="?"),
        signed(INFO, {"nonsense": "1"}, timestamp="1"),
        signed(INFO, {"nonsense": "1"}, key=world().keys["no-link"]),
        signed(INFO, {"nonsense": "1"}),
    ]
    codes = [error(exchange().handle(step))[1] for step in steps]
    assert codes == [-2014, -2015, -1102, -1131, -1022, -1021, -2015, -1104]


# --- permissions ---------------------------------------------------------------------------------


@pytest.mark.parametrize("endpoint_name", READ_NAMES)
def test_what_each_key_may_do(endpoint_name: str) -> None:
    endpoint = ENDPOINTS_BY_NAME[endpoint_name]
    allowed = {
        "read-only": not endpoint.permission,
        "trade-only": endpoint.security != "USER_DATA",
        "no-link": endpoint_name in OWN_ENDPOINTS,
        "customer": endpoint_name in CUSTOMER_ENDPOINTS | OWN_ENDPOINTS,
    }
    for name, right in allowed.items():
        response = ask(exchange(), endpoint_name, key=world().keys[name])
        if right and endpoint_name in OWN_ORDERS:
            assert response.status == 200 or error(response) == (400, -2013), name
        else:
            assert response.status == 200 if right else error(response) == (401, -2015), name


def test_responses_to_the_customers_key() -> None:
    key = world().keys["customer"]
    payload: Any = ask(exchange(), "spot.new_user", key=key).json()
    assert (payload["rebateWorking"], payload["ifNewUser"]) == (True, True)
    assert ask(exchange(), "spot.customer_id", key=key).json() == {"customerId": world().customer.id}
    other: Any = ask(exchange(), "spot.new_user", {"apiAgentCode": "OTHER"}, key=key).json()
    assert (other["apiAgentCode"], other["rebateWorking"]) == ("OTHER", False)


# --- parameters ----------------------------------------------------------------------------------

A = world().accounts[0].id


@pytest.mark.parametrize(
    ("endpoint_name", "params", "code"),
    [
        ("exchange.partner", "a=1", -1104),
        ("exchange.bnb_burn", f"subAccountId={A}&subAccountId={A}", -1101),
        ("exchange.bnb_burn", "", -1102),
        ("exchange.bnb_burn", "subAccountId=", -1102),
        ("exchange.bnb_burn", "subAccountId=abc", -1102),
        ("exchange.bnb_burn", "subAccountId=12345", -5021),
        ("exchange.api_keys", "subAccountId=12345", -5021),
        ("exchange.futures_transfers", "subAccountId=12345&futuresType=1", -5021),
        ("exchange.sub_accounts", "subAccountId=", -1105),
        ("exchange.sub_accounts", "subAccountId=a-b", -1100),
        ("exchange.sub_accounts", "page=x", -1100),
        ("exchange.sub_accounts", "page=0", -1130),
        ("exchange.sub_accounts", "size=501", -1130),
        ("exchange.sub_accounts", "size=0", -1130),
        ("exchange.sub_accounts", "size=99999999999999999999", -1130),
        ("exchange.spot_balances", "", -1102),
        ("exchange.margin_balances", "page=2", -1102),
        ("exchange.spot_balances", "size=21", -1130),
        ("exchange.futures_balances", "futuresType=3&size=5", -1130),
        ("exchange.futures_balances", "futuresType=um&size=5", -1102),
        ("exchange.transfers", "", -1102),
        ("exchange.transfers", f"fromId={A}&showAllStatus=yes", -1100),
        ("exchange.deposits", "status=5", -1130),
        ("exchange.deposits", "offset=-1", -1100),
        ("exchange.deposits", "coin=btc", -1100),
        ("exchange.um_commission", f"subAccountId={A}", -1102),
        ("exchange.um_commission", f"subAccountId={A}&symbol=NOPE", -1121),
        ("exchange.cm_commission", f"subAccountId={A}&pair=BTCUSDT", -1121),
        ("exchange.ip_restriction", f"subAccountId={A}&subAccountApiKey=abc", -1130),
        ("exchange.futures_rebates", f"futuresType=1&startTime={NOW_MS}", -1102),
        ("spot.customers", "customerId=a&email=b", -1128),
        ("spot.rebates", "", -1102),
        ("spot.rebates", f"limit=5&startTime={NOW_MS}", -1128),
        ("spot.rebates", f"limit=5&endTime={NOW_MS}", -1128),
        ("futures.overview", "type=3", -1102),
        ("futures.volumes", "type=cm", -1102),
        ("futures.volumes", "limit=1001", -1130),
        ("futures.income", "incomeType=a%20b", -1100),
    ],
)
def test_invalid_parameters_are_refused(endpoint_name: str, params: str, code: int) -> None:
    assert error(exchange().handle(signed(ENDPOINTS_BY_NAME[endpoint_name].path, params))) == (400, code)


def test_the_text_for_unread_parameters_counts_what_was_sent() -> None:
    response: Any = exchange().handle(signed(INFO, "a=1&b=2")).json()
    assert response["msg"] == "Not all sent parameters were read; read '2' parameter(s) but was sent '4'."


@pytest.mark.parametrize("value", ["a b", "a+b@x.example", "50%&=#?", "żółć", "名前"])
def test_values_arrive_as_meant(value: str) -> None:
    row: dict[str, object] = {"customerId": value, "email": "x"}
    rows: list[dict[str, object]] = [row, {"customerId": "other", "email": "y"}]
    this = exchange(tables={"spot.customers": ListTable(rows, "")})
    assert ask(this, "spot.customers", {"customerId": value}).json() == [row]


def test_flags_in_upper_and_lower_case() -> None:
    for text in ("true", "TRUE", "True"):
        assert ask(exchange(), "exchange.transfers", {"fromId": A, "showAllStatus": text}).status == 200


def test_the_query_takes_precedence_over_the_body_except_for_get() -> None:
    request = SandboxRequest("POST", "/x", b"a=1&b=2", b"a=3&c=%2B+", FORM)
    parameters = read_parameters(request)
    assert parameters.values == {"a": "1", "b": "2", "c": "+ "}
    assert (parameters.sent, parameters.repeated) == (3, False)
    assert read_parameters(SandboxRequest("DELETE", "/x", b"", b"a=1&a=1", FORM)).repeated
    assert read_parameters(SandboxRequest("GET", "/x", b"a=1", b"b=2", FORM)).values == {"a": "1"}


@pytest.mark.parametrize(
    ("kind", "read"),
    [
        ("application/x-www-form-urlencoded", True),
        ("Application/X-WWW-Form-Urlencoded ; charset=UTF-8", True),
        ("application/json", False),
        ("text/plain", False),
        ("", False),
    ],
)
def test_a_body_is_read_only_as_a_form(kind: str, read: bool) -> None:
    request = SandboxRequest("POST", "/x", b"a=1", b"b=2", {"Content-Type": kind} if kind else {})
    assert read_parameters(request).values == ({"a": "1", "b": "2"} if read else {"a": "1"})


# --- spans ---------------------------------------------------------------------------------------


def times_returned(endpoint_name: str, times: list[int], params: str, **options: Any) -> list[int]:
    """Times of the rows returned, when there are rows of these times."""
    field = "insertTime" if endpoint_name == "exchange.deposits" else "time"
    table = ListTable([{field: time} for time in times], field)
    this = exchange(tables={endpoint_name: table}, **options)
    response = this.handle(signed(ENDPOINTS_BY_NAME[endpoint_name].path, params))
    assert response.status == 200, response.body
    return [row[field] for row in rows_of(response.json())]


N = NOW_MS
DAYS_100, DAYS_30, DAYS_7 = 100 * DAY, 30 * DAY, 7 * DAY
EDGES = sorted({N - k * DAY + e for k in (0, 3, 7, 20, 30, 60, 90, 100, 150, 200) for e in (-1, 0, 1)})
FROM = f"fromId={world().partner_uid}&limit=500"
SINCE_150 = f"startTime={N - 150 * DAY}"
UNTIL_30 = f"endTime={N - DAYS_30}"
SUB = f"subAccountId={A}&futuresType=1&limit=500"


def within(start: int, end: int) -> list[int]:
    return [time for time in EDGES if start <= time <= min(end, N)]


@pytest.mark.parametrize(
    ("endpoint_name", "params", "start", "end"),
    [
        ("exchange.transfers", FROM, N - DAYS_100, N),
        ("exchange.transfers", f"{FROM}&startTime={N - 150 * DAY}", N - 150 * DAY, N - 50 * DAY),
        ("exchange.transfers", f"{FROM}&endTime={N - 60 * DAY}", N - 160 * DAY, N - 60 * DAY),
        ("exchange.transfers", f"{FROM}&startTime={N - 200 * DAY}&endTime={N}", N - 200 * DAY, N - DAYS_100),
        ("exchange.universal_transfers", FROM, N - DAYS_30, N),
        ("exchange.universal_transfers", f"{FROM}&startTime={N - 60 * DAY}", N - 60 * DAY, N),
        ("exchange.universal_transfers", f"{FROM}&endTime={N - DAYS_30}", N - 60 * DAY, N - DAYS_30),
        ("exchange.universal_transfers", f"{FROM}&{SINCE_150}&endTime={N}", N - 150 * DAY, N - 50 * DAY),
        ("exchange.futures_transfers", SUB, N - DAYS_30, N),
        ("exchange.futures_transfers", f"{SUB}&endTime={N - 3 * DAY}", N - DAYS_30, N - 3 * DAY),
        ("exchange.futures_transfers", f"{SUB}&startTime={N - 7 * DAY}", N - DAYS_7, N),
        ("exchange.futures_transfers", f"{SUB}&startTime={N - 60 * DAY}&{UNTIL_30}", *[N - DAYS_30] * 2),
        ("exchange.deposits", "", N - DAYS_7 + 1, N),
        ("exchange.deposits", f"startTime={N - 3 * DAY}", N - 3 * DAY, N),
        ("exchange.deposits", f"endTime={N - 3 * DAY}", N - DAYS_7 + 1, N - 3 * DAY),
        ("exchange.rebates", f"startTime={N - 3 * DAY}&endTime={N + DAY}", N - 3 * DAY, N),
        ("spot.rebates", "limit=500", N - DAYS_7, N),
        ("spot.kickbacks", "limit=500", N - DAYS_7, N),
        ("spot.kickbacks", f"limit=500&startTime={N - 20 * DAY}&endTime={N - 20 * DAY + 1}", N, N - 1),
        ("futures.income", "limit=500", N - DAYS_7, N),
        ("futures.income", f"limit=500&startTime={N - 200 * DAY}", N - 90 * DAY, N),
        ("futures.income", f"limit=500&endTime={N - DAYS_30}", N - 90 * DAY, N - DAYS_30),
        ("futures.traders", "limit=500", 0, N),
        ("futures.traders", f"limit=500&startTime={N - 200 * DAY}&endTime={N - DAY}", N - 200 * DAY, N - DAY),
    ],
)  # fmt: skip
def test_the_span_of_a_request(endpoint_name: str, params: str, start: int, end: int) -> None:
    assert times_returned(endpoint_name, EDGES, params) == within(start, end)


@pytest.mark.parametrize("endpoint_name", [e.qualified_name for e in READS if e.window])
def test_a_start_after_the_end(endpoint_name: str) -> None:
    params = minimal(endpoint_name) | {"startTime": str(N), "endTime": str(N - 1)}
    assert error(ask(exchange(), endpoint_name, params)) == (400, -1023)


@pytest.mark.parametrize("endpoint_name", [e.qualified_name for e in READS if e.window and e.window.max_span])
def test_a_span_too_long_by_a_millisecond(endpoint_name: str) -> None:
    window = ENDPOINTS_BY_NAME[endpoint_name].window
    assert window is not None
    assert window.max_span is not None
    longest = int(window.max_span.total_seconds() * 1000)
    right = minimal(endpoint_name) | {"startTime": str(N - longest), "endTime": str(N)}
    assert ask(exchange(), endpoint_name, right).status == 200
    wrong = right | {"startTime": str(N - longest - 1)}
    response = ask(exchange(), endpoint_name, wrong)
    shortened = endpoint_name in ("exchange.transfers", "exchange.universal_transfers")
    code = -4047 if "/capital/" in ENDPOINTS_BY_NAME[endpoint_name].path else -1127
    assert response.status == 200 if shortened else error(response) == (400, code)


# --- pages ---------------------------------------------------------------------------------------

TIMES = [N - DAY + k // 3 for k in range(100)]  # three rows in each millisecond


@pytest.mark.parametrize(
    "endpoint_name", ["exchange.rebates", "exchange.deposits", "exchange.universal_transfers"]
)
def test_pages_make_up_the_whole_list(endpoint_name: str) -> None:
    paging = ENDPOINTS_BY_NAME[endpoint_name].paging
    rows: list[dict[str, object]] = [{"time": t, "insertTime": t, "n": n} for n, t in enumerate(TIMES)]
    field = "insertTime" if endpoint_name == "exchange.deposits" else "time"
    this = exchange(tables={endpoint_name: ListTable(rows, field)})
    got: list[Any] = []
    for number in range(20):
        index = {"page": number + 1} if paging.kind == "page" else {"offset": number * 7}
        needed = {"fromId": world().partner_uid} if "transfers" in endpoint_name else {}
        got += rows_of(ask(this, endpoint_name, {paging.size: 7, **index, **needed}).json())
    assert got == rows


def test_a_limit_keeps_the_oldest_from_a_start_and_the_newest_otherwise() -> None:
    start = f"startTime={TIMES[0]}&limit=10"
    assert times_returned("futures.income", TIMES, start) == TIMES[:10]
    assert times_returned("futures.income", TIMES, start, rows_kept="newest") == TIMES[-10:]
    assert times_returned("futures.income", TIMES, "limit=10") == TIMES[-10:]


def test_income_weighs_30_and_has_no_pages_any_more() -> None:
    this = exchange()
    response = ask(this, "futures.income", {"limit": 10})
    assert response.headers["X-MBX-USED-WEIGHT-1M"] == "30"
    assert error(ask(this, "futures.income", {"limit": 10, "page": 1}))[1] == -1104
    assert ENDPOINTS_BY_NAME["futures.income"].paging.kind == "limit"


def test_default_sizes() -> None:
    assert len(times_returned("futures.income", [N] * 150, f"startTime={N}")) == 100
    assert (
        len(times_returned("exchange.futures_rebates", [N] * 50, f"futuresType=1&startTime={N}&endTime={N}"))
        == 10
    )


def test_list_tables_filter_like_the_endpoints() -> None:
    rows: list[dict[str, object]] = [
        {"time": 1, "fromId": "5", "toId": "6", "status": "SUCCESS", "clientTranId": "a"},
        {"time": 2, "toId": "5", "status": "FAILURE", "clientTranId": ""},
        {"time": 3, "fromId": "", "toId": "6", "status": "INIT", "clientTranId": "b"},
    ]
    table = ListTable(rows, master="9")

    def times(**filters: str) -> list[object]:
        chosen = table.slice(None, None, filters, 0, 9)
        assert table.count(None, None, filters) == len(chosen)
        return [row["time"] for row in chosen]

    assert times(fromId="5") == [1]
    assert times(fromId="9") == [2, 3]
    assert times(fromId="9", showAllStatus="false") == [3]
    assert times(toId="6", clientTranId="b") == [3]
    assert times(futuresType="1", type="2") == [1, 2, 3]
    assert table.slice(2, 3, {}, 1, 5)[0]["time"] == 3


# --- weight --------------------------------------------------------------------------------------


def overview(this: Exchange, **options: Any) -> Any:
    return ask(this, "futures.overview", **options)


def rate_limits(this: Exchange, path: str) -> list[tuple[Any, ...]]:
    payload: Any = this.handle(SandboxRequest("GET", path)).json()
    names = ("rateLimitType", "intervalNum", "interval", "limit")
    return [tuple(limit[name] for name in names) for limit in payload["rateLimits"]]


def test_weight_is_counted_to_the_last_call_and_reset_each_minute() -> None:
    clock = FakeClock(NOW)  # five seconds into the minute
    this = exchange(clock)
    used = [overview(this).headers["X-MBX-USED-WEIGHT-1M"] for _ in range(24)]
    assert used == [str(100 * k) for k in range(1, 25)]
    refused = overview(this)
    assert error(refused) == (429, -1003)
    assert refused.headers["Retry-After"] == "55"
    assert refused.headers["X-MBX-USED-WEIGHT-1M"] == "2400"
    assert "2400 request weight per 1 MINUTE" in refused.json()["msg"]
    clock.advance(54.9)
    assert overview(this).status == 429
    clock.advance(0.1)
    assert overview(this).headers["X-MBX-USED-WEIGHT-1M"] == "100"
    assert [(w.used, w.refused) for w in this.windows] == [(2400, 2), (100, 0)]


def test_rate_limits_are_counted_separately() -> None:
    this = exchange()
    for _ in range(3):
        ask(this, "exchange.spot_balances")
        ask(this, "exchange.deposits")
    uid = ask(this, "exchange.spot_balances", headers={"X-Sandbox-IP": "10.0.0.9"})
    assert uid.headers["X-SAPI-USED-UID-WEIGHT-1M"] == "12000"  # by account, whatever the address
    other = ask(this, "exchange.deposits", headers={"X-Sandbox-IP": "10.0.0.9"})
    assert other.headers["X-SAPI-USED-IP-WEIGHT-1M"] == "10"
    assert ask(this, "exchange.deposit").headers["X-SAPI-USED-IP-WEIGHT-1M"] == "10"
    customer = ask(this, "portfolio.new_user", key=world().keys["customer"])
    assert customer.headers["X-MBX-USED-WEIGHT-1M"] == "100"


def test_sixty_spot_balances_a_minute() -> None:
    this = exchange()
    assert [ask(this, "exchange.spot_balances").status for _ in range(61)] == [200] * 60 + [429]


def test_requests_after_429_are_banned_longer_each_time() -> None:
    clock = FakeClock(NOW)
    this = exchange(clock, limit_scale=0.1)
    lengths = []
    for _ in range(13):
        statuses = []
        while 418 not in statuses:
            response = overview(this)
            statuses.append(response.status)
        assert statuses == [200, 200] + [429] * MAX_REFUSALS + [418]
        lengths.append(int(response.headers["Retry-After"]))
        assert f"IP banned until {int((clock.time() + lengths[-1]) * 1000)}" in response.json()["msg"]
        assert error(overview(this)) == (418, -1003)
        assert overview(this, headers={"X-Sandbox-IP": "10.0.0.9"}).status in (200, 429)
        clock.advance(lengths[-1] + 60)
        overview(this, headers={"X-Sandbox-IP": "10.0.0.8"})
    assert lengths == [min(120 * 2**k, int(MAX_BAN_S)) for k in range(13)]


def test_a_ban_stops_the_whole_host() -> None:
    clock = FakeClock(NOW)
    this = exchange(clock, limit_scale=0.001)
    ping = SandboxRequest("GET", "/api/v3/ping")
    while this.handle(ping).status != 418:
        pass
    assert ask(this, "exchange.partner").status == 418
    assert this.handle(SandboxRequest("GET", "/fapi/v1/ping")).status == 200
    clock.advance(119.5)
    assert this.handle(ping).headers["Retry-After"] == "1"
    clock.advance(0.5)
    assert ask(this, "exchange.partner").status == 200


def test_sapi_never_bans() -> None:
    this = exchange(limit_scale=0.00001)
    statuses = [ask(this, "exchange.partner").status for _ in range(30)]
    assert statuses == [200] + [429] * 29
    assert "Retry-After" in ask(this, "exchange.partner").headers


def test_failed_requests_are_counted_too() -> None:
    this = exchange()
    assert error(overview(this, signature="0"))[1] == -1022
    assert this.handle(SandboxRequest("GET", "/fapi/v1/nothing")).headers["X-MBX-USED-WEIGHT-1M"] == "101"
    assert overview(this).headers["X-MBX-USED-WEIGHT-1M"] == "201"


def test_exchange_info_states_the_enforced_limits() -> None:
    this = exchange(limit_scale=0.5)
    for path, limit in (("/api/v3/exchangeInfo", 3000), ("/fapi/v1/exchangeInfo", 1200)):
        assert rate_limits(this, path)[0] == ("REQUEST_WEIGHT", 1, "MINUTE", limit)


def test_exchange_info_states_the_documented_order_limits_which_never_apply() -> None:
    this = exchange(limit_scale=0.5)
    assert rate_limits(this, "/api/v3/exchangeInfo")[1:] == [
        ("ORDERS", 10, "SECOND", 50),
        ("ORDERS", 1, "DAY", 160_000),
    ]
    assert rate_limits(this, "/fapi/v1/exchangeInfo")[1:] == [("ORDERS", 1, "MINUTE", 1200)]
    assert rate_limits(this, "/dapi/v1/exchangeInfo") == []


def test_windows_of_another_length() -> None:
    clock = FakeClock(NOW + 1)  # where a window of three seconds begins
    this = exchange(clock, limit_scale=0.1, window_seconds=3)
    assert rate_limits(this, "/fapi/v1/exchangeInfo")[0] == ("REQUEST_WEIGHT", 3, "SECOND", 240)
    assert [overview(this).headers.get("X-MBX-USED-WEIGHT-3S") for _ in range(3)] == ["101", "201", "201"]
    refused = overview(this)
    assert error(refused) == (429, -1003)
    assert refused.headers["Retry-After"] == "3"
    assert "240 request weight per 3 SECOND" in refused.json()["msg"]
    assert ask(this, "exchange.partner").headers["X-SAPI-USED-IP-WEIGHT-3S"] == "1"
    assert ask(this, "exchange.futures_balances").headers["X-SAPI-USED-UID-WEIGHT-3S"] == "60"
    clock.advance(3)
    assert overview(this).headers["X-MBX-USED-WEIGHT-3S"] == "100"
    assert [(window.rate_limit, window.seconds) for window in this.windows if window.host == "fapi"] == [
        ("fapi", 3)
    ] * 2
    assert {each.seconds for each in this.limits.rate_limits.values()} == {3}
    for wrong in (0, -1, 1.5):
        with pytest.raises(ValueError, match="window_seconds"):
            exchange(window_seconds=wrong)


def test_one_symbol_of_exchange_info() -> None:
    this = exchange()
    response = this.handle(SandboxRequest("GET", "/api/v3/exchangeInfo", b"symbol=BTCUSDT"))
    payload: Any = response.json()
    assert [symbol["symbol"] for symbol in payload["symbols"]] == ["BTCUSDT"]
    assert payload["rateLimits"][0]["limit"] == 6000
    assert response.headers["X-MBX-USED-WEIGHT-1M"] == "20"
    for wrong, code in ((b"symbol=NOTHING", -1121), (b"symbol=", -1105), (b"symbol=btcusdt", -1100)):
        assert error(this.handle(SandboxRequest("GET", "/api/v3/exchangeInfo", wrong))) == (400, code)
    everything: Any = this.handle(SandboxRequest("GET", "/api/v3/exchangeInfo")).json()
    assert len(everything["symbols"]) > 1


def test_each_exchange_has_its_own_id() -> None:
    assert len({exchange().id for _ in range(3)}) == 3


def test_the_header_follows_the_interval() -> None:
    rate_limit = RateLimit(name=FAPI.name, host="fapi", prefix="/fapi/", limit=300, seconds=10)
    clock = FakeClock(NOW)
    this = exchange(clock, rate_limits={FAPI.name: rate_limit})
    assert [overview(this).headers["X-MBX-USED-WEIGHT-10S"] for _ in range(3)] == ["100", "200", "300"]
    assert overview(this).headers["Retry-After"] == "5"
    clock.advance(5)
    assert overview(this).status == 200


def test_a_scale_must_be_positive_and_leaves_a_limit_of_at_least_one() -> None:
    with pytest.raises(ValueError, match="positive"):
        exchange(limit_scale=0)
    assert set(exchange(limit_scale=1e-9).limits.limits.values()) == {1}


def test_windows_are_aligned_and_scaled() -> None:
    this = exchange(limit_scale=0.5)
    overview(this)
    (window,) = this.windows
    assert (window.rate_limit, window.host, window.used, window.limit) == ("fapi", "fapi", 100, 1200)
    assert window.start_ms == NOW_MS - 5000


def test_the_log_names_the_key_but_does_not_contain_it() -> None:
    this = exchange()
    overview(this)
    overview(this, signature="0")
    first, second = this.log
    assert (first.key, first.status, first.code, first.weight, first.used) == ("partner", 200, None, 100, 100)
    assert (second.status, second.code, second.used) == (400, -1022, 200)
    key = world().partner
    assert not any(secret in repr((this.log, key)) for secret in (key.key, key.secret))
    assert this.counts == {200: 1, 400: 1}


# --- faults without a socket ---------------------------------------------------------------------


def test_disorder_and_repeats_and_fields() -> None:
    this = exchange()
    params = {"size": 5, "page": 2}
    right: Any = ask(this, "exchange.rebates", params).json()
    last: Any = ask(this, "exchange.rebates", {"size": 5, "page": 1}).json()
    assert all(a["time"] <= b["time"] for a, b in pairwise(right))
    this.faults.add("disorder")
    assert ask(this, "exchange.rebates", params).json() == right[::-1]
    this.faults.add("repeat")
    assert ask(this, "exchange.rebates", {"size": 5}).json() == last  # the first page has nothing before it
    assert ask(this, "exchange.rebates", params).json() == [last[-1], *right]
    this.faults.add("missing-field")
    this.faults.add("unknown-field", path="/sapi/v1/broker/info")
    short: Any = ask(this, "exchange.rebates", params).json()
    assert [{"subaccountId": r["subaccountId"]} | s for r, s in zip(right, short, strict=True)] == right
    assert all("subaccountId" not in row for row in short)
    assert "surprise" in ask(this, "exchange.partner").json()  # type: ignore[operator]
    this.faults.add("missing-field", field="asset")
    assert all("asset" not in row for row in rows_of(ask(this, "exchange.rebates", params).json()))
    assert ask(this, "exchange.rebates", params).json() == right


def test_fewer_rows_than_requested() -> None:
    this = exchange()
    right: Any = ask(this, "exchange.rebates", {"size": 12}).json()
    assert len(right) == 12
    this.faults.add("cap", rows=4, times=2)
    assert ask(this, "exchange.rebates", {"size": 12, "page": 2}).json() == right[4:8]
    assert ask(this, "exchange.rebates", {"size": 3}).json() == right[:3]
    this.faults.add("cap", rows=4, counted=False)
    assert ask(this, "exchange.rebates", {"size": 6, "page": 2}).json() == right[6:10]
    this.faults.add("cap", rows=4)
    ask(this, "exchange.partner")  # it has no size
    assert ask(this, "exchange.rebates", {"size": 12}).json() == right[:4]


def test_ignored_parameters() -> None:
    this = exchange()
    right: Any = ask(this, "exchange.rebates", {"size": 5}).json()
    this.faults.add("ignore", name="page")
    assert ask(this, "exchange.rebates", {"size": 5, "page": 3}).json() == right
    one = right[0]["subaccountId"]
    this.faults.add("ignore", name="subAccountId")
    ask(this, "exchange.api_keys")  # which requires the parameter
    assert ask(this, "exchange.rebates", {"size": 5, "subAccountId": one}).json() == right
    assert all(
        r["subaccountId"] == one for r in rows_of(ask(this, "exchange.rebates", {"subAccountId": one}).json())
    )


def test_times_outside_the_span() -> None:
    this = exchange()
    right: Any = ask(this, "exchange.rebates", {"size": 5}).json()
    this.faults.add("wrong-times", days=-40)
    early: Any = ask(this, "exchange.rebates", {"size": 5}).json()
    assert early == [row | {"time": row["time"] - 40 * DAY} for row in right]
    this.faults.add("wrong-times", seconds=True)
    assert ask(this, "exchange.rebates", {"size": 5}).json() == [
        r | {"time": r["time"] // 1000} for r in right
    ]


def test_an_extra_header() -> None:
    this = exchange()
    this.faults.add("extra-header", path="/fapi/", times=2, name="X-MBX-ORDER-COUNT-1M", value=7)
    assert "X-MBX-ORDER-COUNT-1M" not in ask(this, "exchange.partner").headers
    for response in (overview(this), overview(this, signature="0")):  # refusals have headers too
        assert response.headers["X-MBX-ORDER-COUNT-1M"] == "7"
    assert "X-MBX-ORDER-COUNT-1M" not in overview(this).headers


def test_clock_skew() -> None:
    this = exchange()
    this.faults.add("clock-skew", times=None, seconds=-30)
    assert this.handle(SandboxRequest("GET", "/api/v3/time")).json() == {"serverTime": NOW_MS - 30_000}
    response = ask(this, "exchange.partner")
    assert error(response) == (400, -1021)
    assert response.headers["Date"] == "Wed, 18 Nov 2026 10:29:35 GMT"
    assert this.handle(signed(INFO, now_ms=NOW_MS - 30_000)).status == 200
    this.faults.clear()
    assert ask(this, "exchange.partner").status == 200


def test_faults_at_a_rate_follow_from_the_seed() -> None:
    def statuses() -> list[int]:
        this = exchange()
        this.faults.add("server-error", times=None, rate=0.3, path="/sapi/v1/broker")
        return [ask(this, "exchange.partner").status for _ in range(200)]

    first = statuses()
    assert statuses() == first
    assert 30 < first.count(503) < 90


def test_a_fault_applies_only_to_matching_requests() -> None:
    this = exchange()
    this.faults.add("error", path="/fapi/v1/apiReferral/over", times=2, code=-1008, status=503, message="m")
    assert ask(this, "exchange.partner").status == 200
    assert [overview(this).status for _ in range(3)] == [503, 503, 200]


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("nonsense", {}),
        ("redirect", {}),
        ("clock-skew", {}),
        ("extra-header", {"name": "X-A"}),
        ("reset", {"seconds": 3}),
        ("cut", {"times": 0}),
        ("cut", {"rate": 2}),
    ],
)
def test_invalid_faults_are_refused(kind: str, options: Any) -> None:
    with pytest.raises(ValueError, match=r"."):
        exchange().faults.add(kind, **options)


def test_a_ban_by_fault_lasts() -> None:
    clock = FakeClock(NOW)
    this = exchange(clock)
    this.faults.add("ban", seconds=300)
    assert [overview(this).status for _ in range(2)] == [418, 418]
    clock.advance(300)
    assert overview(this).status == 200


def test_faults_before_and_after_the_effect() -> None:
    """Only a request that reaches the work can be refused for its parameters."""
    for effect, code in ((False, 503), (True, 400)):
        this = exchange()
        this.faults.add("server-error", after_effect=effect)
        assert ask(this, "exchange.partner", {"nonsense": 1}).status == code
