"""Every row of the sender's table of responses to reads, over a real socket."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from operator import attrgetter

import pytest

import toolkit
from tests.support.sandbox_env import SandboxEnv
from tests.support.traces import locals_shown
from toolkit import errors
from toolkit.endpoints import BASE_URLS
from toolkit.gateway.sender import MAX_RETRIES, RETRY_PAUSES_S
from toolkit.transport.responses import RawResponse, error_of

PATH = "/sapi/v1/broker/info"


def read(env: SandboxEnv) -> object:
    return env.link.exchange.partner()


def test_2xx_returns_a_frame(env: SandboxEnv) -> None:
    frame = env.link.exchange.partner()
    assert len(frame) == 1
    assert frame.attrs["requests"] == 1
    assert frame.attrs["complete"] is True
    assert env.sent(PATH) == [200]


REFUSALS = [
    (400, -1102, errors.ParameterError),
    (400, -1121, errors.NotFoundError),
    (401, -2014, errors.CredentialsError),
    (401, -2015, errors.CredentialsError),
    (400, -1022, errors.SignatureError),
    (400, -3041, errors.RefusedError),
    (410, -1016, errors.RetiredError),
    (400, -4047, errors.ParameterError),
    (400, -999_999, errors.ApiError),
]


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/api/v3/klines", "`link.market.spot.symbols()` has all"),
        ("/fapi/v1/klines", "`link.market.futures.symbols()` has all"),
        ("/futures/data/basis", "`link.market.futures.symbols()` has all"),
        ("/sapi/v1/broker/subAccountApi/commission/futures", "Check the id, symbol or address"),
    ],
)
def test_an_unknown_symbol_is_told_where_the_known_ones_are(path: str, said: str) -> None:
    response = RawResponse(400, {}, b'{"code": -1121, "msg": "Invalid symbol."}')
    error = error_of("a.read", path, response, 0.0)
    assert isinstance(error, errors.NotFoundError)
    assert said in str(error)


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (-5011, "`link.exchange.futures_summary` has those that have one"),
        (-3003, "`link.exchange.margin_balances`"),
        (-5021, "`link.exchange.sub_accounts` has all there are"),
    ],
)
def test_a_refusal_about_a_sub_account_says_which_ones_there_are(code: int, said: str) -> None:
    response = RawResponse(400, {}, f'{{"code": {code}, "msg": "No."}}'.encode())
    error = error_of("a.read", "/sapi/v1/sub-account/margin/account", response, 0.0)
    assert said in str(error)


@pytest.mark.parametrize(
    ("key", "read", "said"),
    [
        ("read-only", "account.wallet.wallets", 'That is "Universal Transfer".'),
        ("trade-only", "account.spot.balances", 'That is "Enable Reading".'),
        ("customer", "exchange.sub_accounts", "also needs the key of a Link partner's master account."),
        ("no-link", "spot.kickbacks", "of a Link partner or of one of its customers."),
    ],
)
def test_a_refused_key_is_told_what_the_read_needs(env: SandboxEnv, key: str, read: str, said: str) -> None:
    other = env.sandbox.world.keys[key]
    with env.new_link(key=other.key, secret=other.secret) as link:
        method = attrgetter(read)(link)
        with pytest.raises(errors.CredentialsError) as caught:
            method()
    assert str(caught.value).endswith(said)


@pytest.mark.parametrize(("status", "code", "kind"), REFUSALS)
def test_4xx_raises_the_error_that_says_what_to_do(
    env: SandboxEnv, status: int, code: int, kind: type[errors.ApiError]
) -> None:
    env.exchange.faults.add("error", path=PATH, status=status, code=code, message="The reason.")
    with pytest.raises(kind) as caught:
        read(env)
    error = caught.value
    assert type(error) is kind
    assert (error.status, error.code, error.message) == (status, code, "The reason.")
    for said in (
        "exchange.partner",
        str(status),
        str(code),
        "The reason.",
        "Nothing was executed",
        kind.advice,
    ):
        assert said in str(error)
    assert len(env.sent(PATH)) == 1, "a refusal is never sent again"


def test_an_error_inside_a_200_is_raised(env: SandboxEnv) -> None:
    env.exchange.faults.add("wrapped-error", path=PATH, code=-1121, message="Invalid symbol.")
    with pytest.raises(errors.NotFoundError):
        read(env)


def test_403_raises_firewall_error(env: SandboxEnv) -> None:
    env.exchange.faults.add("firewall", path=PATH)
    with pytest.raises(errors.FirewallError, match="Send nothing for a few minutes"):
        read(env)


def test_429_waits_as_long_as_asked_and_sends_again(env: SandboxEnv) -> None:
    env.exchange.faults.add("rate-limit", path=PATH, seconds=17)
    before = env.clock.monotonic()
    frame = env.link.exchange.partner()
    assert len(frame) == 1
    assert env.sent(PATH) == [429, 200]
    assert 17 <= env.clock.monotonic() - before < 19
    assert frame.attrs["requests"] == 2, "the retry is counted"


def test_429_pauses_all_requests_to_that_host_only(env: SandboxEnv) -> None:
    env.exchange.faults.add("rate-limit", path=PATH, seconds=30)
    env.link.exchange.partner()
    before = env.clock.monotonic()
    env.exchange.faults.add("rate-limit", path="/fapi/v1/apiReferral/overview", seconds=40)
    paused: list[object] = []
    env.link.budget.watch(lambda: paused.append(dict(env.link.budget.snapshot().paused)))
    env.link.futures.overview()
    assert env.clock.monotonic() - before >= 40
    assert any("fapi" in seen and "api" not in seen for seen in paused)


def test_repeated_429s_raise_in_the_end(env: SandboxEnv) -> None:
    env.exchange.faults.add("rate-limit", path=PATH, seconds=1, times=None)
    with pytest.raises(errors.RateLimitError) as caught:
        read(env)
    assert caught.value.status == 429
    assert caught.value.retry_after == 1
    assert len(env.sent(PATH)) == MAX_RETRIES + 1


def test_418_stops_all_requests_until_the_ban_ends(env: SandboxEnv) -> None:
    env.exchange.faults.add("ban", path=PATH, seconds=120)
    with pytest.raises(errors.BannedError) as caught:
        read(env)
    end = datetime.fromtimestamp(env.clock.time() + 120, UTC)
    assert abs((caught.value.until - end).total_seconds()) < 2
    assert f"{end:%Y-%m-%d}" in str(caught.value)
    seen = len(env.exchange.log)
    other = env.new_link()
    for call in (env.link.exchange.partner, env.link.futures.overview, other.spot.customers):
        with pytest.raises(errors.BannedError):
            call()
    assert len(env.exchange.log) == seen, "during a ban no Link sends anything to any host"
    env.clock.advance(121)
    assert len(env.link.exchange.partner()) == 1


FAILURES = ["server-error", "timeout", "reset", "reset-before", "cut"]


@pytest.mark.parametrize("kind", FAILURES)
def test_requests_are_retried_with_a_new_signature_after_failures(env: SandboxEnv, kind: str) -> None:
    if kind == "timeout":
        env.be_impatient()
    env.link.exchange.partner()
    seen = len(env.exchange.log)
    env.exchange.faults.add(kind, path=PATH, times=2)
    before = env.clock.monotonic()
    frame = env.link.exchange.partner()
    assert frame.attrs["requests"] == 3
    assert len(env.exchange.log) - seen == 3
    assert env.clock.monotonic() - before >= sum(RETRY_PAUSES_S[:2])


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("server-error", errors.ServerError),
        ("timeout", errors.NoResponseError),
        ("reset", errors.NoResponseError),
        ("cut", errors.ContractError),
        ("html", errors.ServerError),
    ],
)
def test_failures_at_every_attempt_raise(
    env: SandboxEnv, kind: str, error: type[errors.ToolkitError]
) -> None:
    if kind == "timeout":
        env.be_impatient()
    env.exchange.faults.add(kind, path=PATH, times=None)
    with pytest.raises(error) as caught:
        read(env)
    assert type(caught.value) is error
    assert env.link.budget.snapshot().calls[-1].endpoint == "exchange.partner"
    attempts = [call for call in env.link.budget.snapshot().calls if call.endpoint == "exchange.partner"]
    assert len(attempts) == len(RETRY_PAUSES_S) + 1
    if isinstance(caught.value, errors.ServerError):
        assert "nothing was changed" in str(caught.value)
    if isinstance(caught.value, errors.ContractError):
        assert caught.value.excerpt.startswith('{"maxMakerCommission"')


def test_not_json_raises_contract_error_with_an_excerpt(env: SandboxEnv) -> None:
    env.exchange.faults.add("html", path=PATH, status=200)
    with pytest.raises(errors.ContractError) as caught:
        read(env)
    assert "<" in caught.value.excerpt
    assert len(env.sent(PATH)) == 1


@pytest.mark.parametrize("kind", ["disorder", "missing-field"])
def test_wrong_shapes_raise_contract_error_and_keep_the_rows(env: SandboxEnv, kind: str) -> None:
    path = "/sapi/v1/broker/rebate/recentRecord"
    env.link.exchange.rebates()
    env.exchange.faults.add(kind, path=path)
    expected = errors.RowOrderError if kind == "disorder" else errors.ContractError
    with pytest.raises(expected) as caught:
        env.link.exchange.rebates()
    assert type(caught.value) is expected
    if kind == "disorder":
        assert isinstance(caught.value, errors.RowOrderError)
        first, second = caught.value.rows
        partial = caught.value.partial
        assert partial is not None
        assert partial["time"][second] < partial["time"][first]
        assert partial.attrs["complete"] is False
        assert "rows that had arrived are in `.partial`" in str(caught.value)


def test_an_undeclared_field_is_left_out_named_and_warned_of_once(env: SandboxEnv) -> None:
    env.exchange.faults.add("unknown-field", path="/sapi/v1/broker/subAccount", times=2)
    with pytest.warns(errors.UndeclaredFieldWarning, match="surprise"):
        frame = env.link.exchange.sub_accounts()
    assert "surprise" not in frame.columns
    assert frame.attrs["undeclared"] == ["surprise"]
    again = env.link.exchange.sub_accounts()  # a second warning would be an error here
    assert again.attrs["undeclared"] == ["surprise"]


def test_rows_fetched_before_a_failure_are_kept(env: SandboxEnv) -> None:
    path = "/sapi/v1/broker/rebate/recentRecord"
    whole = env.link.exchange.rebates(start="-30D")
    before = len(env.sent(path))

    def fail_after_three() -> None:
        if len(env.sent(path)) >= before + 3:
            env.exchange.faults.add("server-error", path=path, times=None)

    env.link.budget.watch(fail_after_three)
    with pytest.raises(errors.ServerError) as caught:
        env.link.exchange.rebates(start="-30D")
    partial = caught.value.partial
    assert partial is not None
    assert 0 < len(partial) < len(whole)
    assert partial.attrs["complete"] is False
    assert partial.dtypes.equals(whole.dtypes)
    assert (
        partial["trade_id"].tolist()
        == whole["trade_id"][whole["trade_id"].isin(partial["trade_id"])].tolist()
    )


def test_after_a_clock_error_the_clock_is_measured_and_the_request_signed_again(env: SandboxEnv) -> None:
    env.link.exchange.partner()
    env.exchange_clock.ahead = 3600.0
    frame = env.link.exchange.partner()
    assert env.sent(PATH) == [200, 400, 200]
    assert frame.attrs["requests"] == 2
    offset = env.link.clock_offset("api")
    assert offset is not None
    assert abs(offset - 3600) < 1


def test_a_timestamp_refused_twice_raises(env: SandboxEnv) -> None:
    env.exchange.faults.add("error", path=PATH, code=-1021, message="Timestamp.", times=None)
    with pytest.raises(errors.ClockError):
        read(env)
    assert len(env.sent(PATH)) == 2


@pytest.fixture
def elsewhere() -> Iterator[tuple[str, list[dict[str, str]]]]:
    """Another host, and the headers of every request to it."""
    headers: list[dict[str, str]] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            headers.append(dict(self.headers))
            self.send_response(200)
            self.send_header("Set-Cookie", "session=1; Path=/")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", headers
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_redirect_is_not_followed_and_the_key_not_forwarded(
    env: SandboxEnv, elsewhere: tuple[str, list[dict[str, str]]]
) -> None:
    address, seen = elsewhere
    env.exchange.faults.add("redirect", path=PATH, to=f"{address}/landing?signature=abc")
    with pytest.raises(errors.RedirectError) as caught:
        read(env)
    assert caught.value.target == "127.0.0.1"
    assert "signature" not in str(caught.value)
    assert seen == []


def test_no_error_text_or_frame_holds_a_secret(env: SandboxEnv) -> None:
    """For every kind of failure: text, attributes and context of the error."""
    email = "someone.private@example.com"
    secrets = [env.sandbox.key, env.sandbox.secret, "signature=", email, "someone.private"]
    for kind, options in [
        ("error", {"message": f"bad {env.sandbox.key} {email}"}),
        ("server-error", {"message": f"bad {env.sandbox.key} {email}"}),
        ("reset", {}),
        ("timeout", {}),
        ("html", {"status": 200}),
    ]:
        if kind == "timeout":
            env.be_impatient()
        env.exchange.faults.clear()
        env.exchange.faults.add(kind, path="/sapi/v1/apiReferral/customization", times=None, **options)
        with pytest.raises(errors.ToolkitError) as caught:
            env.link.spot.customers(email=email)
        error = caught.value
        shown = [str(error), repr(error), repr(vars(error)), repr(error.__context__), repr(error.__cause__)]
        assert not [secret for secret in secrets for text in shown if secret in text], kind


def test_no_log_holds_a_secret(env: SandboxEnv, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    env.link.spot.customers(email="someone.private@example.com")
    assert "/sapi/v1/apiReferral/customization" in caplog.text
    for secret in (env.sandbox.key, env.sandbox.secret, "signature", "private"):
        assert secret not in caplog.text


def test_cookies_are_not_kept(elsewhere: tuple[str, list[dict[str, str]]], env: SandboxEnv) -> None:
    address, seen = elsewhere
    link = toolkit.Link(
        key="k" * 64, secret="s" * 64, hosts=dict.fromkeys(BASE_URLS, address), clock=env.clock
    )
    for _ in range(2):
        with pytest.raises(errors.ContractError):
            link.exchange.partner()
    link.close()
    assert len(seen) >= 2
    assert not [headers for headers in seen if "Cookie" in headers]


def test_a_ban_with_its_end_in_the_message_lasts_until_then(env: SandboxEnv) -> None:
    end = int((env.clock.time() + 86_400) * 1000)
    message = f"Way too much request weight used; IP banned until {end}. Please use WebSocket."
    env.exchange.faults.add("error", path=PATH, status=418, code=-1003, message=message)
    with pytest.raises(errors.BannedError) as caught:
        read(env)
    assert caught.value.until.timestamp() == pytest.approx(end / 1000, abs=1)
    env.clock.advance(3600)
    with pytest.raises(errors.BannedError):
        read(env)
    assert len(env.sent(PATH)) == 1


class Rude(http.server.BaseHTTPRequestHandler):
    """Tells the time; else hangs up in the middle of a refusal, a header line of which is malformed."""

    status = b"418 Banned"
    asked = 0

    def do_GET(self) -> None:
        if self.path == "/api/v3/time":
            self.wfile.write(b'HTTP/1.1 200 OK\r\nContent-Length: 28\r\n\r\n{"serverTime":1767225600000}')
        else:
            type(self).asked += 1
            self.wfile.write(b"HTTP/1.1 " + self.status + b"\r\nRetry-After: 300\r\n")
            self.wfile.write(b"Content-Length: 500\r\nX Bad header\r\n\r\n{")
        self.close_connection = True

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.mark.parametrize(
    ("status", "error"), [(b"418 Banned", errors.BannedError), (b"400 Bad", errors.ApiError)]
)
def test_a_refusal_that_is_cut_off_applies_and_no_log_shows_the_query(
    env: SandboxEnv, caplog: pytest.LogCaptureFixture, status: bytes, error: type[errors.ApiError]
) -> None:
    caplog.set_level("DEBUG")
    rude = type("Rude", (Rude,), {"status": status, "asked": 0})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), rude)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    hosts = dict.fromkeys(BASE_URLS, f"http://127.0.0.1:{server.server_port}")
    link = toolkit.Link(key="k" * 64, secret="s" * 64, hosts=hosts, clock=env.clock)
    try:
        with pytest.raises(error):
            link.spot.customers(email="someone@example.com")
        assert rude.asked == 1  # type: ignore[attr-defined]
        assert (link.budget.banned_until is not None) == (error is errors.BannedError)
        assert "Failed to parse headers" in caplog.text, "the log that would show the address"
        assert "signature" not in caplog.text
        assert "someone" not in caplog.text
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_an_interrupt_shows_nothing_secret_in_its_traceback(env: SandboxEnv) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    env.link.exchange.partner()
    env.link.budget.watch(interrupt)
    with pytest.raises(KeyboardInterrupt) as caught:
        env.link.exchange.partner()
    error: BaseException | None = caught.value
    assert error is not None
    assert error.__cause__ is None
    assert error.__context__ is None or error.__suppress_context__
    shown = locals_shown(error)
    for secret in (env.sandbox.key, env.sandbox.secret, "signature="):
        assert not [text for text in shown if secret in text]
