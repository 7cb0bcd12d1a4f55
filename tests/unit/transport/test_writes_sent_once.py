"""A write is sent once, exactly as signed, and it is known whether any of it may have been sent."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args
from urllib.parse import parse_qsl, unquote

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.support import recording
from tests.support.certificates import certificate
from tests.support.clocks import FakeClock
from tests.support.listeners import Proxy, closed_port, full_backlog, silent_server
from tests.support.recording import Behaviour, RecordedRequest, RecordingServer
from tests.support.sandbox_env import SandboxEnv
from tests.support.sandbox_requests import hmac_of
from tests.support.writes import memory_folder
from toolkit import errors
from toolkit.api.writes.operations import Operations
from toolkit.auth.credentials import Credentials
from toolkit.auth.signers import make_signer
from toolkit.auth.signing import encode, sign
from toolkit.endpoints import BASE_URLS, SAPI_IP
from toolkit.endpoints.exchange_link.account_writes import CREATE_SUB_ACCOUNT
from toolkit.gateway.calls import Placement, WriteRequest
from toolkit.sandbox import SandboxRequest, World
from toolkit.text.characters import find_invisible, find_lookalike
from toolkit.transport.session import EncodedRequest, Session, TransportFailure
from toolkit.writes import Outcome

PLACEMENTS = get_args(Placement)
PATH = CREATE_SUB_ACCOUNT.path
FORM = "application/x-www-form-urlencoded"
KEY, SECRET = "k" * 64, "s" * 64
# Characters that programs encode, decode or sign in different ways.
AWKWARD = [
    "@ + % & = # / ? ;",
    "a+b%20c%2B&x=1",
    "\"'`\\<>",
    "two  blanks",
    "名前・😀",
    "\u00e9\u00e8 ~*!()",
    "%",
]


@pytest.fixture(scope="module")
def env() -> Iterator[SandboxEnv]:
    # As old as the clock, so that new sub-accounts come last in the list.
    made = SandboxEnv(world=World(seed=7, now=FakeClock().time()))
    yield made
    made.close()


@pytest.fixture
def server(env: SandboxEnv) -> Iterator[RecordingServer]:
    with recording.recording_server(env.sandbox.address) as made:
        yield made


@pytest.fixture(scope="module", autouse=True)
def journal() -> Iterator[None]:
    """In memory: files are tested elsewhere."""
    with memory_folder() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setenv("TOOLKIT_JOURNAL", str(folder))
        yield


@pytest.fixture(autouse=True)
def no_faults(env: SandboxEnv) -> Iterator[None]:
    yield
    env.exchange.faults.clear()


def operations(
    env: SandboxEnv, server: RecordingServer, parameters: Placement = "body", timeout_s: float = 5.0
) -> Operations:
    hosts = dict.fromkeys(BASE_URLS, server.address)
    link = env.new_link(hosts=hosts, timeout=(timeout_s, timeout_s), bare=True)
    return link.operations(parameters=parameters)


def verified(sent: RecordedRequest, secret: str) -> dict[str, str]:
    """Parameters of a request, its signature verified independently of the toolkit."""
    assert sent.raw.isascii()
    address = sent.body if b"signature=" in sent.body else sent.query
    signed, mark, signature = (sent.query + sent.body).partition(b"&signature=")
    assert mark, sent.raw
    assert address.endswith(b"&signature=" + signature), "the signature is last of all"
    digest = hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
    assert unquote(signature.decode()) == digest
    parameters: dict[str, str] = {}
    for part in (sent.query, sent.body):
        pairs = parse_qsl(part.decode(), keep_blank_values=True, strict_parsing=bool(part))
        assert parameters.keys().isdisjoint(name for name, _ in pairs)
        parameters |= dict(pairs)
    assert len(parameters) == len(set(parameters))
    return parameters


# -- exactly what was signed is sent ------------------------------------------------------------------


@pytest.mark.parametrize("placement", PLACEMENTS)
def test_parameters_are_sent_in_the_requested_place(
    env: SandboxEnv, server: RecordingServer, placement: Placement
) -> None:
    ops = operations(env, server, placement)
    account = env.sandbox.world.accounts[0].id
    outcome = ops.exchange.transfer("BNB", "0.00000001", to_id=account, client_tran_id=f"mine-{placement}")
    assert outcome.status == "confirmed", outcome
    (sent,) = server.writes
    parameters = verified(sent, env.sandbox.secret)
    assert (sent.method, sent.target.partition("?")[0]) == ("POST", "/sapi/v1/broker/transfer")
    assert parameters["recvWindow"] == "5000"
    assert parameters["timestamp"] == str(env.now)
    assert parameters["amount"] == "0.00000001"
    assert sent.headers["x-mbx-apikey"] == env.sandbox.key
    in_query = dict(parse_qsl(sent.query.decode()))
    if placement == "body":
        assert sent.query == b""
        assert "?" not in sent.target
    elif placement == "query":
        assert sent.body == b""
        assert "content-type" not in sent.headers
    else:
        assert in_query.keys() == {"toId", "clientTranId"}
        assert b"timestamp=" in sent.body
    if sent.body:
        assert sent.headers["content-type"] == FORM
        assert sent.headers["content-length"] == str(len(sent.body))


def test_a_delete_request_has_a_body(env: SandboxEnv, server: RecordingServer) -> None:
    ops = operations(env, server)
    idle = env.sandbox.world.example_write("exchange.delete_sub_account").parameters["subAccountId"]
    assert ops.exchange.delete_sub_account(idle, confirm=idle).status == "confirmed"
    (sent,) = server.writes
    assert (sent.method, sent.query) == ("DELETE", b"")
    assert verified(sent, env.sandbox.secret)["subAccountId"] == idle
    assert env.sandbox.world.account(idle) is None


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
@pytest.mark.parametrize("placement", PLACEMENTS)
@pytest.mark.parametrize("parameters", [{}, {"a b": "c+d", "é": "@"}], ids=["none", "some"])
def test_every_method_is_signed_in_the_same_way(
    env: SandboxEnv, server: RecordingServer, method: Any, placement: Placement, parameters: dict[str, object]
) -> None:
    sender = operations(env, server)._connection.sender
    query: dict[str, object] = {} if placement == "body" else parameters
    body = parameters if placement == "body" else {}
    if placement == "mixed":
        body = {"x": "y z"}
    request = WriteRequest(
        qualified_name="endpoint",
        method=method,
        path="/sapi/v1/elsewhere",
        in_query=query,
        in_body=body,
        placement=placement,
        rate_limit=SAPI_IP,
        weight=1,
        needs=frozenset(),
        privileged=True,
    )
    attempt = sender.send(request, lambda now: now())
    assert attempt.result.executed is False, "there is no such path"
    (sent,) = server.writes
    assert sent.method == method
    read = verified(sent, env.sandbox.secret)
    assert {**query, **body}.items() <= read.items()
    assert read.keys() - {*query, *body} == {"recvWindow", "timestamp", "signature"}


def test_private_parameters_are_not_in_the_url_by_default(env: SandboxEnv, server: RecordingServer) -> None:
    """URLs end up in the logs of proxies."""
    customer = env.sandbox.world.customers[1]
    for placement in ("body", "mixed"):
        ops = operations(env, server, placement)
        assert ops.spot.set_customer_id(f"id {placement}", customer.email).status == "confirmed"
        account = env.sandbox.world.accounts[0]
        made = ops.exchange.create_api_key(account.id, can_trade=True)
        if made:
            key = made.take_key().key
            ops.exchange.set_ip_restriction(account.id, key, restriction="on", addresses=["192.0.2.9"])
        env.clock.advance(2)
    assert len(server.writes) == 6
    for sent in server.writes:
        for private in ("email", "%40", "subAccountApiKey", "ipAddress", "signature"):
            assert private not in sent.target


texts = (
    st.one_of(
        st.text("@+%&=#/?; \"'aé名😀", min_size=1, max_size=31),
        st.text(
            st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="*"), min_size=1, max_size=31
        ),
    )
    .map(str.strip)
    .filter(lambda text: text and not find_invisible(text) and not find_lookalike(text))
)
"""An id has no spaces around it and no lookalike characters."""


@pytest.mark.parametrize("placement", PLACEMENTS)
def test_any_text_arrives_unchanged(env: SandboxEnv, placement: Placement) -> None:
    with recording.recording_server(env.sandbox.address) as server:
        ops = operations(env, server, placement)
        customer = env.sandbox.world.customers[2]

        @settings(max_examples=12)
        @given(texts)
        @example(AWKWARD[0].strip())
        @example(AWKWARD[1].strip())
        @example(AWKWARD[2].strip())
        @example(AWKWARD[3].strip())
        @example(AWKWARD[4].strip())
        @example(AWKWARD[5].strip())
        def check(text: str) -> None:
            # An id of an earlier call does not conflict: each customer has its own.
            outcome = ops.spot.set_customer_id(text, customer.email)
            assert outcome.status == "confirmed", outcome
            assert verified(server.writes[-1], env.sandbox.secret)["customerId"] == text
            assert customer.id == text
            frame = env.link.spot.customers(customer_id=text)
            assert frame["customer_id"].tolist() == [text]

        check()


@pytest.mark.parametrize("placement", PLACEMENTS)
@pytest.mark.parametrize("tag", AWKWARD)
def test_a_tag_is_read_back_unchanged(
    env: SandboxEnv, server: RecordingServer, placement: Placement, tag: str
) -> None:
    outcome = operations(env, server, placement).exchange.create_sub_account(tag=tag)
    made = outcome.require_confirmed()["sub_account_id"][0]
    assert outcome.require_confirmed()["tag"][0] == tag
    frame = env.link.exchange.sub_accounts(sub_account_id=made)
    assert frame["tag"].tolist() == [tag]
    assert env.exchange.effects[-1].parameters["tag"] == tag


@pytest.mark.parametrize("placement", PLACEMENTS)
@pytest.mark.parametrize(
    "email",
    ["ana+desk@example.com", "o'brien%40x+y@example.com", "a&b=c#d@exämple.com", "名+前@例え.example"],
)
def test_an_email_address_arrives_unchanged(
    env: SandboxEnv, server: RecordingServer, placement: Placement, email: str
) -> None:
    customer = env.sandbox.world.customers[3]
    before, customer.email = customer.email, email
    try:
        outcome = operations(env, server, placement).spot.set_customer_id(f"of {email} {placement}", email)
        assert outcome.status == "confirmed", outcome
        assert verified(server.writes[0], env.sandbox.secret)["email"] == email
        frame = env.link.spot.customers(email=email)
        assert frame["customer_id"].tolist() == [f"of {email} {placement}"]
    finally:
        customer.email = before


def test_text_that_cannot_be_encoded_is_refused_and_not_journaled(
    env: SandboxEnv, server: RecordingServer
) -> None:
    ops = operations(env, server)
    before = len(ops.history())
    with pytest.raises(errors.UsageError, match=r"`tag`.*Nothing was sent") as caught:
        ops.exchange.create_sub_account(tag="half of \ud83d")
    assert caught.value.__context__ is None, "the other error would hold the text"
    assert server.writes == []
    assert len(ops.history()) == before


# The vectors published with the API; the stray space in the first one is removed.
VECTORS = [
    (
        "2b5eb11e18796d12d88f13dc27dbbd02c2cc51ff7059765ed9821957d82bb4d9",
        "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC",
        "quantity=1&price=9000&recvWindow=5000&timestamp=1591702613943",
        "30baaf0fab549bbeda7f5ef201898b34122da25fd23c646cac2c529aebe670a4",
    ),
    (
        "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j",
        "symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTC",
        "quantity=1&price=0.1&recvWindow=5000&timestamp=1499827319559",
        "0fd168b8ddb4876a0358a8d14d0c9f3da0e9b20c5d52b2a00fcf7d1c602f9a77",
    ),
]


@pytest.mark.parametrize(("secret", "query", "body", "signature"), VECTORS, ids=["V4", "V5"])
def test_published_signature_vectors_are_sent(
    server: RecordingServer, secret: str, query: str, body: str, signature: str
) -> None:
    assert sign(Credentials(KEY, make_signer("secret", secret)), query, body) == signature
    session = Session(dict.fromkeys(BASE_URLS, server.address), timeout=(1, 1))
    message = EncodedRequest("POST", "api", "/api/v3/order", query, f"{body}&signature={signature}")
    session.send(message, KEY)
    (sent,) = server.writes
    assert sent.query + sent.body == f"{query}{body}&signature={signature}".encode()
    verified(sent, secret)


# -- how the exchange verifies it ---------------------------------------------------------------------


def manual(env: SandboxEnv, query: str, body: str, *, flip: int | None = None) -> Any:
    """A write signed by hand; optionally, one bit of its body is flipped afterwards."""
    body += f"&timestamp={env.now}"
    signature = hmac_of(env.sandbox.secret, query + body)
    raw = bytearray(body, "ascii")
    if flip is not None:
        raw[flip] ^= 1
    raw += f"&signature={signature}".encode()
    headers = {"X-MBX-APIKEY": env.sandbox.key, "Content-Type": FORM}
    response = env.exchange.handle(SandboxRequest("POST", PATH, query.encode(), bytes(raw), headers))
    return response.status, response.json()


def test_the_query_overrides_the_body(env: SandboxEnv) -> None:
    status, payload = manual(env, "tag=from+the+query", "tag=from+the+body")
    assert status == 200
    assert payload["tag"] == "from the query"
    account = env.sandbox.world.account(payload["subaccountId"])
    assert account is not None
    assert account.tag == "from the query"


@pytest.mark.parametrize("index", [4, 6])
def test_the_sandbox_refuses_a_flipped_bit(env: SandboxEnv, index: int) -> None:
    before = len(env.exchange.effects)
    assert manual(env, "", "tag=turned", flip=index) == (
        400,
        {"code": -1022, "msg": "Signature for this request is not valid."},
    )
    assert len(env.exchange.effects) == before


@pytest.mark.parametrize("placement", PLACEMENTS)
def test_a_bit_flipped_in_transit_is_rejected_and_nothing_executed(
    env: SandboxEnv, server: RecordingServer, placement: Placement
) -> None:
    ops = operations(env, server, placement)
    before = len(env.exchange.effects)

    def flip_bit(sock: socket.socket) -> None:
        raw = server.writes[-1].raw.replace(b"tag=a", b"tag=b")
        assert raw != server.writes[-1].raw
        sock.sendall(server._answer(raw))

    server.behave = flip_bit
    outcome = ops.exchange.create_sub_account(tag="a bit")
    assert outcome.status == "rejected"
    assert isinstance(outcome.error, errors.SignatureError)
    assert outcome.error.code == -1022
    assert len(env.exchange.effects) == before
    assert len(server.writes) == 1


# -- once, over a new connection ----------------------------------------------------------------


def test_each_write_uses_a_new_connection(env: SandboxEnv, server: RecordingServer) -> None:
    ops = operations(env, server)
    for number in range(3):
        ops._connection.session.get("api", "/api/v3/time", "", None)
        assert ops.exchange.create_sub_account(tag=f"own {number}").status == "confirmed"
    used = [sent.connection for sent in server.writes]
    assert len(set(used)) == 3
    assert not {sent.connection for sent in server.sent if sent.method == "GET"} & set(used)


def test_a_server_that_closes_idle_connections_does_no_harm(env: SandboxEnv, server: RecordingServer) -> None:
    """It announces keep-alive and closes the connection after the response: the classic race."""
    ops = operations(env, server)

    def close_after_response(sock: socket.socket) -> None:
        sock.sendall(
            server._answer(server.writes[-1].raw)
        )  # `RecordingServer` closes the connection after this

    server.behave = close_after_response
    before = len(env.exchange.effects)
    for number in range(5):
        assert ops.exchange.create_sub_account(tag=f"idle {number}").status == "confirmed"
    assert len(server.writes) == len(env.exchange.effects) - before == 5


def test_a_100_continue_is_skipped(env: SandboxEnv, server: RecordingServer) -> None:
    ops = operations(env, server)

    def send_100_continue(sock: socket.socket) -> None:
        sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n" + server._answer(server.writes[-1].raw))

    server.behave = send_100_continue
    assert ops.exchange.create_sub_account(tag="go on").status == "confirmed"
    assert len(server.writes) == 1


@pytest.mark.parametrize("status", [302, 307])
@pytest.mark.parametrize("address", ["{elsewhere}/sapi?x=1", "/other", "http://[::1", "http://caf\xe9/"])
def test_a_redirect_is_not_followed_and_gets_no_key(
    env: SandboxEnv, server: RecordingServer, status: int, address: str
) -> None:
    ops = operations(env, server)
    with recording.recording_server() as elsewhere:
        target = address.format(elsewhere=elsewhere.address).encode("latin-1")

        def redirect(sock: socket.socket) -> None:
            sock.sendall(recording.answer(status, b"<html>moved", b"Location: " + target))

        server.behave = redirect
        outcome = ops.exchange.create_sub_account(tag=f"moved {status} {address}"[:31])
        assert outcome.status == "unknown"
        assert len(server.writes) == 1
        assert elsewhere.connections == 0
    assert outcome.reconcile().status == "rejected"


@pytest.mark.parametrize("status", [408, 413, 429, 500, 503])
def test_no_status_causes_a_retry(env: SandboxEnv, server: RecordingServer, status: int) -> None:
    ops = operations(env, server)
    server.behave = lambda sock: sock.sendall(recording.answer(status, b"", b"Retry-After: 1"))
    outcome = ops.exchange.create_sub_account(tag=f"no {status}")
    assert outcome.status == ("rejected" if status in (413, 429) else "unknown")
    assert len(server.writes) == 1
    env.clock.advance(3)


# -- whether anything was sent -----------------------------------------------------------------------------


def session_to(address: str, **more: Any) -> Session:
    return Session(dict.fromkeys(BASE_URLS, address), timeout=(0.3, 0.3), trust_env=False, **more)


def failure(session: Session) -> TransportFailure:
    body = encode({"tag": "it"}) + "&signature=" + "0" * 64
    with pytest.raises(TransportFailure) as caught:
        session.send(EncodedRequest("POST", "api", PATH, "", body), KEY)
    return caught.value


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ssl.SSLContext]:
    public, private = certificate(tmp_path_factory.mktemp("authority"), days=30)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(public, private)
    return public, context


def test_a_closed_port() -> None:
    for scheme in ("http", "https"):
        with closed_port() as address:
            assert failure(session_to(f"{scheme}://{address}")).sent is False


def test_an_unresolvable_name() -> None:
    error = failure(session_to("https://nobody.invalid"))
    assert error.sent is False


def test_a_connect_timeout() -> None:
    for scheme in ("http", "https"):
        with full_backlog() as address:
            error = failure(session_to(f"{scheme}://{address}"))
        assert (error.sent, str(error)) == (False, "timed out while connecting")


def test_a_handshake_timeout() -> None:
    with silent_server() as address:
        error = failure(session_to(f"https://{address}"))
    assert (error.sent, str(error)) == (False, "timed out while connecting")


def test_an_untrusted_certificate(authority: tuple[Path, ssl.SSLContext]) -> None:
    with recording.recording_server(context=authority[1]) as server:
        error = failure(session_to(server.address))
        assert server.sent == []
    assert (error.sent, error.kind) == (False, "certificate")
    assert "it was signed by an authority that this machine does not trust" in str(error)


def test_a_server_without_tls() -> None:
    with recording.recording_server() as server:
        error = failure(session_to(server.address.replace("http:", "https:")))
        assert not [sent for sent in server.sent if b"signature" in sent.raw]
    assert error.sent is False


def test_an_unreachable_proxy() -> None:
    with closed_port() as address:
        for scheme in ("http", "https"):
            session = session_to(f"{scheme}://127.0.0.1:9", proxies={scheme: f"http://{address}"})
            assert failure(session).sent is False


@pytest.mark.parametrize(
    "response",
    [
        b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n",
        b"HTTP/1.1 502 Bad Gateway\r\n\r\n<html>",
        b"",
        b"nonsense\r\n\r\n",
    ],
)
def test_a_proxy_that_refuses_the_tunnel(response: bytes) -> None:
    proxy = Proxy(response)
    try:
        error = failure(session_to("https://127.0.0.1:9", proxies={"https": proxy.address}))
    finally:
        proxy.server.close()
    assert error.sent is False
    (request,) = proxy.asked
    assert request.startswith(b"CONNECT 127.0.0.1:9 ")
    assert KEY.encode() not in request
    assert b"signature" not in request


def test_a_silent_proxy() -> None:
    with silent_server() as address:
        error = failure(session_to("https://127.0.0.1:9", proxies={"https": f"http://{address}"}))
    assert error.sent is False


def test_a_tunnel_to_an_untrusted_server(authority: tuple[Path, ssl.SSLContext]) -> None:
    with recording.recording_server(context=authority[1]) as server:
        proxy = Proxy(b"HTTP/1.1 200 OK\r\n\r\n", server.address.partition("//")[2])
        try:
            error = failure(session_to(server.address, proxies={"https": proxy.address}))
        finally:
            proxy.server.close()
        assert server.sent == []
    assert error.sent is False


def close_connection(sock: socket.socket) -> None:
    """Send nothing; the server closes the connection."""


def stay_silent(sock: socket.socket) -> None:
    with contextlib.suppress(OSError):
        sock.recv(1)


def send_partial_response(sock: socket.socket) -> None:
    sock.sendall(b"HTTP/1.1 20")


def send_garbage(sock: socket.socket) -> None:
    sock.sendall(b"\x00\xff nonsense\r\n\r\n")


LOSSES = [close_connection, recording.reset, stay_silent, send_partial_response, send_garbage]


@pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: loss.__name__)
@pytest.mark.parametrize("route", ["http", "https", "http proxy", "https proxy"])
def test_a_request_without_a_response_may_have_arrived(
    authority: tuple[Path, ssl.SSLContext], route: str, loss: Behaviour
) -> None:
    context = authority[1] if "https" in route else None
    proxy = None
    with recording.recording_server(context=context) as server:
        server.behave = loss
        more: dict[str, Any] = {"verify": authority[0]} if context else {}
        address = server.address
        if route == "http proxy":
            more["proxies"] = {"http": server.address}
            address = "http://127.0.0.1:9"
        elif route == "https proxy":
            proxy = Proxy(b"HTTP/1.1 200 OK\r\n\r\n", server.address.partition("//")[2])
            more["proxies"] = {"https": proxy.address}
        try:
            error = failure(session_to(address, **more))
        finally:
            if proxy is not None:
                proxy.server.close()
        assert error.sent is True
        (sent,) = server.writes
        assert sent.body.endswith(b"0" * 64), "the whole request arrived, so it may have been executed"


def test_a_request_reset_at_once_may_have_arrived() -> None:
    """The first bytes may be in transit when the reset arrives."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        session = session_to(f"http://127.0.0.1:{listener.getsockname()[1]}")
        new_session = session._new_session

        def reset_first() -> Any:
            made = new_session()
            classes: Any = made.get_adapter("http://").poolmanager.pool_classes_by_scheme
            pool = classes["http"]

            class ResetConnection(pool.ConnectionCls):  # type: ignore[misc, name-defined]
                def connect(self) -> None:
                    super().connect()
                    recording.reset(listener.accept()[0])

            classes["http"] = type("Pool", (pool,), {"ConnectionCls": ResetConnection})
            return made

        session._new_session = reset_first  # type: ignore[method-assign]
        assert failure(session).sent is True


# -- the outcome -------------------------------------------------------------------------


def outcome_at(env: SandboxEnv, address: str, tag: str, **more: Any) -> Outcome:
    """A write to an address where even the clock cannot be measured."""
    hosts = dict.fromkeys(BASE_URLS, address)
    link = env.new_link(hosts=hosts, timeout=(0.3, 0.3), bare=True, **more)
    with link:
        return link.operations(confirm="live").exchange.create_sub_account(tag=tag)


def test_a_write_that_was_never_sent_is_rejected(env: SandboxEnv) -> None:
    with closed_port() as address:
        outcome = outcome_at(env, f"http://{address}", "never sent")
    assert outcome.status == "rejected"
    assert "it was never sent" in str(outcome.error)
    assert isinstance(outcome.error, errors.NotExecutedError)


def test_a_write_that_could_not_be_sent_is_rejected(
    env: SandboxEnv, authority: tuple[Path, ssl.SSLContext]
) -> None:
    assert outcome_at(env, "https://nobody.invalid", "no name").status == "rejected"
    with recording.recording_server(context=authority[1]) as server:
        assert outcome_at(env, server.address, "no trust").status == "rejected"
        assert server.sent == []
    proxy = Proxy(b"HTTP/1.1 403 Forbidden\r\n\r\n")
    try:
        refused = outcome_at(env, "https://127.0.0.1:9", "no proxy", proxies={"https": proxy.address})
    finally:
        proxy.server.close()
    assert refused.status == "rejected"


@pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: loss.__name__)
def test_a_write_without_a_response_is_unknown_and_can_be_reconciled(
    env: SandboxEnv, server: RecordingServer, loss: Behaviour
) -> None:
    ops = operations(env, server, timeout_s=0.3 if loss is stay_silent else 5.0)
    before = len(env.exchange.effects)

    def execute_and_lose(sock: socket.socket) -> None:
        server._answer(server.writes[-1].raw)
        loss(sock)

    server.behave = execute_and_lose
    outcome = ops.exchange.create_sub_account(tag=loss.__name__, unique_suffix=True)
    assert outcome.status == "unknown"
    assert isinstance(outcome.error, errors.OutcomeUnknownError)
    assert len(env.exchange.effects) - before == len(server.writes) == 1
    assert outcome.reconcile().status == "confirmed"
    assert len(server.writes) == 1
