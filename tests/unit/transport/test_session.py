"""Sessions: certificates, proxies, addresses, redirects and forks."""

from __future__ import annotations

import http.server
import json
import math
import os
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import toolkit
from tests.support import recording
from tests.support.certificates import certificate
from tests.support.clocks import FakeClock
from tests.support.paths import ROOT
from tests.support.sandbox_env import SandboxEnv
from toolkit import errors
from toolkit.endpoints import BASE_URLS, EXCHANGE_DOMAINS
from toolkit.transport.addresses import checked_address
from toolkit.transport.session import EncodedRequest, Session, TransportFailure


class Handler(http.server.BaseHTTPRequestHandler):
    requests: list[str]

    def do_GET(self) -> None:
        self.requests.append(self.path)
        body = json.dumps({"customerId": "c"}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Log nothing."""


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """Ignore clients that reject the certificate: they are expected here."""


@pytest.fixture(params=[30, -1], ids=["valid", "expired"])
def secure(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, Path, list[str], bool]]:
    public, private = certificate(tmp_path, days=request.param)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(public, private)
    handler = type("RecordingHandler", (Handler,), {"requests": []})
    server = Server(("127.0.0.1", 0), handler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"https://127.0.0.1:{server.server_port}", public, handler.requests, request.param > 0
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_custom_certificate_authority_is_trusted_only_if_given(
    secure: tuple[str, Path, list[str], bool],
) -> None:
    address, authority, requests, valid = secure
    hosts = dict.fromkeys(BASE_URLS, address)
    default_link = toolkit.Link(key="k" * 64, secret="s" * 64, hosts=hosts, clock=FakeClock())
    with pytest.raises(errors.NoResponseError, match="certificate") as caught:
        default_link.spot.customer_id("A")
    assert "Someone may be intercepting the connection: send nothing" in str(caught.value)
    assert "Sent once" in str(caught.value), "a retry would fail in the same way"
    assert requests == [], "nothing signed was sent to an unverified server"
    trusting_link = toolkit.Link(
        key="k" * 64, secret="s" * 64, hosts=hosts, verify=str(authority), clock=FakeClock()
    )
    if valid:
        assert trusting_link.spot.customer_id("A")["customer_id"].tolist() == ["c"]
    else:
        with pytest.raises(errors.NoResponseError, match="certificate"):
            trusting_link.spot.customer_id("A")
        assert requests == []
    default_link.close()
    trusting_link.close()


@pytest.mark.parametrize(
    ("days", "of", "trusted"),
    [(-1, "127.0.0.1", True), (30, "127.0.0.2", True), (30, "127.0.0.1", False)],
    ids=["expired", "another name", "its own authority"],
)
def test_nothing_is_sent_without_a_valid_certificate(
    tmp_path: Path, days: int, of: str, trusted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No environment variable disables the check."""
    for name in ("CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "PYTHONHTTPSVERIFY", "REQUESTS_SSL_VERIFY"):
        monkeypatch.setenv(name, "0" if name.startswith("PYTHON") else "")
    public, private = certificate(tmp_path, days=days, of=of)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(public, private)
    verify = public if trusted else True
    with recording.recording_server(context=context) as server:
        hosts = dict.fromkeys(BASE_URLS, server.address)
        for environment in (True, False):
            session = Session(hosts, timeout=(2, 2), verify=verify, trust_env=environment)
            with pytest.raises(TransportFailure, match="certificate") as caught:
                session.get("api", "/x", "signature=1", "k" * 64)
            assert not caught.value.sent
            with pytest.raises(TransportFailure, match="certificate") as caught:
                session.send(EncodedRequest("POST", "api", "/x", "", "signature=1"), "k" * 64)
            assert not caught.value.sent
            session.close()
        assert server.connections == 4
        assert server.sent == []


@pytest.mark.parametrize("name", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_a_missing_certificate_file_of_the_environment_is_an_error(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, str(tmp_path / "nothing.pem"))
    session = Session(dict.fromkeys(BASE_URLS, "https://127.0.0.1:9"), timeout=(1, 1))
    with pytest.raises(TransportFailure, match=f"^{name} names .*nothing.pem.* does not exist") as caught:
        session.get("api", "/x", "signature=1", "k" * 64)
    assert (caught.value.sent, caught.value.kind) == (False, "authorities")
    assert caught.value.__context__ is None


@pytest.mark.parametrize("name", ["HTTP_PROXY", "ALL_PROXY"])
def test_a_proxy_of_the_environment_is_not_used_for_loopback(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is meant for other hosts, and loopback traffic is not encrypted."""
    with recording.recording_server() as server, recording.recording_server() as proxy:
        for each in (name, name.lower()):
            monkeypatch.setenv(each, proxy.address)
        hosts = {**BASE_URLS, "fapi": server.address}
        session = Session(hosts, timeout=(2, 2))
        session.get("fapi", "/x", "signature=1", "k" * 64)
        session.send(EncodedRequest("POST", "fapi", "/x", "", "signature=1"), "k" * 64)
        assert session.network_route("fapi") == ("", "")
        assert len(server.sent) == 2
        assert proxy.connections == 0
        session.close()
        session = Session(hosts, timeout=(2, 2), proxies={"http": proxy.address})
        session.get("fapi", "/x", "", None)
        assert proxy.connections == 1, "a proxy given as an argument is used"
        session.close()


@pytest.mark.parametrize("as_argument", [True, False])
@pytest.mark.parametrize("password", ["p%C5%82ss", "p\u0142ss"])
def test_a_proxy_password_that_cannot_be_encoded_is_not_shown(
    password: str, as_argument: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy = f"http://user:{password}@127.0.0.1:9"
    if not as_argument:
        monkeypatch.setenv("HTTPS_PROXY", proxy)
    hosts = dict.fromkeys(BASE_URLS, "https://exchange.invalid")
    session = Session(hosts, timeout=(1, 1), proxies={"https": proxy} if as_argument else None)
    for ask in (
        lambda: session.get("api", "/x", "signature=1", "k" * 64),
        lambda: session.send(EncodedRequest("POST", "api", "/x", "", "signature=1"), "k" * 64),
    ):
        with pytest.raises(
            TransportFailure, match="the proxy's user name or password cannot be encoded"
        ) as caught:
            ask()
        assert (caught.value.sent, caught.value.kind) == (False, "proxy")
        assert caught.value.__context__ is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("timeout", value) for value in (10, (5, None), "10", "ab", (5,), (5, 1, 1), None, {5, 1})),
        *(("timeout", (5, value)) for value in (0, -1, True, "1", math.inf, math.nan, 1e300, 10**400)),
        ("proxies", "http://user:hushhush@proxy.invalid"),
        ("proxies", ["http://user:hushhush@proxy.invalid"]),
        ("proxies", {"https": b"http://user:hushhush@proxy.invalid"}),
        ("proxies", {1: "http://user:hushhush@proxy.invalid"}),
        ("hosts", ["https://hushhush.invalid"]),
        ("hosts", "https://hushhush.invalid"),
        ("hosts", {**BASE_URLS, "hushhush": "https://x.invalid"}),
        ("hosts", {**BASE_URLS, 1: "https://hushhush.invalid"}),
        ("verify", "hushhush" * 1000),
        ("verify", "hushhush\0"),
        ("verify", "hushhush"),
    ],
)
def test_invalid_arguments_are_refused_and_not_quoted(name: str, value: object) -> None:
    as_argument: dict[str, Any] = {name: value}
    with pytest.raises(errors.UsageError, match=f"^`{name}`") as caught:
        toolkit.Link(key="k" * 64, secret="s" * 64, **as_argument)
    assert "hushhush" not in repr(caught.value)
    assert "Nothing was sent" in str(caught.value)
    if name == "timeout":
        assert "(seconds to connect, seconds to wait)" in str(caught.value)


def test_a_netrc_password_is_not_sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "netrc").write_text("default login someone password hidden\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    with recording.recording_server() as server:
        session = Session(dict.fromkeys(BASE_URLS, server.address), timeout=(2, 2), trust_env=True)
        session.get("api", "/x", "", None)
        session.send(EncodedRequest("POST", "api", "/x", "", "a=1"), "k" * 64)
        session.close()
        assert len(server.sent) == 2
        assert not [sent for sent in server.sent if "authorization" in sent.headers]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("to", ["{elsewhere}/x", "//{bare}/x", "{same}/other", "/other", "https://{bare}/x"])
def test_no_redirect_is_followed_by_a_read_or_a_write(env: SandboxEnv, status: int, to: str) -> None:
    with recording.recording_server() as server, recording.recording_server() as elsewhere:
        where = to.format(elsewhere=elsewhere.address, bare=elsewhere.address[7:], same=server.address)
        response = recording.answer(status, b"", b"Location: " + where.encode())
        server._answer = lambda raw: response  # type: ignore[method-assign]
        session = Session(dict.fromkeys(BASE_URLS, server.address), timeout=(2, 2))
        assert session.get("api", "/x", "signature=1", "k" * 64).status == status
        message = EncodedRequest("POST", "api", "/x", "", "signature=1")
        assert session.send(message, "k" * 64).status == status
        session.close()
        assert [sent.target for sent in server.sent] == ["/x?signature=1", "/x"]
        assert elsewhere.connections == 0


GOOD_ADDRESSES = {
    "https://api.binance.com": "https://api.binance.com",
    "https://API1.Binance.Com:443/": "https://api1.binance.com",
    "https://data-api.binance.vision": "https://data-api.binance.vision",
    "https://gw.corp.example": "https://gw.corp.example",
    "https://gateway": "https://gateway",
    "https://my_gw.corp.example:8443": "https://my_gw.corp.example:8443",
    "https://finance.corp.example": "https://finance.corp.example",
    "https://balance.example": "https://balance.example",
    "https://10.0.0.5:8443": "https://10.0.0.5:8443",
    "https://[2001:DB8:0::1]:8443": "https://[2001:db8::1]:8443",
    "http://127.0.0.1:80": "http://127.0.0.1",
    "http://[::1]:99": "http://[::1]:99",
}


@pytest.mark.parametrize(("address", "spelling"), GOOD_ADDRESSES.items())
def test_an_address_is_normalized(address: str, spelling: str) -> None:
    assert checked_address("api", address) == spelling
    assert checked_address("api", spelling) == spelling


def usage_error(address: object) -> str:
    """The text of the error for such an address."""
    hosts: dict[str, object] = dict(BASE_URLS) | {"fapi": address}
    with pytest.raises(errors.UsageError, match=r"host 'fapi' in `hosts`.*Nothing was sent") as caught:
        toolkit.Link(key="k" * 64, secret="s" * 64, hosts=hosts)  # type: ignore[arg-type]
    assert "k" * 64 not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    "address",
    [
        *(
            "http://192.0.2.1",
            "http://api.binance.com",
            "http://localhost:1",
            "http://127.0.0.2",
            "http://127.1",
        ),
        *(
            "http://0.0.0.0:1",
            "http://[::ffff:127.0.0.1]",
            "http://127.0.0.1.evil.example",
            "ftp://x.example",
        ),
        *(
            "https://api.binance.com.",
            "https://xn--bnance-n2a.com",
            "https://b\u0131nance.com",
            "https://x..example",
        ),
        *(
            "https://someone@x.example",
            "https://a:b@x.example",
            "https://x.example/path",
            "https://x.example?a=1",
        ),
        *("https://x.example#a", "https://x.example:0", "https://x.example:99999", "https://x.example:a"),
        *(
            "https://x.example\n",
            " https://x.example",
            "https://x\t.example",
            "https://evil\\@api.binance.com",
        ),
        *(
            "https://2130706433",
            "https://0x7f.0.0.1",
            "https://127.1",
            "https://[::1",
            "https://[fe80::1%25eth0]",
        ),
        *("https://", "//x.example", "x.example", "", None, 5, b"https://x.example", "https://-x.example"),
        *("https://%61pi.example", "https://" + "a." * 130 + "example", "https://" + "a" * 64 + ".example"),
    ],
)
def test_an_invalid_address_is_refused(address: object) -> None:
    assert "must look like https://" in usage_error(address)


@pytest.mark.parametrize(
    "host",
    [
        *(
            "b1nance.com",
            "binannce.com",
            "bnance.com",
            "biance.com",
            "bniance.com",
            "binence.com",
            "vinance.com",
        ),
        *(
            "blnance.com",
            "8inance.com",
            "b1n4nc3.com",
            "api-binance.com",
            "binance-api.com",
            "fapi.binance.co",
        ),
        *(
            "api.binance.com.evil.example",
            "binance.com.example",
            "mybinance.com",
            "b.inance.com",
            "bin-ance.com",
        ),
        *(
            "binance",
            "binance.visions",
            "abinance.vision",
            "api.b1nance.example",
            "binarnce.com",
            "xbinance.com",
        ),
    ],
)
def test_a_lookalike_of_the_exchange_is_refused(host: str) -> None:
    text = usage_error(f"https://{host}")
    assert f"{host} is not one of its domains ({', '.join(EXCHANGE_DOMAINS)})" in text
    assert "`proxies`" in text


def test_the_documented_hosts_are_in_the_exchanges_domains() -> None:
    for address in BASE_URLS.values():
        assert checked_address("api", address) == address


def test_a_refused_connection_is_a_no_response_error() -> None:
    hosts = dict.fromkeys(BASE_URLS, "http://127.0.0.1:9")
    link = toolkit.Link(key="k" * 64, secret="s" * 64, hosts=hosts, clock=FakeClock())
    with pytest.raises(errors.NoResponseError, match=r"got no response: the connection failed.*Sent 4 times"):
        link.spot.customer_id("A")


def test_a_forked_child_uses_its_own_sockets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two processes on one socket would read parts of each other's responses."""
    link = toolkit.demo()
    link.exchange.partner()
    parents = link._connection.session._session("api")
    assert link._connection.session._session("api") is parents
    monkeypatch.setattr("os.getpid", lambda: 1)
    childs = link._connection.session._session("api")
    assert childs is not parents
    assert len(link.exchange.partner()) == 1
    parents.close()
    link.close()


FORK_PROGRAM = """
import os, signal, threading
import toolkit
from toolkit.transport import connections

link = toolkit.demo()
link.exchange.partner()
assert len(connections._CONNECTIONS) > 0
locked, is_done = threading.Event(), threading.Event()
def hold():
    with connections._LOCK:
        locked.set()
        is_done.wait()
thread = threading.Thread(target=hold)
thread.start()
locked.wait()
child = os.fork()
if not child:
    signal.alarm(20)  # in case it hangs
    parents = len(connections._CONNECTIONS)
    rows = len(link.exchange.partner())
    os._exit(0 if (parents, rows) == (0, 1) else 1)
_, status = os.waitpid(child, 0)
is_done.set()
thread.join()
print("ok" if status == 0 else f"status {status}", flush=True)
link.close()
"""


@pytest.mark.skipif(os.name != "posix", reason="forks of POSIX")
def test_a_fork_while_the_connection_lock_is_locked_does_not_block_the_child() -> None:
    text = subprocess.run(
        [sys.executable, "-c", FORK_PROGRAM],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert text.stdout == "ok\n", text.stderr
