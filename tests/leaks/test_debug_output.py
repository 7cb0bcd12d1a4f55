"""HTTP debug output of any library shows no key, signature or e-mail address of the toolkit."""

from __future__ import annotations

import http.client
import io
import logging
from collections.abc import Callable, Iterator

import pytest

from tests.support.listeners import Proxy
from tests.support.recording import RecordingServer, recording_server
from toolkit.endpoints import BASE_URLS
from toolkit.transport.session import EncodedRequest, Session, TransportFailure

KEY = "k" * 64
SIGNATURE = "f" * 64
EMAIL = "somebody%40example.com"


@pytest.fixture
def loud(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Callable[[], str]]:
    """Everything that is printed and logged, with all debug output switched on."""
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
    session.send(EncodedRequest("POST", "api", "/x", f"email={EMAIL}", f"a=1&signature={SIGNATURE}"), KEY)


def assert_no_secret(said: str) -> None:
    for secret in (KEY, SIGNATURE, EMAIL, "hush"):
        assert secret not in said


def test_nothing_secret_is_printed_or_logged(loud: Callable[[], str]) -> None:
    with recording_server() as server:
        session = Session(dict.fromkeys(BASE_URLS, server.address), timeout=(5, 5), trust_env=False)
        ask(session)
        session.close()
    said = loud()
    assert_no_secret(said)
    assert '"GET /x' in said, "the request itself is logged"


@pytest.mark.parametrize("says", [b"HTTP/1.1 200 OK\r\n\r\n", b"HTTP/1.1 407 Word\r\nX: 1\r\n\r\n"])
def test_nothing_secret_is_logged_about_a_proxy(loud: Callable[[], str], says: bytes) -> None:
    proxy = Proxy(says)
    where = proxy.address.replace("http://", "http://user:hush@")
    session = Session(
        dict.fromkeys(BASE_URLS, "https://127.0.0.1:9"), timeout=(1, 1), proxies={"https": where}
    )
    with pytest.raises(TransportFailure):
        ask(session)
    session.close()
    proxy.server.close()
    assert_no_secret(loud())


def test_requests_of_other_programs_are_logged_in_full(loud: Callable[[], str]) -> None:
    """The toolkit filters only its own requests."""
    with recording_server() as server:
        _ask_by_hand(server)
        logging.getLogger("urllib3.connectionpool").debug("%s", "/other?page=1")
    said = loud()
    assert "send: b'GET /other" in said
    assert "/other?page=1" in said


def _ask_by_hand(server: RecordingServer) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", int(server.address.rpartition(":")[2]), timeout=60)
    connection.request("GET", "/other")
    connection.getresponse().read()
    connection.close()
