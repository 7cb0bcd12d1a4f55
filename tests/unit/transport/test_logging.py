"""The loggers under `toolkit`: silent by default, complete when enabled, and never a secret."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.leaks.marks import Marks
from tests.support.sandbox_env import SandboxEnv
from tests.support.writes import WriteEnv, memory_folder
from toolkit.errors import BannedError, ParameterError

REBATES = "/sapi/v1/apiReferral/rebate/recentRecord"


class Records(logging.Handler):
    """Collects log records as text with level and logger."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(f"{record.levelname} {record.name} {record.getMessage()}")

    def matching(self, pattern: str) -> list[str]:
        """The lines that match a pattern."""
        return [line for line in self.lines if re.search(pattern, line)]


@pytest.fixture
def records() -> Iterator[Records]:
    logger, handler = logging.getLogger("toolkit"), Records()
    before = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    yield handler
    logger.removeHandler(handler)
    logger.setLevel(before)


@contextmanager
def no_logging() -> Iterator[None]:
    """As in a process without logging set-up: pytest's own handlers get no records of the toolkit."""
    logger = logging.getLogger("toolkit")
    ours = [each for each in logger.handlers if type(each) is logging.NullHandler]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(logger, "propagate", False)
        patch.setattr(logger, "handlers", ours)
        yield


@pytest.fixture(scope="module")
def write_env() -> Iterator[WriteEnv]:
    with memory_folder() as folder:
        made = WriteEnv(folder)
        yield made
        made.close()


def test_nothing_is_printed_by_default(
    env: SandboxEnv, write_env: WriteEnv, capfd: pytest.CaptureFixture[str]
) -> None:
    env.exchange.faults.add("rate-limit", path=REBATES)
    write_env.fail("exchange.create_sub_account", "reset")
    with no_logging():  # warnings without a handler would go to stderr
        env.new_link(progress=False).spot.rebates(start="-2D")
        outcome = write_env.ops.exchange.create_sub_account(tag="quiet")
    assert outcome.status == "unknown", "which is logged as a warning"
    assert capfd.readouterr() == ("", "")


def test_each_request_is_logged(env: SandboxEnv, records: Records) -> None:
    env.link.spot.rebates(start="-2D")
    sent = env.sent()
    requests = records.matching(r"^DEBUG toolkit\.\S+ GET /\S+ to (api|fapi|papi): 200, weight \d+, \d+ ms$")
    assert len(requests) == len(sent)
    assert len(records.matching(re.escape(f" GET {REBATES} to api: 200, weight 1, "))) == len(
        env.sent(REBATES)
    )


def test_a_measured_clock_is_logged(records: Records) -> None:
    env = SandboxEnv(ahead=3600.0)
    env.link.spot.rebates(start="-2D")
    env.close()
    assert records.matching(r"^DEBUG toolkit\.\S+ clock of api: \+3600\.\d+ s, error up to 0\.\d+ s$")


def test_a_retry_is_logged(env: SandboxEnv, records: Records) -> None:
    env.exchange.faults.add("server-error", path=REBATES)
    env.link.spot.rebates(start="-2D")
    assert records.matching(
        r"^INFO toolkit\.\S+ spot\.rebates: sent again after ServerError \(503\) \(attempt 2\)$"
    )


def test_a_request_without_a_response_is_logged(env: SandboxEnv, records: Records) -> None:
    env.exchange.faults.add("reset-before", path=REBATES)
    env.link.spot.rebates(start="-2D")
    assert records.matching(re.escape(f"GET {REBATES} to api: no response, weight 1, "))
    assert records.matching(r"sent again after NoResponseError \(attempt 2\)$")


def test_a_backoff_and_the_wait_for_it_are_logged(env: SandboxEnv, records: Records) -> None:
    env.exchange.faults.add("rate-limit", path=REBATES, seconds=5)
    env.link.spot.rebates(start="-2D")
    assert records.matching(r"^WARNING toolkit\.\S+ api responded 429: no requests to it for 5\.0 s$")
    assert records.matching(r"^INFO toolkit\.\S+ spot\.rebates: api asked to wait: goes on at ")


def test_a_ban_is_logged_once(env: SandboxEnv, records: Records) -> None:
    env.exchange.faults.add("ban", path=REBATES, seconds=120)
    with pytest.raises(BannedError):
        env.link.spot.rebates(start="-2D")
    assert len(records.matching("banned")) == 1
    assert records.matching(r"^WARNING toolkit\.\S+ api banned this address \(418\): no requests for 120 s$")


@pytest.mark.parametrize(
    ("kind", "status", "level"), [(None, "confirmed", "INFO"), ("reset", "unknown", "WARNING")]
)
def test_a_write_is_logged_with_its_number_and_status(
    write_env: WriteEnv, records: Records, kind: str | None, status: str, level: str
) -> None:
    if kind is not None:
        write_env.fail("exchange.create_sub_account", kind)
    outcome = write_env.ops.exchange.create_sub_account(tag=f"logged {status}")
    assert outcome.status == status
    matching = f"write #{outcome.number} exchange.create_sub_account: {status}"
    assert [line for line in records.matching(" write #") if line.startswith(level)] == records.matching(
        f" {matching}$"
    )
    assert len(records.matching(f" {matching}$")) == 1


def test_no_record_holds_a_secret(env: SandboxEnv, write_env: WriteEnv, records: Records) -> None:
    suffixed_argument = Marks()
    email = env.sandbox.world.customers[0].email
    for each in (env.sandbox, write_env.env.sandbox):
        suffixed_argument.add("the key", each.key)
        suffixed_argument.add("the secret", each.secret)
    suffixed_argument.add_address("an e-mail address", email)
    env.exchange.faults.add(
        "error", path="/sapi/v1/apiReferral/customization", code=-1102, message=f"{email}?"
    )
    with pytest.raises(ParameterError):
        env.link.spot.customers(email=email)
    env.exchange.faults.add("cut", path=REBATES)
    env.link.spot.rebates(start="-2D")
    made = write_env.ops.exchange.create_sub_account(tag="private").require_confirmed()
    account = made["sub_account_id"].iloc[0]
    new = write_env.ops.exchange.create_api_key(account, can_trade=True).take_key()
    suffixed_argument.add("a key that was made", new.key)
    suffixed_argument.add("its secret", new.secret)
    text = "\n".join(records.lines)
    assert len(records.lines) > 5
    assert suffixed_argument.found(text.encode()) == []
    assert not re.search(r"signature|recvWindow|timestamp=|\?", text)
