"""The connection: certificates are checked, an authority of one's own is trusted when named."""

from __future__ import annotations

import datetime
import http.server
import ipaddress
import json
import os
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

import toolkit
from tests.clocks import FakeClock
from toolkit import errors
from toolkit.catalogue import BASE_URLS


def certificate(folder: Path, *, days: int) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 that is its own authority, valid until so many days from now."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a desk's own authority")])
    now = datetime.datetime.now(datetime.UTC)
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=10))
        .not_valid_after(now + datetime.timedelta(days=days))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
        .sign(key, hashes.SHA256())
    )
    public, private = folder / "certificate.pem", folder / "key.pem"
    public.write_bytes(built.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return public, private


class Handler(http.server.BaseHTTPRequestHandler):
    seen: list[str]

    def do_GET(self) -> None:
        self.seen.append(self.path)
        body = json.dumps({"customerId": "c"}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """A client that does not like the certificate hangs up: expected here."""


@pytest.fixture(params=[30, -1], ids=["valid", "expired"])
def secure(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, Path, list[str], bool]]:
    public, private = certificate(tmp_path, days=request.param)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(public, private)
    handler = type("Listening", (Handler,), {"seen": []})
    server = Server(("127.0.0.1", 0), handler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"https://127.0.0.1:{server.server_port}", public, handler.seen, request.param > 0
    server.shutdown()
    thread.join()
    server.server_close()


def test_an_authority_of_ones_own_is_trusted_only_when_named(
    secure: tuple[str, Path, list[str], bool],
) -> None:
    address, authority, seen, valid = secure
    hosts = dict.fromkeys(BASE_URLS, address)
    stranger = toolkit.Link(key="k" * 64, secret="s" * 64, hosts=hosts, clock=FakeClock())
    with pytest.raises(errors.NoAnswerError, match="certificate") as caught:
        stranger.spot.customer_id("A")
    assert "check the network" in str(caught.value)
    assert seen == [], "nothing signed went to a server that could not prove who it is"
    friend = toolkit.Link(
        key="k" * 64, secret="s" * 64, hosts=hosts, verify=str(authority), clock=FakeClock()
    )
    if valid:
        assert friend.spot.customer_id("A")["customer_id"].tolist() == ["c"]
    else:
        with pytest.raises(errors.NoAnswerError, match="certificate"):
            friend.spot.customer_id("A")
        assert seen == []
    stranger.close()
    friend.close()


def test_nobody_there_is_no_answer() -> None:
    hosts = dict.fromkeys(BASE_URLS, "http://127.0.0.1:9")
    link = toolkit.Link(key="k" * 64, secret="s" * 64, hosts=hosts, clock=FakeClock())
    with pytest.raises(errors.NoAnswerError, match=r"got no answer: the connection failed.*Sent 4 times"):
        link.spot.customer_id("A")


def test_after_a_fork_the_parents_sockets_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two processes on one socket would read pieces of each other's answers."""
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


FORKING = """
import os, signal, threading
import toolkit
from toolkit.wire import lines

link = toolkit.demo()
link.exchange.partner()
assert len(lines._LINES) > 0
held, over = threading.Event(), threading.Event()
def hold():
    with lines._LOCK:
        held.set()
        over.wait()
thread = threading.Thread(target=hold)
thread.start()
held.wait()
child = os.fork()
if not child:
    signal.alarm(20)  # or it would wait for ever
    parents = len(lines._LINES)
    rows = len(link.exchange.partner())
    os._exit(0 if (parents, rows) == (0, 1) else 1)
_, status = os.waitpid(child, 0)
over.set()
thread.join()
print("as it should be" if status == 0 else f"status {status}", flush=True)
link.close()
"""


@pytest.mark.skipif(os.name != "posix", reason="forks of POSIX")
def test_a_child_forked_while_a_thread_notes_a_connection_can_ask_as_well() -> None:
    root = Path(toolkit.__file__).parent.parent
    said = subprocess.run(
        [sys.executable, "-c", FORKING],
        env=os.environ | {"PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert said.stdout == "as it should be\n", said.stderr
