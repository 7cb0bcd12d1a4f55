"""What is not there is believed only of a list that is whole and fresh; a real cache stands in front."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from email.utils import formatdate
from typing import Any
from urllib.parse import parse_qsl

import pandas as pd
import pytest

from tests.support.clocks import FakeClock
from tests.support.recording import RecordingServer
from tests.support.writes import WriteEnv, call, example, memory_folder
from toolkit.api.writes.operations import Operations
from toolkit.endpoints import BASE_URLS, ENDPOINTS_BY_NAME, WRITES, WRITES_BY_NAME
from toolkit.errors import PendingWriteError
from toolkit.sandbox import SandboxRequest, SandboxResponse
from toolkit.sandbox.exchange import Exchange
from toolkit.sandbox.world.people import account_row
from toolkit.writes import Outcome
from toolkit.writes.reconcile import Observation

OVER = 16.0
"""Seconds after which a call cannot be executed any more."""
TRANSFER, CREATE = "exchange.transfer", "exchange.create_sub_account"
BEFORE = [write.qualified_name for write in WRITES if write.reconciliation.needs_snapshot]


class Cache(RecordingServer):
    """A proxy that keeps answers to reads, whoever asks and for whatever, and hands them out again.

    Attributes:
        keeps: Paths of which it keeps the next answer to each page.
        kept: What it has.
        suffixed_argument: Changes what it hands out.
    """

    def __init__(self, to: str) -> None:
        self.keeps: set[str] = set()
        self.kept: dict[str, bytes] = {}
        self.suffixed_argument: Callable[[bytes], bytes] = bytes
        super().__init__(to)

    def _answer(self, raw: bytes) -> bytes:
        method, target, _ = raw.partition(b"\r\n")[0].decode("latin-1").split(" ")
        path, _, query = target.partition("?")
        place = f"{path} {dict(parse_qsl(query)).get('page')}"
        if method == "GET" and place in self.kept:
            return self.suffixed_argument(self.kept[place])
        answered = super()._answer(raw)
        if method == "GET" and path in self.keeps:
            self.kept[place] = answered
        return answered


def aged(answer: bytes) -> bytes:
    return answer.replace(b"\r\n", b"\r\nAge: 600\r\n", 1)


def undated(answer: bytes) -> bytes:
    return re.sub(rb"\r\nDate: [^\r]*", b"", answer)


def dated_now(clock: FakeClock) -> Callable[[bytes], bytes]:
    """As of a proxy that gives an answer it kept a date of its own, and at least an `Age`."""

    def mark(answer: bytes) -> bytes:
        date = formatdate(clock.time(), usegmt=True).encode()
        return aged(re.sub(rb"Date: [^\r]*", b"Date: " + date, answer))

    return mark


class Behind:
    """A `WriteEnv` whose Link asks through a cache."""

    def __init__(self, write_env: WriteEnv, cache: Cache) -> None:
        self.write_env, self.cache = write_env, cache
        hosts = dict.fromkeys(BASE_URLS, cache.address)
        self.link = write_env.env.new_link(hosts=hosts)
        self.ops: Operations = self.link.operations(journal=write_env.folder)

    def keep(self, endpoint_name: str) -> None:
        """Have the next answer of a write's read kept."""
        self.cache.keeps.add(ENDPOINTS_BY_NAME[WRITES_BY_NAME[endpoint_name].reconciliation.read].path)

    def lose(self, endpoint_name: str, kind: str, **more: Any) -> Outcome:
        self.write_env.fail(endpoint_name, kind)
        failure: Outcome = call(self.ops, endpoint_name, example(self.write_env.world, endpoint_name), **more)
        assert failure.status == "unknown"
        return failure


@pytest.fixture
def behind() -> Iterator[Behind]:
    with memory_folder() as folder:
        write_env = WriteEnv(folder)
        cache = Cache(write_env.env.sandbox.address)
        try:
            made = Behind(write_env, cache)
            yield made
            made.link.close()
        finally:
            cache.close()
            write_env.close()


def read_transfers(link: Any, write_env: WriteEnv) -> pd.DataFrame:
    frame: pd.DataFrame = link.exchange.transfers(to_id=write_env.world.accounts[0].id, start="-1h")
    return frame


# -- fresh ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["aged", "as it was", "undated", "dated now"])
def test_a_transfer_that_was_made_is_not_called_rejected_by_an_old_answer(behind: Behind, how: str) -> None:
    """Sent again it would pay twice."""
    write_env, cache = behind.write_env, behind.cache
    suffixed_argument = {
        "aged": aged,
        "as it was": bytes,
        "undated": undated,
        "dated now": dated_now(write_env.clock),
    }
    cache.suffixed_argument = suffixed_argument[how]
    behind.keep(TRANSFER)
    assert len(read_transfers(behind.link, write_env)) == 0
    failure = behind.lose(TRANSFER, "reset")
    write_env.clock.advance(OVER)
    for outcome in (failure.reconcile(), behind.ops.reconcile(failure.number, wait=False)):
        assert outcome.status == "unknown"
        why = "when the call could still be executed" if how == "as it was" else "came from a cache"
        assert f"{why}" in outcome.reason
        assert "but that proves nothing" in outcome.reason
        assert f"`ops.resolve({failure.number}, executed=...)`" in outcome.reason
    cache.kept.clear()
    cache.keeps.clear()
    assert failure.reconcile().status == "confirmed"
    assert len(write_env.effects(TRANSFER)) == 1


def test_a_transfer_that_was_not_made_is_rejected_by_a_fresh_answer_only(behind: Behind) -> None:
    write_env, cache = behind.write_env, behind.cache
    cache.suffixed_argument = aged
    behind.keep(TRANSFER)
    read_transfers(behind.link, write_env)
    failure = behind.lose(TRANSFER, "reset-before")
    write_env.clock.advance(OVER)
    assert failure.reconcile().status == "unknown"
    cache.kept.clear()
    cache.keeps.clear()
    assert failure.reconcile().status == "rejected"


def test_what_shows_the_call_itself_does_so_in_an_old_answer_too(behind: Behind) -> None:
    write_env, cache = behind.write_env, behind.cache
    failure = behind.lose(TRANSFER, "reset")
    behind.keep(TRANSFER)
    assert len(read_transfers(behind.link, write_env)) == 1
    cache.suffixed_argument = aged
    write_env.clock.advance(600)
    path = ENDPOINTS_BY_NAME["exchange.transfers"].path
    before = write_env.env.sent(path)
    assert failure.reconcile().status == "confirmed"
    assert write_env.env.sent(path) == before, "it came from the cache"


def test_a_state_of_before_the_call_does_not_count(behind: Behind) -> None:
    """It was in force, then something else was, and then it was set again; that call never arrived."""
    write_env, cache, endpoint_name = behind.write_env, behind.cache, "exchange.set_commission"
    given = example(write_env.world, endpoint_name)
    assert call(behind.ops, endpoint_name, given)
    behind.keep(endpoint_name)
    behind.link.exchange.sub_accounts(sub_account_id=given["sub_account_id"])
    write_env.clock.advance(60)
    assert call(behind.ops, endpoint_name, given | {"maker": "0.0009"})
    write_env.clock.advance(60)
    failure = behind.lose(endpoint_name, "reset-before")
    for suffixed_argument, why in ((bytes, "before the call was sent"), (aged, "came from a cache")):
        cache.suffixed_argument = suffixed_argument
        assert failure.reconcile().status == "unknown"
        assert why in failure.reason
    cache.kept.clear()
    cache.keeps.clear()
    assert failure.reconcile().status == "rejected"


@pytest.mark.parametrize("endpoint_name", BEFORE)
@pytest.mark.parametrize("kind", ["reset", "reset-before"])
def test_how_things_were_before_is_not_taken_from_a_cache(
    behind: Behind, endpoint_name: str, kind: str
) -> None:
    """Something was made or changed after that: it would be taken for what the call did."""
    write_env, cache = behind.write_env, behind.cache
    cache.suffixed_argument = aged
    behind.keep(endpoint_name)
    given = example(write_env.world, endpoint_name)
    assert call(behind.ops.preview, endpoint_name, given)
    write_env.fail(endpoint_name, "error", code=-5002, message="No.")
    assert call(behind.ops, endpoint_name, given).status == "rejected"  # its read is kept
    assert cache.kept
    failure = behind.lose(endpoint_name, kind)
    cache.kept.clear()
    cache.keeps.clear()
    write_env.clock.advance(OVER)
    failure.reconcile()
    assert failure.status == "unknown"
    assert "the read made before the call was incomplete or out of date" in failure.reason


def test_an_answer_of_the_second_in_which_it_ran_out_does_not_count_before_that(whole: WriteEnv) -> None:
    """Dates are cut to seconds: what is waited for is the next whole one."""
    write_env = whole
    write_env.clock.advance(0.4)
    write_env.fail(TRANSFER, "reset-before")
    failure = call(write_env.ops, TRANSFER, example(write_env.world, TRANSFER))
    write_env.clock.advance(15.3)
    assert failure.reconcile(wait=False).status == "unknown"
    assert "the call may still be executed for" in failure.reason
    assert failure.reconcile().status == "rejected"


# -- whole ---------------------------------------------------------------------------------------------------


@pytest.fixture
def whole() -> Iterator[WriteEnv]:
    with memory_folder() as folder:
        write_env = WriteEnv(folder)
        yield write_env
        write_env.close()


class Capped(Exchange):
    """An exchange that hands out at most a hundred sub-accounts, whatever size is asked for.

    Attributes:
        pages: "short": its pages are as long as what it hands out. "long": they are as long as what was asked
            for, and rows are left out between them. "gaps": as "short", and the second page is short by half.
    """

    pages = "short"
    most = 100

    def handle(self, request: SandboxRequest) -> SandboxResponse:
        answer = super().handle(request)
        asked = dict(parse_qsl(request.query.decode()))
        if request.path != ENDPOINTS_BY_NAME["exchange.sub_accounts"].path or request.method != "GET":
            return answer
        if answer.status != 200 or "subAccountId" in asked:
            return answer
        size, page = int(asked["size"]), int(asked.get("page", 1))
        step = size if self.pages == "long" else min(size, self.most)
        most = 50 if self.pages == "gaps" and page == 2 else self.most
        rows = list(map(account_row, self.world.accounts))[(page - 1) * step :][: min(step, most)]
        return replace(answer, body=json.dumps(rows).encode())


@pytest.mark.parametrize("pages", ["short", "long", "gaps"])
@pytest.mark.parametrize("kind", ["reset", "reset-before"])
def test_an_account_that_was_created_is_not_called_rejected_by_a_list_that_was_cut(
    whole: WriteEnv, pages: str, kind: str
) -> None:
    write_env = whole
    for number in range(len(write_env.world.accounts), 250):
        write_env.world.add_account("", write_env.env.now - 86_400_000 + number)
    exchange = Capped(write_env.world, write_env.env.exchange_clock)
    exchange.pages = pages
    write_env.env.sandbox.exchange = write_env.exchange = exchange
    write_env.faults = exchange.faults
    write_env.fail(CREATE, kind)
    failure = write_env.ops.exchange.create_sub_account(tag="new", unique_suffix=True)
    write_env.world.add_account("later", write_env.env.now + 1)
    failure.reconcile()
    if kind == "reset":
        assert failure.status in ("confirmed", "unknown")
        assert failure.status == "confirmed" or "the list may be incomplete" in failure.reason
    else:
        assert failure.status == ("unknown" if pages == "gaps" else "rejected")
    write_env.env.sandbox.exchange = Exchange(write_env.world, write_env.env.exchange_clock)
    assert failure.reconcile().status == ("confirmed" if kind == "reset" else "rejected")


FRAMES: dict[str, tuple[dict[str, Any], Observation]] = {
    "whole": (
        {"complete": True, "as_of": "2026-11-28T12:00:00.000+00:00"},
        Observation([], True, 1_795_867_200_000),
    ),
    "incomplete": ({"complete": False, "as_of": None}, Observation([], False, None)),
    "missing": ({"complete": True, "missing": [["a", "b"]]}, Observation([], False, None)),
    "not said": ({}, Observation([], False, None)),
}


@pytest.mark.parametrize("what", FRAMES)
def test_a_frame_is_believed_as_far_as_it_says(what: str) -> None:
    attrs, seen = FRAMES[what]
    frame = pd.DataFrame({"a": []})
    frame.attrs = attrs
    assert Observation.of(frame) == seen


# -- newer than the call -------------------------------------------------------------------------------------


class Slow(Cache):
    """A way on which what tells the time takes seconds, so that a clock is measured badly.

    Args:
        write_env: Behind it.
        there: Seconds of the way there.
        next_done: Seconds of the way back.
    """

    def __init__(self, write_env: WriteEnv, *, there: float = 0.0, next_done: float = 0.0) -> None:
        self.clock, self.there, self.next_done = write_env.clock, there, next_done
        super().__init__(write_env.env.sandbox.address)

    def _answer(self, raw: bytes) -> bytes:
        asks_the_time = b"/time" in raw.partition(b"\r\n")[0]
        self.clock.advance(self.there * asks_the_time)
        answered = super()._answer(raw)
        self.clock.advance(self.next_done * asks_the_time)
        return answered


@pytest.mark.parametrize("wait", [True, False])
def test_a_state_of_before_the_call_does_not_count_where_its_timestamp_was_set_back(wait: bool) -> None:
    """What was asked for was in force, and then was not; the call that was to set it again never arrived."""
    with memory_folder() as folder:
        write_env = WriteEnv(folder)
        cache = Slow(write_env, next_done=5.0)
        behind, endpoint_name = Behind(write_env, cache), "exchange.set_commission"
        given = example(write_env.world, endpoint_name)
        assert call(behind.ops, endpoint_name, given)
        write_env.clock.advance(1)
        behind.keep(endpoint_name)
        behind.link.exchange.sub_accounts(sub_account_id=given["sub_account_id"])
        kept = write_env.env.now
        assert call(behind.ops, endpoint_name, given | {"maker": "0.0009"})
        write_env.clock.advance(1)
        failure = behind.lose(endpoint_name, "reset-before")
        sent_at = int(behind.ops.history()["sent_at"].iloc[-1].timestamp() * 1000)
        assert sent_at // 1000 * 1000 <= kept < write_env.env.now, (
            "the kept answer is newer than what it carried"
        )
        failure.reconcile(wait=wait)
        assert failure.status == "unknown"
        cache.kept.clear()
        cache.keeps.clear()
        assert failure.reconcile().status == "rejected"
        behind.link.close()
        cache.close()
        write_env.close()


def test_a_state_is_read_again_until_the_answer_is_surely_newer_than_the_call() -> None:
    with memory_folder() as folder:
        write_env = WriteEnv(folder)
        cache = Slow(write_env, there=3.0)
        behind, endpoint_name = Behind(write_env, cache), "exchange.set_commission"
        failure = behind.lose(endpoint_name, "reset")
        assert failure.reconcile(wait=False).status == "unknown"
        assert "but the response may be older than the call. Ask again" in failure.reason
        assert failure.reconcile().status == "confirmed"
        assert len(write_env.effects(endpoint_name)) == 1
        behind.link.close()
        cache.close()
        write_env.close()


def test_what_may_still_arrive_is_not_called_late_by_a_clock_that_was_measured_badly() -> None:
    with memory_folder() as folder:
        write_env = WriteEnv(folder)
        cache = Slow(write_env, there=5.0)
        behind, endpoint_name = Behind(write_env, cache), "exchange.set_commission"
        failure = behind.lose(endpoint_name, "reset")
        (entry,) = behind.ops.history().to_dict("records")
        assert failure.reconcile().status == "confirmed"
        write_env.clock.advance(entry["sent_at"].timestamp() + 14.0 - write_env.env.now / 1000)
        other = example(write_env.world, endpoint_name) | {"maker": "0.0009"}
        with pytest.raises(
            PendingWriteError, match="may still arrive at the exchange for 1 s and undo this call"
        ):
            call(behind.ops, endpoint_name, other)
        write_env.clock.advance(4.0)
        assert call(behind.ops, endpoint_name, other)
        behind.link.close()
        cache.close()
        write_env.close()
