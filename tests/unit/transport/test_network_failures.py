"""Network failures are explained by their cause, with advice."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import requests

import toolkit
from tests.support import recording
from tests.support.certificates import certificate
from tests.support.clocks import FakeClock
from tests.support.listeners import Proxy, closed_port
from tests.support.recording import RecordingServer, recording_server
from tests.support.sandbox_env import SandboxEnv
from tests.support.writes import memory_folder
from toolkit import errors
from toolkit.endpoints import BASE_URLS
from toolkit.transport.failures import explain
from toolkit.transport.session import Session, TransportFailure

KEYS: dict[str, Any] = {"key": "k" * 64, "secret": "s" * 64}
UNRESOLVABLE = "https://exchange.invalid"
EMPTY_RESPONSE = b"HTTP/1.1 %d Word\r\nContent-Length: 0\r\n\r\n"


@contextlib.contextmanager
def tunnel_proxy(status: int) -> Iterator[Proxy]:
    """A proxy that answers each CONNECT request with this status."""
    proxy = Proxy(EMPTY_RESPONSE % status)
    try:
        yield proxy
    finally:
        proxy.server.close()


@contextlib.contextmanager
def raw_server(reply: bytes) -> Iterator[str]:
    """A server that sends these bytes after the first ones it receives, and closes."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def accept() -> None:
            sock, _ = listener.accept()
            with sock:
                sock.recv(10)
                if not reply:
                    recording.reset(sock)
                    return
                sock.sendall(reply)
                sock.shutdown(socket.SHUT_WR)
                with contextlib.suppress(ConnectionResetError):
                    while sock.recv(65536):
                        pass

        thread = threading.Thread(target=accept)
        thread.start()
        yield f"127.0.0.1:{listener.getsockname()[1]}"
        thread.join()


def link_to(address: str, **more: Any) -> toolkit.Link:
    settings: dict[str, Any] = {"hosts": dict.fromkeys(BASE_URLS, address), "clock": FakeClock()}
    return toolkit.Link(**KEYS, **settings, **more)


def failure(address: str, **more: Any) -> TransportFailure:
    session = Session(dict.fromkeys(BASE_URLS, address), timeout=(2, 2), **more)
    with pytest.raises(TransportFailure) as caught:
        session.get("api", "/x", "signature=1", "k" * 64)
    session.close()
    assert "signature" not in str(caught.value) + caught.value.advice
    assert caught.value.__context__ is None
    return caught.value


# -- a proxy that requires a login -----------------------------------------------------------------------


def test_a_read_is_sent_once_to_a_proxy_that_requires_a_login() -> None:
    with tunnel_proxy(407) as proxy, link_to(UNRESOLVABLE, proxies={"https": proxy.address}) as link:
        with pytest.raises(
            errors.NoResponseError, match=r"the proxy requires a user name.*407.*Sent once"
        ) as caught:
            link.spot.customer_id("A")
        assert len(proxy.asked) == 1
    assert "http://user:password@" in caught.value.advice
    assert "network" not in caught.value.advice


@pytest.mark.parametrize("repeatable", [True, False])
def test_a_write_to_a_proxy_that_requires_a_login_is_rejected(repeatable: bool) -> None:
    """A repeatable write asks for the exchange's time first, which counts as its only attempt."""
    with memory_folder() as folder, tunnel_proxy(407) as proxy:
        with link_to(UNRESOLVABLE, proxies={"https": proxy.address}) as link:
            ops = link.operations(confirm="live", journal=folder)
            if repeatable:
                outcome = ops.spot.set_customer_id("A", "a@example.com")
            else:
                outcome = ops.exchange.create_sub_account(tag="a tag")
            assert outcome.status == "rejected"
            assert isinstance(outcome.error, errors.NotExecutedError)
            assert "the proxy requires a user name" in outcome.reason
            assert "it was never sent. Put them in the proxy's address" in outcome.reason
            assert "the exchange refused" not in str(outcome.error)
        assert len(proxy.asked) == 1


@pytest.fixture(scope="module")
def plain() -> Iterator[RecordingServer]:
    """A proxy for plain HTTP that answers every request with 407."""
    with recording_server() as server:
        response = recording.answer(407, b"<html>Sign in</html>", b"Proxy-Authenticate: Basic")
        server._answer = lambda raw: response  # type: ignore[method-assign]
        server.behave = lambda sock: sock.sendall(response)
        yield server


def test_a_407_response_comes_from_the_proxy(plain: RecordingServer) -> None:
    before = len(plain.sent)
    with memory_folder() as folder, link_to("http://127.0.0.1:9", proxies={"http": plain.address}) as link:
        with pytest.raises(errors.NoResponseError, match="the proxy requires a user name"):
            link.spot.customer_id("A")
        assert len(plain.sent) == before + 1
        clock = link._connection.host_clocks["api"]
        clock.use(clock.measure(lambda: (FakeClock().time(), 0.0)))
        ops = link.operations(confirm="live", journal=folder)
        outcome = ops.exchange.create_sub_account(tag="proxy")
    assert outcome.status == "rejected"
    assert "the proxy requires a user name" in outcome.reason
    assert "forwarded nothing" in outcome.reason
    assert len(plain.writes) == 1


def test_the_doctor_sends_one_request_to_such_a_proxy() -> None:
    with tunnel_proxy(407) as proxy, link_to(UNRESOLVABLE, proxies={"https": proxy.address}) as link:
        checks = {check.about: check for check in link.doctor().checks if check.name == "host"}
        assert len(proxy.asked) == 1
    first, *others = checks.values()
    assert (first.status, first.found.count("407")) == ("failure", 1)
    assert first.next_step.startswith("Put them in the proxy's address")
    assert all("requires another user name and password" in check.found for check in others)


# -- other failures of proxies --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "reason", "advice", "permanent"),
    [
        (407, "requires a user name and password", "Put them in the proxy", True),
        (
            403,
            "does not allow connections to exchange.invalid (HTTP 403)",
            "allow exchange.invalid:443",
            True,
        ),
        (
            405,
            "does not allow connections to exchange.invalid (HTTP 405)",
            "allow exchange.invalid:443",
            True,
        ),
        (502, "cannot reach exchange.invalid (HTTP 502)", "Try again later", False),
        (504, "cannot reach exchange.invalid (HTTP 504)", "Try again later", False),
    ],
)
def test_a_proxy_that_refuses_a_tunnel(status: int, reason: str, advice: str, permanent: bool) -> None:
    with tunnel_proxy(status) as proxy:
        error = failure(UNRESOLVABLE, proxies={"https": proxy.address})
    assert reason in str(error)
    assert advice in error.advice
    assert (error.kind, error.sent, error.permanent) == ("proxy", False, permanent)


def test_a_502_of_a_gateway_leaves_a_write_unknown(env: SandboxEnv) -> None:
    for status in (502, 504, 511):
        with memory_folder() as folder, recording_server(env.sandbox.address) as server:
            server.behave = lambda sock, status=status: sock.sendall(EMPTY_RESPONSE % status)  # type: ignore[misc]
            link = env.new_link(hosts=dict.fromkeys(BASE_URLS, server.address))
            outcome = link.operations(journal=folder).exchange.create_sub_account(tag=f"x{status}")
            assert outcome.status == "unknown"
            link.close()


def test_a_read_is_sent_once_to_a_network_that_requires_a_login(env: SandboxEnv) -> None:
    with recording_server() as server:
        server._answer = lambda raw: EMPTY_RESPONSE % 511  # type: ignore[method-assign]
        reason = pytest.raises(errors.NoResponseError, match=r"requires a login.*Sent once.*in a browser")
        with link_to(server.address) as link, reason:
            link.spot.customer_id("A")
        assert len(server.sent) == 1


@pytest.mark.skipif(find_spec("socks") is not None, reason="PySocks is installed")
def test_a_socks_proxy_without_pysocks() -> None:
    reason = pytest.raises(errors.NoResponseError, match=r"uses SOCKS, but the package PySocks.*Sent once")
    with (
        link_to(UNRESOLVABLE, proxies={"https": "socks5h://user:hush@127.0.0.1:9"}) as link,
        reason as caught,
    ):
        link.spot.customer_id("A")
    assert 'pip install "requests[socks]"' in str(caught.value)
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("SOCKS5AuthError", "the proxy requires a user name and password"),
        ("ProxyConnectionError", "the connection to the proxy failed: proxy.example"),
        ("GeneralProxyError", "the proxy proxy.example cannot reach api.example.com"),
    ],
)
def test_errors_of_pysocks_name_the_proxy(name: str, reason: str) -> None:
    """Its errors are recognised without PySocks."""
    cause = type(name, (OSError,), {"__module__": "socks"})("said")
    error = requests.exceptions.ConnectionError(cause)
    failure = explain(
        error, has_sent=False, host="api.example.com", proxy="proxy.example", ca_bundle="", from_verify=False
    )
    assert failure is not None
    assert failure.reason.startswith(reason)
    assert failure.kind == "proxy"


def test_an_invalid_proxy_address() -> None:
    error = failure(UNRESOLVABLE, proxies={"https": "gopher://127.0.0.1:9"})
    assert "the address of the proxy is invalid" in str(error)
    assert (error.kind, error.permanent, error.sent) == ("proxy", True, False)


def test_an_https_address_of_a_plain_http_proxy() -> None:
    with raw_server(EMPTY_RESPONSE % 400) as address:
        error = failure(UNRESOLVABLE, proxies={"https": f"https://{address}"})
    assert "seems to use plain HTTP" in str(error)
    assert "Begin its address with http://" in error.advice


def test_an_unreachable_proxy_is_named_without_its_password() -> None:
    with closed_port() as address:
        error = failure(UNRESOLVABLE, proxies={"https": f"http://user:hush@{address}"})
    assert "the connection to the proxy failed: 127.0.0.1 refuses connections" in str(error)
    error = failure("https://127.0.0.1:9", proxies={"https": "http://user:hush@nobody.invalid:3128"})
    assert "the name nobody.invalid cannot be resolved (DNS)" in str(error)
    assert "hush" not in str(error)


# -- the host itself -------------------------------------------------------------------------------------


def test_an_unresolvable_host_is_named() -> None:
    error = failure(UNRESOLVABLE)
    assert str(error) == "the connection failed: the name exchange.invalid cannot be resolved (DNS)"


def test_a_closed_port_is_named() -> None:
    with closed_port() as address:
        error = failure(f"http://{address}")
    assert "127.0.0.1 refuses connections at this port" in str(error)


@pytest.mark.parametrize(
    ("number", "reason"),
    [
        ("ENETUNREACH", "IPv6 only"),
        ("EHOSTUNREACH", "there is no route to 127.0.0.1"),
        ("EADDRNOTAVAIL", "has no address from which"),
        ("EACCES", "firewall blocks"),
        ("EMFILE", "too many open files"),
    ],
)
def test_system_errors_are_explained(number: str, reason: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import errno

    def connect(*_: object, **__: object) -> None:
        raise OSError(getattr(errno, number), "as the system says")

    # As if it were raised by the code of `socket`.
    monkeypatch.setitem(connect.__globals__, "__name__", "socket")
    monkeypatch.setattr("urllib3.util.connection.create_connection", connect)
    error = failure("http://127.0.0.1:9")
    monkeypatch.undo()
    assert reason in str(error)
    assert not error.sent


@contextlib.contextmanager
def tls(folder: Path, **how: Any) -> Iterator[tuple[RecordingServer, Path]]:
    public, private = certificate(folder, **how)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(public, private)
    with recording_server(context=context) as server:
        yield server, public


@pytest.mark.parametrize(
    ("how", "trusted", "reason", "advice"),
    [
        (
            {"days": -1},
            True,
            "it is not valid on 20",
            "Set this machine's clock",
        ),
        ({"days": 30, "of": "127.0.0.2"}, True, "it was issued for another name", "requires a login"),
        ({"days": 30}, False, "an authority that this machine does not trust", "your own company"),
    ],
    ids=["expired", "another name", "another authority"],
)
def test_an_invalid_certificate_is_explained(
    tmp_path: Path, how: dict[str, Any], trusted: bool, reason: str, advice: str
) -> None:
    with tls(tmp_path, **how) as (server, public):
        error = failure(server.address, verify=public if trusted else True)
        assert server.sent == []
    assert reason in str(error)
    assert advice in error.advice
    assert (error.kind, error.permanent, error.sent) == ("certificate", True, False)


def test_unused_environment_variables_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "certificate.pem"))
    with tls(tmp_path, days=30) as (server, _):
        error = failure(server.address)
    assert "The environment variables SSL_CERT_FILE are not used" in error.advice


def test_a_server_without_tls_is_explained() -> None:
    with raw_server(EMPTY_RESPONSE % 400) as address:
        error = failure(f"https://{address}")
    assert "does not use TLS" in str(error)


def test_an_aborted_handshake_is_not_permanent() -> None:
    with raw_server(b"") as address:
        error = failure(f"https://{address}")
    assert (error.kind, error.permanent, error.sent) == ("network", False, False)


# -- files ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("as_argument", [True, False])
@pytest.mark.parametrize(
    ("content", "reason"),
    [(None, "does not exist"), ("no certificate\n", "contains no readable certificate")],
)
def test_an_unusable_certificate_file_is_named_with_its_source(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, as_argument: bool, content: str | None, reason: str
) -> None:
    file = tmp_path / "authorities.pem"
    file.write_text(content or "")
    more: dict[str, Any] = {"verify": file} if as_argument else {}
    if not as_argument:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(file))
    session = Session(
        dict.fromkeys(BASE_URLS, UNRESOLVABLE.replace("exchange.invalid", "127.0.0.1:9")),
        timeout=(2, 2),
        **more,
    )
    if content is None:
        file.unlink()
    with recording_server() as server:
        session.hosts["api"] = server.address.replace("http:", "https:")
        with pytest.raises(TransportFailure) as caught:
            session.get("api", "/x", "", None)
    session.close()
    assert str(caught.value).startswith(
        ("`verify`" if as_argument else "REQUESTS_CA_BUNDLE") + f" names the certificate file {file}, "
    )
    assert reason in str(caught.value)
    assert (caught.value.kind, caught.value.permanent, caught.value.sent) == ("authorities", True, False)


def test_an_unwritable_key_log_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "nowhere" / "keys.log"
    monkeypatch.setenv("SSLKEYLOGFILE", str(file))
    reason = pytest.raises(errors.NoResponseError, match=f"SSLKEYLOGFILE names {file}.*Sent once")
    with (
        recording_server() as server,
        link_to(server.address.replace("http:", "https:")) as link,
        reason as caught,
    ):
        link.spot.customer_id("A")
    assert "Check the network" not in str(caught.value)
    assert "Remove SSLKEYLOGFILE from the environment" in str(caught.value)
