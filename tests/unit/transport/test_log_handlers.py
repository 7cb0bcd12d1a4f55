"""A log handler or filter that raises does not disturb requests, writes and waits."""

from __future__ import annotations

import logging
import signal
from collections.abc import Iterator

import pytest

from tests.support import recording
from tests.support.clocks import FakeClock
from tests.support.recording import RecordingServer, recording_server
from tests.support.sandbox_env import SandboxEnv
from tests.support.writes import WriteEnv, memory_folder
from toolkit.endpoints import BASE_URLS
from toolkit.fetch.progress import count_down
from toolkit.transport.session import EncodedRequest, Session


class FailingHandler(logging.Handler):
    """Like a handler that sends records to a service that is down."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.seen.append(record.getMessage())
        raise ConnectionResetError(104, "the service for logs")


@pytest.fixture
def failing() -> Iterator[FailingHandler]:
    root, handler = logging.getLogger(), FailingHandler()
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield handler
    root.removeHandler(handler)
    root.setLevel(before)


@pytest.fixture
def server() -> Iterator[RecordingServer]:
    with recording_server() as made:
        made._answer = lambda raw: recording.answer(200)  # type: ignore[method-assign]
        yield made


def session_to(server: RecordingServer) -> Session:
    return Session(dict.fromkeys(BASE_URLS, server.address), timeout=(5, 5), trust_env=False)


def test_a_failing_handler_loses_no_read_and_no_write(
    server: RecordingServer, failing: FailingHandler
) -> None:
    session = session_to(server)
    assert session.get("api", "/x", "signature=1", None).status == 200
    assert session.send(EncodedRequest("POST", "api", "/x", "a=1&signature=1"), "key").status == 200
    session.close()
    assert len(server.sent) == 2, "each of them once"
    assert any('"POST /x' in each for each in failing.seen), "it was logged"
    assert not any("signature" in each for each in failing.seen)


def test_a_failing_filter_is_ignored_and_the_others_apply(
    server: RecordingServer, failing: FailingHandler
) -> None:
    logger, asked = logging.getLogger("urllib3.connectionpool"), []

    def strict(record: logging.LogRecord) -> bool:
        asked.append(record.getMessage())
        return False

    def odd(record: logging.LogRecord) -> bool:
        raise ValueError("odd")

    session = session_to(server)
    for each in (strict, odd):
        logger.addFilter(each)
        assert session.get("api", "/x", "signature=1", None).status == 200
        logger.removeFilter(each)
    session.close()
    assert any('"GET /x' in each for each in asked)
    assert not any("signature" in each for each in asked)
    assert not any('"GET /x' in each for each in failing.seen)


def test_log_records_of_other_programs_are_not_changed(failing: FailingHandler) -> None:
    with pytest.raises(ConnectionResetError, match="the service for logs"):
        logging.getLogger("urllib3.connectionpool").debug("of another's")


@pytest.mark.skipif(not hasattr(signal, "SIGUSR1"), reason="signals of POSIX")
def test_a_deadline_during_logging_is_raised(server: RecordingServer) -> None:
    class SlowHandler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            signal.raise_signal(signal.SIGUSR1)

    def deadline(*_: object) -> None:
        raise TimeoutError("deadline")

    logger, slow, session = logging.getLogger("urllib3.connectionpool"), SlowHandler(), session_to(server)
    before, level = signal.signal(signal.SIGUSR1, deadline), logger.level
    logger.addHandler(slow)
    logger.setLevel(logging.DEBUG)
    try:
        with pytest.raises(TimeoutError, match="deadline"):
            session.get("api", "/x", "signature=1", None)
    finally:
        signal.signal(signal.SIGUSR1, before)
        logger.removeHandler(slow)
        logger.setLevel(level)
        session.close()


@pytest.fixture(scope="module")
def write_env() -> Iterator[WriteEnv]:
    with memory_folder() as folder:
        made = WriteEnv(folder)
        yield made
        made.close()


def test_a_write_is_confirmed_despite_a_failing_handler(write_env: WriteEnv, failing: FailingHandler) -> None:
    assert write_env.ops.exchange.create_sub_account(tag="logged").status == "confirmed"
    assert failing.seen


def test_a_failing_watcher_does_not_end_a_wait(env: SandboxEnv, failing: FailingHandler) -> None:
    clock = FakeClock()
    count_down("exchange.transfer #3", 14.5, clock.time() + 14.5, clock, wanted=False)

    def broken() -> None:
        raise RuntimeError("no panel")

    unwatch = env.link.budget.watch(broken)
    assert len(env.link.spot.rebates(start="-2D"))
    unwatch()
    assert any("goes on at" in each for each in failing.seen)
    assert any("watcher of the budget failed" in each for each in failing.seen)
