"""Whatever others switch on to look at HTTP, it shows neither key nor signature of ours."""

from __future__ import annotations

import http.client
import io
import logging
from collections.abc import Callable, Iterator

import pytest

from tests.support.listeners import Proxy
from tests.support.recording import RecordingServer, recording_server
from toolkit.endpoints import BASE_URLS
from toolkit.transport.session import Session, SignedRequest, TransportFailure

KEY = "k" * 64
SIGNATURE = "f" * 64
EMAIL = "somebody%40example.com"


@pytest.fixture
def loud(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Callable[[], str]]:
    """Everything that was printed and logged, with all of it switched on."""
    said = io.StringIO()
    monkeypatch.setattr(http.client.HTTPConnection, "debuglevel", 1)
    handler = logging.StreamHandler(said)
    names = ["", "urllib3", "urllib3.connectionpool", "urllib3.util.retry", "requests", "http.client"]
    before = {name: logging.getLogger(name).level for name in names}
    for name in names:
        logging.getLogger(name).setLevel(logging.DEBUG)
    logging.getLogger().addHandler(handler)
    yield lambda: "".join([said.getvalue(), *capsys.readouterr()])
    logging.getLogger().removeHandler(handler)
    for name, level in before.items():
        logging.getLogger(name).setLevel(level)


def ask(session: Session) -> None:
    session.get("api", "/x", f"email={EMAIL}&signature={SIGNATURE}", KEY)
    session.send(SignedRequest("POST", "api", "/x", f"email={EMAIL}", f"a=1&signature={SIGNATURE}"), KEY)


def nothing_of_it(said: str) -> None:
    for secret in (KEY, SIGNATURE, EMAIL, "hush"):
        assert secret not in said


def test_nothing_secret_is_printed_or_logged(loud: Callable[[], str]) -> None:
    with recording_server() as server:
        session = Session(dict.fromkeys(BASE_URLS, server.address), timeout=(5, 5), trust_env=False)
        ask(session)
        session.close()
    said = loud()
    nothing_of_it(said)
    assert '"GET /x' in said, "that there was a request is no secret"


@pytest.mark.parametrize("says", [b"HTTP/1.1 200 OK\r\n\r\n", b"HTTP/1.1 407 Word\r\nX: 1\r\n\r\n"])
def test_nothing_secret_is_said_of_a_proxy(loud: Callable[[], str], says: bytes) -> None:
    proxy = Proxy(says)
    where = proxy.address.replace("http://", "http://user:hush@")
    session = Session(
        dict.fromkeys(BASE_URLS, "https://127.0.0.1:9"), timeout=(1, 1), proxies={"https": where}
    )
    with pytest.raises(TransportFailure):
        ask(session)
    session.close()
    proxy.server.close()
    nothing_of_it(loud())


def test_what_others_send_is_shown_as_before(loud: Callable[[], str]) -> None:
    """Their debugging is theirs: nothing is switched off for them."""
    with recording_server() as server:
        _ask_by_hand(server)
        logging.getLogger("urllib3.connectionpool").debug("%s", "/theirs?page=1")
    said = loud()
    assert "send: b'GET /theirs" in said
    assert "/theirs?page=1" in said


def _ask_by_hand(server: RecordingServer) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", int(server.address.rpartition(":")[2]), timeout=5)
    connection.request("GET", "/theirs")
    connection.getresponse().read()
    connection.close()
