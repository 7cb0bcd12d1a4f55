"""`link.get`, from its arguments to what is sent, charged and returned."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pandas as pd
import pytest

import toolkit
from tests.support.clocks import FakeClock
from tests.support.keys import KEY
from tests.support.recording import RecordedRequest, RecordingServer, answer, recording_server
from toolkit.endpoints import API, BASE_URLS, FAPI, PAPI, SAPI_IP, SAPI_UID, RateLimit, rate_limit_for
from toolkit.endpoints.rate_limits import FUNDING, FUTURES_DATA
from toolkit.errors import UsageError

TWO_LISTS = {
    "code": 0,
    "fee": {"maker": "0.1"},
    "assets": [{"asset": "BTC", "email": "amber.lee@post.example", "apiKey": "vmPUZE6mv9SD5V"}],
    "positions": [],
    "orders": [{"orderId": 9007199254740993}],
}


class Scene:
    """A server that answers one path, and a Link to it."""

    def __init__(self, server: RecordingServer) -> None:
        self.server = server
        self.payload: Any = {}
        server.respond = self._respond
        hosts = dict.fromkeys(BASE_URLS, server.address)
        self.link = toolkit.Link(key=KEY, secret="b" * 64, hosts=hosts, clock=FakeClock(), progress=False)

    def _respond(self, request: RecordedRequest) -> bytes:
        path = request.target.partition("?")[0]
        if path.endswith("/time"):
            return answer(200, b'{"serverTime":1767225600000}')
        if path.endswith("/exchangeInfo"):
            return answer(200, b'{"rateLimits":[]}')
        return answer(200, json.dumps(self.payload).encode())

    def sent(self) -> RecordedRequest:
        return self.server.sent[-1]


@pytest.fixture
def scene() -> Iterator[Scene]:
    with recording_server() as server:
        made = Scene(server)
        yield made
        made.link.close()


# -- what is sent -------------------------------------------------------------------------------------------


def test_a_public_path_gets_neither_key_nor_signature(scene: Scene) -> None:
    scene.link.get("/api/v3/klines", security="NONE", symbol="BTCUSDT", interval="1d")
    assert scene.sent().target == "/api/v3/klines?symbol=BTCUSDT&interval=1d"
    assert "x-mbx-apikey" not in scene.sent().headers


def test_market_data_gets_the_key_and_no_signature(scene: Scene) -> None:
    scene.link.get("/api/v3/newTrades", security="MARKET_DATA", symbol="BTCUSDT")
    assert scene.sent().target == "/api/v3/newTrades?symbol=BTCUSDT"
    assert "x-mbx-apikey" in scene.sent().headers


@pytest.mark.parametrize("security", [None, "SIGNED", "USER_DATA", "TRADE"])
def test_any_other_path_is_signed(scene: Scene, security: Any) -> None:
    scene.link.get("/sapi/v1/x", **({"security": security} if security else {}))
    assert b"signature=" in scene.sent().query
    assert "x-mbx-apikey" in scene.sent().headers


def test_a_declared_path_has_its_declared_security(scene: Scene) -> None:
    scene.link.get("/sapi/v1/broker/info", security="NONE")
    assert b"signature=" in scene.sent().query


@pytest.mark.parametrize("name", ["email", "fromEmail"])
def test_an_email_address_is_sent_in_small_letters(scene: Scene, name: str) -> None:
    scene.link.get("/sapi/v1/x", **{name: " Amber.LEE@Post.Example ", "note": "As It Is"})
    assert scene.sent().query.startswith(f"{name}=amber.lee%40post.example&note=As%20It%20Is&".encode())


def test_a_number_of_rows_is_a_parameter(scene: Scene) -> None:
    scene.payload = {"data": [{"orderNo": 1}]}
    frame = scene.link.get("/sapi/v1/fiat/orders", transactionType=0, rows=500)
    assert scene.sent().query.startswith(b"transactionType=0&rows=500&")
    assert frame["order_no"].tolist() == ["1"]
    assert frame.attrs["parameters"] == {"transactionType": "0", "rows": "500"}


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"security": "none"}, "`security` must be one of NONE, MARKET_DATA, SIGNED, USER_DATA, TRADE"),
        ({"security": None}, "`security`"),
        ({"security": []}, "`security`"),
        ({"rows": ""}, "`rows` must be the name of a list"),
        ({"rows": True}, "`rows`"),
        ({"rows": ["assets"]}, "`rows`"),
        ({"columns": "open"}, "`columns` must be a list of different names"),
        ({"columns": []}, "`columns`"),
        ({"columns": ["a", "a"]}, "`columns`"),
        ({"columns": ["a", ""]}, "`columns`"),
        ({"columns": [1]}, "`columns`"),
        ({"columns": 3}, "`columns`"),
        ({"columns": ["a\u200b"]}, "`columns` has"),
    ],
)
def test_an_invalid_argument_is_refused(scene: Scene, arguments: dict[str, Any], text: str) -> None:
    with pytest.raises(UsageError) as caught:
        scene.link.get("/sapi/v1/x", **arguments)
    assert text in str(caught.value)
    assert "Nothing was sent" in str(caught.value)
    assert scene.server.sent == []


# -- what is charged ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "uid", "rate_limit"),
    [
        ("/api/v3/klines", False, API),
        ("/api/v3/klines", True, API),
        ("/sapi/v1/x", False, SAPI_IP),
        ("/sapi/v1/x", True, SAPI_UID),
        ("/fapi/v1/klines", False, FAPI),
        ("/fapi/v1/fundingRate", False, FUNDING),
        ("/fapi/v1/fundingInfo", True, FUNDING),
        ("/fapi/v1/fundingRates", False, FAPI),
        ("/papi/v1/um/income", False, PAPI),
        ("/futures/data/basis", False, FUTURES_DATA),
        ("/futures/other", False, None),
        ("/dapi/v1/klines", False, None),
    ],
)
def test_each_path_has_its_rate_limit(path: str, uid: bool, rate_limit: RateLimit | None) -> None:
    assert rate_limit_for(path, uid=uid) is rate_limit


@pytest.mark.parametrize("path", ["/fapi/v1/fundingRate", "/futures/data/basis"])
def test_a_limit_of_requests_is_charged_one_request(scene: Scene, path: str) -> None:
    scene.payload = [{"timestamp": "1583139600000"}]
    frame = scene.link.get(path, security="NONE", weight=40)
    assert frame.attrs["weight"] == 1
    (call,) = [call for call in scene.link.budget.snapshot().calls if call.path == path]
    assert call.weight == 1


# -- what comes back ----------------------------------------------------------------------------------------


def test_several_lists_are_named_and_nothing_is_thrown_away(scene: Scene) -> None:
    scene.payload = TWO_LISTS
    with pytest.raises(UsageError) as caught:
        scene.link.get("/sapi/v1/x", email="amber.lee@post.example")
    assert "has several lists: choose with `rows` from assets, orders." in str(caught.value)
    partial = caught.value.partial
    assert partial is not None
    assert partial["code"].tolist() == ["0"]
    assert json.loads(partial["fee"][0]) == {"maker": "0.1"}
    assert json.loads(partial["orders"][0]) == TWO_LISTS["orders"]
    assert partial["positions"][0] == []
    (asset,) = json.loads(partial["assets"][0])
    assert (asset["email"], asset["apiKey"]) == ("am***@***.example", "vmP*************")
    assert partial.attrs["complete"] is False
    assert partial.attrs["parameters"] == {"email": "(hidden)"}
    for shown in (repr(caught.value), partial.to_csv(), repr(partial.attrs)):
        assert "lee" not in shown
        assert "mv9SD" not in shown


def test_an_address_in_the_name_of_a_parameter_is_masked(scene: Scene) -> None:
    scene.payload = [{"id": 1}]
    frame = scene.link.get("/sapi/v1/x", **{"amber.lee@post.example": 1})
    assert frame.attrs["parameters"] == {"am***@***.example": "1"}


def test_rows_chooses_one_of_them(scene: Scene) -> None:
    scene.payload = TWO_LISTS
    frame = scene.link.get("/sapi/v1/x", rows="orders")
    assert list(frame.columns) == ["code", "fee_maker", "positions", "order_id"]
    assert frame["order_id"].tolist() == ["9007199254740993"]
    assert (frame.attrs["complete"], frame.attrs["missing"]) == (False, [[None, None]])


def test_columns_name_the_items_of_arrays(scene: Scene) -> None:
    scene.payload = [[1499040000000, "0.5"], [1499126400000, "0.6"]]
    frame = scene.link.get("/api/v3/klines", security="NONE", columns=("open_time", "open"), numbers="exact")
    assert frame["open_time"].dtype == pd.DatetimeTZDtype("ms", "UTC")
    assert frame["open"].dtype == "exact"


def test_columns_of_another_length_do_not_lose_the_response(scene: Scene) -> None:
    scene.payload = [[1499040000000, "0.5"]]
    with pytest.raises(UsageError, match="`columns` has 1 names") as caught:
        scene.link.get("/api/v3/klines", security="NONE", columns=["open_time"])
    assert caught.value.partial is not None
    assert json.loads(caught.value.partial["value"][0]) == [1499040000000, "0.5"]


def test_a_wrapped_list_is_not_known_to_be_complete(scene: Scene) -> None:
    scene.payload = {"code": "000000", "data": {"rows": [{"id": 1}], "total": 1}}
    assert scene.link.get("/sapi/v1/x").attrs["complete"] is False
    scene.payload = {"code": "000000", "data": {"userId": "1"}}
    assert scene.link.get("/sapi/v1/x").attrs["complete"] is True


def test_too_many_decimals_do_not_refuse_the_response(scene: Scene) -> None:
    scene.payload = [{"v": "0.0000000000000000001", "w": "1.5"}]
    frame = scene.link.get("/sapi/v1/x", numbers="exact")
    assert frame["v"].tolist() == ["0.0000000000000000001"]
    assert frame["w"].dtype == "exact"
