"""The way to the exchange: what stands in it is called by its name, with a step that helps there."""

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
SOMEWHERE = "https://exchange.invalid"
REFUSAL = b"HTTP/1.1 %d Word\r\nContent-Length: 0\r\n\r\n"


@contextlib.contextmanager
def tunnels(status: int) -> Iterator[Proxy]:
    """A proxy that answers whoever wants a tunnel with this."""
    proxy = Proxy(REFUSAL % status)
    try:
        yield proxy
    finally:
        proxy.server.close()


@contextlib.contextmanager
def blunt(say: bytes) -> Iterator[str]:
    """Says this to whatever is said first, and hangs up."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def take() -> None:
            line, _ = listener.accept()
            with line:
                line.recv(10)
                if not say:
                    recording.reset(line)
                    return
                line.sendall(say)
                line.shutdown(socket.SHUT_WR)
                with contextlib.suppress(ConnectionResetError):
                    while line.recv(65536):
                        pass

        thread = threading.Thread(target=take)
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


# -- a proxy that wants a password -----------------------------------------------------------------------


def test_a_proxy_that_wants_a_password_is_asked_once_by_a_read() -> None:
    with tunnels(407) as proxy, link_to(SOMEWHERE, proxies={"https": proxy.address}) as link:
        with pytest.raises(
            errors.NoResponseError, match=r"the proxy wants a user name.*407.*Sent once"
        ) as caught:
            link.spot.customer_id("A")
        assert len(proxy.asked) == 1
    assert "http://user:password@" in caught.value.advice
    assert "network" not in caught.value.advice


@pytest.mark.parametrize("repeatable", [True, False])
def test_a_proxy_that_wants_a_password_has_executed_no_write(repeatable: bool) -> None:
    """A repeatable one asks for the exchange's time first, which is once for all of it."""
    with memory_folder() as folder, tunnels(407) as proxy:
        with link_to(SOMEWHERE, proxies={"https": proxy.address}) as link:
            ops = link.operations(confirm="live", journal=folder)
            if repeatable:
                outcome = ops.spot.set_customer_id("A", "a@example.com")
            else:
                outcome = ops.exchange.create_sub_account(tag="a tag")
            assert outcome.status == "rejected"
            assert isinstance(outcome.error, errors.NotExecutedError)
            assert "the proxy wants a user name" in outcome.reason
            assert "it was never sent. Give them within the proxy's address" in outcome.reason
            assert "the exchange refused" not in str(outcome.error)
        assert len(proxy.asked) == 1


@pytest.fixture(scope="module")
def plain() -> Iterator[RecordingServer]:
    """A proxy for plain HTTP, which wants a password for whatever comes."""
    with recording_server() as server:
        usage_error = recording.answer(407, b"<html>Sign in</html>", b"Proxy-Authenticate: Basic")
        server._answer = lambda raw: usage_error  # type: ignore[method-assign]
        server.behave = lambda line: line.sendall(usage_error)
        yield server


def test_a_407_that_comes_as_an_answer_is_the_proxys(plain: RecordingServer) -> None:
    before = len(plain.sent)
    with memory_folder() as folder, link_to("http://127.0.0.1:9", proxies={"http": plain.address}) as link:
        with pytest.raises(errors.NoResponseError, match="the proxy wants a user name"):
            link.spot.customer_id("A")
        assert len(plain.sent) == before + 1
        clock = link._connection.host_clocks["api"]
        clock.use(clock.measure(lambda: (FakeClock().time(), 0.0)))
        ops = link.operations(confirm="live", journal=folder)
        outcome = ops.exchange.create_sub_account(tag="proxy")
    assert outcome.status == "rejected"
    assert "the proxy wants a user name" in outcome.reason
    assert "handed nothing on" in outcome.reason
    assert len(plain.writes) == 1


def test_the_doctor_asks_such_a_proxy_once() -> None:
    with tunnels(407) as proxy, link_to(SOMEWHERE, proxies={"https": proxy.address}) as link:
        checks = {line.about: line for line in link.doctor().checks if line.name == "host"}
        assert len(proxy.asked) == 1
    first, *others = checks.values()
    assert (first.result, first.found.count("407")) == ("failure", 1)
    assert first.next_step.startswith("Give them within the proxy's address")
    assert all("wants a user name and password" in line.found for line in others)


# -- whatever else a proxy says --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "said", "advice", "lasting"),
    [
        (407, "wants a user name and password", "give them within", True),
        (403, "refuses the way to exchange.invalid (HTTP 403)", "allow exchange.invalid:443", True),
        (405, "refuses the way to exchange.invalid (HTTP 405)", "allow exchange.invalid:443", True),
        (502, "has no way to exchange.invalid (HTTP 502)", "try again later", False),
        (504, "has no way to exchange.invalid (HTTP 504)", "try again later", False),
    ],
)
def test_a_proxy_that_gives_no_tunnel(status: int, said: str, advice: str, permanent: bool) -> None:
    with tunnels(status) as proxy:
        error = failure(SOMEWHERE, proxies={"https": proxy.address})
    assert said in str(error)
    assert advice in error.advice
    assert (error.kind, error.sent, error.permanent) == ("proxy", False, permanent)


def test_a_gateways_502_leaves_a_write_unknown(env: SandboxEnv) -> None:
    for status in (502, 504, 511):
        with memory_folder() as folder, recording_server(env.sandbox.address) as server:
            server.behave = lambda line, status=status: line.sendall(REFUSAL % status)  # type: ignore[misc]
            link = env.new_link(hosts=dict.fromkeys(BASE_URLS, server.address))
            outcome = link.operations(journal=folder).exchange.create_sub_account(tag=f"x{status}")
            assert outcome.status == "unknown"
            link.close()


def test_a_network_that_wants_a_sign_in_says_so_once(env: SandboxEnv) -> None:
    with recording_server() as server:
        server._answer = lambda raw: REFUSAL % 511  # type: ignore[method-assign]
        said = pytest.raises(errors.NoResponseError, match=r"wants a sign-in first.*Sent once.*in a browser")
        with link_to(server.address) as link, said:
            link.spot.customer_id("A")
        assert len(server.sent) == 1


@pytest.mark.skipif(find_spec("socks") is not None, reason="PySocks is installed")
def test_a_socks_proxy_without_its_package() -> None:
    said = pytest.raises(errors.NoResponseError, match=r"speaks SOCKS, and the package PySocks.*Sent once")
    with link_to(SOMEWHERE, proxies={"https": "socks5h://user:hush@127.0.0.1:9"}) as link, said as caught:
        link.spot.customer_id("A")
    assert 'pip install "requests[socks]"' in str(caught.value)
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("SOCKS5AuthError", "the proxy wants a user name and password"),
        ("ProxyConnectionError", "the proxy could not be reached or refused: proxy.example"),
        ("GeneralProxyError", "the proxy proxy.example has no way to api.example.com"),
    ],
)
def test_what_a_socks_proxy_says_is_not_the_hosts(name: str, said: str) -> None:
    """PySocks need not be there to be understood."""
    cause = type(name, (OSError,), {"__module__": "socks"})("said")
    error = requests.exceptions.ConnectionError(cause)
    failure = explain(
        error, has_sent=False, host="api.example.com", proxy="proxy.example", trusted="", given=False
    )
    assert failure is not None
    assert failure.reason.startswith(said)
    assert failure.kind == "proxy"


def test_a_proxys_address_that_is_none() -> None:
    error = failure(SOMEWHERE, proxies={"https": "gopher://127.0.0.1:9"})
    assert "the address of the proxy is none that can be used" in str(error)
    assert (error.kind, error.permanent, error.sent) == ("proxy", True, False)


def test_a_proxy_that_speaks_plain_http_where_tls_was_asked_of_it() -> None:
    with blunt(REFUSAL % 400) as where:
        error = failure(SOMEWHERE, proxies={"https": f"https://{where}"})
    assert "seems to speak plain HTTP" in str(error)
    assert "begin with http://" in error.advice


def test_a_proxy_is_called_by_its_name_where_it_is_not_there() -> None:
    with closed_port() as where:
        error = failure(SOMEWHERE, proxies={"https": f"http://user:hush@{where}"})
    assert "the proxy could not be reached or refused: 127.0.0.1 is there, and takes no" in str(error)
    error = failure("https://127.0.0.1:9", proxies={"https": "http://user:hush@nobody.invalid:3128"})
    assert "nobody knows an address of nobody.invalid (DNS)" in str(error)
    assert "hush" not in str(error)


# -- the host itself -------------------------------------------------------------------------------------


def test_a_name_that_nobody_knows_is_said() -> None:
    error = failure(SOMEWHERE)
    assert str(error) == "the connection failed: nobody knows an address of exchange.invalid (DNS)"


def test_a_port_that_nobody_listens_at_is_said() -> None:
    with closed_port() as where:
        error = failure(f"http://{where}")
    assert "127.0.0.1 is there, and takes no connections at this port" in str(error)


@pytest.mark.parametrize(
    ("number", "said"),
    [
        ("ENETUNREACH", "IPv6 only"),
        ("EHOSTUNREACH", "there is no way to 127.0.0.1"),
        ("EADDRNOTAVAIL", "has no address to call"),
        ("EACCES", "own firewall"),
        ("EMFILE", "as many files"),
    ],
)
def test_what_the_system_says_is_said_in_words(
    number: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import errno

    def connect(*_: object, **__: object) -> None:
        raise OSError(getattr(errno, number), "as the system says")

    # It comes out of the socket's own code, as far as the trace tells.
    monkeypatch.setitem(connect.__globals__, "__name__", "socket")
    monkeypatch.setattr("urllib3.util.connection.create_connection", connect)
    error = failure("http://127.0.0.1:9")
    monkeypatch.undo()
    assert said in str(error)
    assert not error.sent


@contextlib.contextmanager
def tls(folder: Path, **how: Any) -> Iterator[tuple[RecordingServer, Path]]:
    public, private = certificate(folder, **how)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(public, private)
    with recording_server(context=context) as server:
        yield server, public


@pytest.mark.parametrize(
    ("how", "trusted", "said", "advice"),
    [
        (
            {"days": -1},
            True,
            "it is not valid on 20",
            "set this machine's clock",
        ),
        ({"days": 30, "of": "127.0.0.2"}, True, "it is for another name", "sign-in first"),
        ({"days": 30}, False, "an authority that is not trusted here", "your own company"),
    ],
    ids=["expired", "another name", "another authority"],
)
def test_a_certificate_says_what_is_wrong_with_it(
    tmp_path: Path, how: dict[str, Any], trusted: bool, said: str, advice: str
) -> None:
    with tls(tmp_path, **how) as (server, public):
        error = failure(server.address, verify=public if trusted else True)
        assert server.sent == []
    assert said in str(error)
    assert advice in error.advice
    assert (error.kind, error.permanent, error.sent) == ("certificate", True, False)


def test_authorities_that_nobody_looks_at_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "certificate.pem"))
    with tls(tmp_path, days=30) as (server, _):
        error = failure(server.address)
    assert "SSL_CERT_FILE of the environment are not looked at" in error.advice


def test_a_server_that_speaks_no_tls_is_said() -> None:
    with blunt(REFUSAL % 400) as where:
        error = failure(f"https://{where}")
    assert "does not speak TLS" in str(error)


def test_a_handshake_that_is_broken_off_may_work_the_next_time() -> None:
    with blunt(b"") as where:
        error = failure(f"https://{where}")
    assert (error.kind, error.permanent, error.sent) == ("network", False, False)


# -- files ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("given", [True, False])
@pytest.mark.parametrize(
    ("content", "said"), [(None, "is not there"), ("no certificate\n", "holds none that can be read")]
)
def test_a_file_of_authorities_is_named_with_what_named_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: bool, content: str | None, said: str
) -> None:
    file = tmp_path / "authorities.pem"
    file.write_text(content or "")
    more: dict[str, Any] = {"verify": file} if given else {}
    if not given:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(file))
    session = Session(
        dict.fromkeys(BASE_URLS, SOMEWHERE.replace("exchange.invalid", "127.0.0.1:9")), timeout=(2, 2), **more
    )
    if content is None:
        file.unlink()
    with recording_server() as server:
        session.hosts["api"] = server.address.replace("http:", "https:")
        with pytest.raises(TransportFailure) as caught:
            session.get("api", "/x", "", None)
    session.close()
    assert str(caught.value).startswith(("`verify`" if given else "REQUESTS_CA_BUNDLE") + f" names {file} ")
    assert said in str(caught.value)
    assert (caught.value.kind, caught.value.permanent, caught.value.sent) == ("authorities", True, False)


def test_a_key_log_that_cannot_be_written_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "nowhere" / "keys.log"
    monkeypatch.setenv("SSLKEYLOGFILE", str(file))
    said = pytest.raises(errors.NoResponseError, match=f"SSLKEYLOGFILE names {file}.*Sent once")
    with (
        recording_server() as server,
        link_to(server.address.replace("http:", "https:")) as link,
        said as caught,
    ):
        link.spot.customer_id("A")
    assert "check the network" not in str(caught.value)
    assert "take SSLKEYLOGFILE out of the environment" in str(caught.value)
