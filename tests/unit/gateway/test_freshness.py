"""Freshness of responses: nothing from a cache sets clocks, limits, counts or outcomes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from email.utils import formatdate

import pandas as pd
import pytest

import toolkit
from tests.support import recording
from tests.support.clocks import FakeClock
from tests.support.sandbox_env import SandboxEnv
from tests.support.writes import WriteEnv, do, memory_folder
from toolkit import errors
from toolkit.endpoints import BASE_URLS, FAPI, Host
from toolkit.ratelimit.budget import Budget
from toolkit.timing.clock import HostClock
from toolkit.timing.http_dates import exchange_time, is_cached, made_at, read_date, read_retry_after

CACHED = {
    "cached": ("Age", "600"),
    "cached just now": ("Age", "0"),
    "cached, age unknown": ("Age", ""),
    "squid": ("X-Cache", "HIT from proxy.example:3128"),
    "squid, from memory": ("X-Cache", "TCP_MEM_HIT from a proxy"),
    "cloudfront": ("X-Cache", "Hit from cloudfront"),
    "cloudfront, revalidated": ("X-Cache", "RefreshHit from cloudfront"),
    "two in a row": ("X-Cache", "MISS, HIT"),
    "nginx": ("X-Cache-Status", "STALE"),
    "cloudflare": ("CF-Cache-Status", "HIT"),
    "as the standard has it": ("Cache-Status", "OriginCache; fwd=miss, ExampleCache; hit; ttl=376"),
    "stale": ("Warning", '110 anderson/1.3.37 "Response is stale"'),
    "cut off from the exchange": ("Warning", '199 - "x", 112 - "cut off"'),
}
DIRECT = {
    "every response of the exchange": ("X-Cache", "Miss from cloudfront"),
    "an error of cloudfront": ("X-Cache", "Error from cloudfront"),
    "squid, forwarded": ("X-Cache", "MISS from hit.example"),
    "cloudflare": ("CF-Cache-Status", "DYNAMIC"),
    "as the standard has it": ("Cache-Status", "ExampleCache; fwd=miss; stored"),
    "a proxy": ("Via", "1.1 hit.example (squid)"),
    "another warning": ("Warning", '199 - "110 things"'),
}
DATE = "Thu, 01 Jan 2026 00:00:00 GMT"
SECONDS = 1_767_225_600.0


@pytest.mark.parametrize("header", CACHED.values(), ids=CACHED)
def test_a_cached_response_is_recognised_by_each_header(header: tuple[str, str]) -> None:
    headers = {"Date": DATE, header[0]: header[1]}
    assert is_cached(headers)
    assert made_at(headers) is None


@pytest.mark.parametrize("header", DIRECT.values(), ids=DIRECT)
def test_a_forwarded_response_counts_as_fresh(header: tuple[str, str]) -> None:
    headers = {"Date": DATE, header[0]: header[1]}
    assert not is_cached(headers)
    assert made_at(headers) == SECONDS


def test_a_date_is_read_as_utc_and_two_dates_are_ignored() -> None:
    """The tests run in a time zone of UTC+5:15."""
    assert read_date({"Date": "Thu, 01 Jan 2026 00:00:00"}) == SECONDS
    assert read_date({"Date": "Thu, 01 Jan 2026 00:00:00 -0000"}) == SECONDS
    assert read_date({"Date": f"{DATE}, {DATE}"}) is None
    assert made_at({"Date": "yesterday"}) is None
    assert made_at({}) is None


# -- request headers -----------------------------------------------------------------------------------------


def test_every_request_asks_caches_for_a_fresh_response(env: SandboxEnv) -> None:
    with recording.recording_server(env.sandbox.address) as between:
        hosts = dict.fromkeys(BASE_URLS, between.address)
        # On the system clock the address is also asked for its sandbox id.
        link = toolkit.Link(key=env.sandbox.key, secret=env.sandbox.secret, hosts=hosts)
        on_test_clock = env.new_link(hosts=hosts)
        on_test_clock.spot.rebates(start="-2D")
        on_test_clock.futures.overview()
        on_test_clock.get("/sapi/v1/broker/subAccount", limit_by_uid=True)
        on_test_clock.doctor()
        operations = on_test_clock.operations(same_account=True)
        operations.exchange.create_sub_account(tag="fresh")
        link.close()
        on_test_clock.close()
        asked = {sent.target.partition("?")[0] for sent in between.sent}
        assert {"/sandbox/id", "/api/v3/time", "/fapi/v1/exchangeInfo", "/papi/v1/ping"} <= asked
        assert between.writes
        for sent in between.sent:
            assert "no-store" in sent.headers["cache-control"], sent.line
            assert "no-cache" in sent.headers["cache-control"], sent.line
            assert sent.headers["pragma"] == "no-cache", sent.line
        assert set(env.sent()) == {200}


# -- as_of ---------------------------------------------------------------------------------------------------

Fetch = Callable[[toolkit.Link], pd.DataFrame]


def rebates(link: toolkit.Link) -> pd.DataFrame:
    return link.spot.rebates(start="-3D")


def unlisted(link: toolkit.Link) -> pd.DataFrame:
    return link.get("/sapi/v1/broker/subAccount", limit_by_uid=True)


PATHS = {rebates: "/sapi/v1/apiReferral/rebate/recentRecord", unlisted: "/sapi/v1/broker/subAccount"}


@pytest.fixture(params=[rebates, unlisted])
def fetch(request: pytest.FixtureRequest) -> Fetch:
    made: Fetch = request.param
    return made


@pytest.fixture(scope="module")
def fresh_env() -> Iterator[SandboxEnv]:
    made = SandboxEnv(ahead=3600.7, link={"workers": 1})
    yield made
    made.close()


def test_as_of_is_the_exchanges_time_before_the_first_response(fresh_env: SandboxEnv, fetch: Fetch) -> None:
    """By the exchange's clock in whole seconds, whatever this machine's clock shows."""
    before = fresh_env.exchange_clock.time()
    frame = fetch(fresh_env.link)
    expected = datetime.fromtimestamp(int(before), UTC).isoformat(timespec="milliseconds")
    assert frame.attrs["as_of"] == expected
    assert frame.attrs["as_of"] <= frame.attrs["server_time"]


def test_as_of_is_the_date_of_the_oldest_response(fresh_env: SandboxEnv) -> None:
    old = formatdate(fresh_env.exchange_clock.time() - 7200, usegmt=True)
    fresh_env.link.spot.rebates(start="-1D")  # so that clock and limits are known
    fresh_env.exchange.faults.add("extra-header", path=PATHS[rebates], name="Date", value=old)
    frame = rebates(fresh_env.link)
    assert frame.attrs["requests"] > 1
    expected = datetime.fromtimestamp(read_date({"Date": old}) or 0, UTC)
    assert frame.attrs["as_of"] == expected.isoformat(timespec="milliseconds")


@pytest.mark.parametrize(
    "header",
    [*CACHED.values(), ("Date", "soon"), ("Date", ""), ("Date", "Fri, 01 Jan 2027 00:00:00 GMT")],
    ids=[*CACHED, "no date", "an empty date", "a date of next year"],
)
def test_as_of_is_none_where_one_response_has_no_valid_date(
    fresh_env: SandboxEnv, fetch: Fetch, header: tuple[str, str]
) -> None:
    fetch(fresh_env.link)
    name, value = header
    fresh_env.exchange.faults.add("extra-header", path=PATHS[fetch], name=name, value=value)
    assert fetch(fresh_env.link).attrs["as_of"] is None
    assert fetch(fresh_env.link).attrs["as_of"] is not None


def test_partial_rows_have_as_of_too(fresh_env: SandboxEnv) -> None:
    link = fresh_env.link
    link.spot.rebates(start="-1D")
    fresh_env.exchange.faults.add("firewall", path=PATHS[rebates])
    with pytest.raises(errors.FirewallError) as nothing:
        rebates(link)
    assert nothing.value.partial is None
    now = int(fresh_env.exchange_clock.time())

    class FailAfterTwo:
        """Makes the third response an error."""

        count = 0

        def __call__(self) -> None:
            self.count += 1
            if self.count == 3:
                fresh_env.exchange.faults.add("firewall", path=PATHS[rebates])

    unwatch = link.budget.watch(FailAfterTwo())
    with pytest.raises(errors.FirewallError) as some:
        rebates(link)
    unwatch()
    assert some.value.partial is not None
    expected = datetime.fromtimestamp(now, UTC).isoformat(timespec="milliseconds")
    assert some.value.partial.attrs["as_of"] == expected


# -- cached responses ----------------------------------------------------------------------------------------

HOSTS: tuple[Host, ...] = ("api", "fapi", "papi")
CLOCKS = {"api": "/api/v3/time", "fapi": "/fapi/v1/time", "papi": "/papi/v1/ping"}
OLD = [("Age", "600"), ("X-Cache", "HIT from proxy.example")]


@pytest.mark.parametrize("header", OLD, ids=["Age", "X-Cache"])
@pytest.mark.parametrize("host", HOSTS)
def test_a_cached_response_sets_no_clock(host: Host, header: tuple[str, str]) -> None:
    """The response gives the time of ten minutes ago, as a cache would."""
    env = SandboxEnv(ahead=30.0)
    try:
        for _ in range(2):
            env.exchange.faults.add("clock-skew", path=CLOCKS[host], seconds=-600)
            env.exchange.faults.add("extra-header", path=CLOCKS[host], name=header[0], value=header[1])
            with pytest.raises(errors.ContractError, match="cache"):
                env.link._connection.sender.fetch_time(host)
            assert env.link.clock_offset(host) is None
        env.link._connection.sender.fetch_time(host)
        assert env.link.clock_offset(host) == pytest.approx(30, abs=1.1)
    finally:
        env.close()


def test_a_time_that_contradicts_its_date_sets_no_clock(env: SandboxEnv) -> None:
    old = formatdate(env.exchange_clock.time() - 60, usegmt=True)
    env.exchange.faults.add("extra-header", path=CLOCKS["api"], name="Date", value=old)
    with pytest.raises(errors.ContractError, match="two times"):
        env.link._connection.sender.fetch_time("api")
    assert env.link.clock_offset() is None


def test_the_doctor_reports_a_cached_time(env: SandboxEnv) -> None:
    env.exchange.faults.add("extra-header", path=CLOCKS["fapi"], name="Age", value="600")
    assert env.link.doctor().frame["found"].str.contains("from a cache").sum() == 1


@pytest.mark.parametrize("header", [*OLD, None], ids=["Age", "X-Cache", "fresh"])
def test_a_cached_response_sets_no_limit(header: tuple[str, str] | None) -> None:
    env = SandboxEnv(exchange={"limit_scale": 0.5})
    try:
        if header is not None:
            path = "/fapi/v1/exchangeInfo"
            env.exchange.faults.add("extra-header", path=path, name=header[0], value=header[1])
        env.link.futures.overview()
        assert env.link.budget.limit(FAPI) == (1200 if header is None else 2400)
    finally:
        env.close()


@pytest.mark.parametrize("header", OLD, ids=["Age", "X-Cache"])
def test_a_cached_response_sets_no_count(header: tuple[str, str]) -> None:
    clock = FakeClock()
    budget = Budget(clock, {host: HostClock(clock) for host in HOSTS})
    headers = {
        "X-MBX-USED-WEIGHT-1M": "2400",
        "X-MBX-ORDER-COUNT-10S": "3",
        "Date": DATE,
        header[0]: header[1],
    }
    budget.record_response(budget.admit(FAPI, "/fapi/v1/x", 1, "x"), 200, headers)
    assert budget.snapshot().rate_limits[0].used == 1
    assert not budget.snapshot().other_counts
    budget.admit(FAPI, "/fapi/v1/x", 1, "x")
    assert clock.slept == []


def test_a_cached_retry_after_counts_from_the_original_response() -> None:
    assert read_retry_after({"Retry-After": "60", "Age": "45"}, SECONDS) == 15
    assert read_retry_after({"Retry-After": "60", "Age": "600"}, SECONDS) == 0
    assert exchange_time({"Date": DATE, "Age": "45"}, 0.0) == SECONDS + 45
    assert exchange_time({"Date": DATE, "Age": "long"}, 7.0) == 7.0
    assert exchange_time({"Date": DATE, "X-Cache": "HIT"}, 7.0) == 7.0
    assert exchange_time({}, 7.0) == 7.0


@pytest.fixture(scope="module")
def write_env() -> Iterator[WriteEnv]:
    with memory_folder() as folder:
        made = WriteEnv(folder, ahead=30.0)
        yield made
        made.close()


@pytest.mark.parametrize("status", [200, 400])
@pytest.mark.parametrize("header", [*OLD, ("Date", DATE)], ids=["Age", "X-Cache", "Date"])
def test_a_response_that_belongs_to_another_write_leaves_the_outcome_unknown(
    write_env: WriteEnv, header: tuple[str, str], status: int
) -> None:
    """It may be the response to another request, and this one may have been forwarded or not."""
    write_env.clock.advance(3600)
    write_env.env.link._connection.sender.fetch_time("api")
    endpoint_name = "exchange.create_sub_account"
    if status == 400:
        write_env.fail(endpoint_name, "error", code=-9000, after_effect=True)
    write_env.fail(endpoint_name, "extra-header", name=header[0], value=header[1])
    outcome = do(write_env, endpoint_name, tag=f"{header[0]}{status}".lower().replace("-", ""))
    assert outcome.status == "unknown"
    assert "cache" in str(outcome.error) or "older than the request" in str(outcome.error)
