"""Absence counts only in a complete and fresh list. The tests put a real cache before the exchange."""

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
    """A proxy that stores responses to reads and serves them again, to whoever asks.

    Attributes:
        keeps: Paths whose next response to each page it stores.
        kept: The stored responses.
        transform: Changes a response that it serves.
    """

    def __init__(self, to: str) -> None:
        self.keeps: set[str] = set()
        self.kept: dict[str, bytes] = {}
        self.transform: Callable[[bytes], bytes] = bytes
        super().__init__(to)

    def _answer(self, raw: bytes) -> bytes:
        method, target, _ = raw.partition(b"\r\n")[0].decode("latin-1").split(" ")
        path, _, query = target.partition("?")
        page_key = f"{path} {dict(parse_qsl(query)).get('page')}"
        if method == "GET" and page_key in self.kept:
            return self.transform(self.kept[page_key])
        answered = super()._answer(raw)
        if method == "GET" and path in self.keeps:
            self.kept[page_key] = answered
        return answered


def aged(answer: bytes) -> bytes:
    return answer.replace(b"\r\n", b"\r\nAge: 600\r\n", 1)


def undated(answer: bytes) -> bytes:
    return re.sub(rb"\r\nDate: [^\r]*", b"", answer)


def dated_now(clock: FakeClock) -> Callable[[bytes], bytes]:
    """As by a proxy that dates stored responses anew, and adds an `Age` at least."""

    def dated(answer: bytes) -> bytes:
        date = formatdate(clock.time(), usegmt=True).encode()
        return aged(re.sub(rb"Date: [^\r]*", b"Date: " + date, answer))

    return dated


class Behind:
    """A `WriteEnv` whose Link reads through a cache."""

    def __init__(self, write_env: WriteEnv, cache: Cache) -> None:
        self.write_env, self.cache = write_env, cache
        hosts = dict.fromkeys(BASE_URLS, cache.address)
        self.link = write_env.env.new_link(hosts=hosts)
        self.ops: Operations = self.link.operations(journal=write_env.folder)

    def keep(self, endpoint_name: str) -> None:
        """Store the next response to the read of a write."""
        self.cache.keeps.add(ENDPOINTS_BY_NAME[WRITES_BY_NAME[endpoint_name].reconciliation.read].path)

    def lose(self, endpoint_name: str, kind: str, **more: Any) -> Outcome:
        self.write_env.fail(endpoint_name, kind)
        lost: Outcome = call(self.ops, endpoint_name, example(self.write_env.world, endpoint_name), **more)
        assert lost.status == "unknown"
        return lost


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
def test_a_stale_response_does_not_reject_an_executed_transfer(behind: Behind, how: str) -> None:
    """Sending it again would pay twice."""
    write_env, cache = behind.write_env, behind.cache
    transform = {
        "aged": aged,
        "as it was": bytes,
        "undated": undated,
        "dated now": dated_now(write_env.clock),
    }
    cache.transform = transform[how]
    behind.keep(TRANSFER)
    assert len(read_transfers(behind.link, write_env)) == 0
    lost = behind.lose(TRANSFER, "reset")
    write_env.clock.advance(OVER)
    for outcome in (lost.reconcile(), behind.ops.reconcile(lost.number, wait=False)):
        assert outcome.status == "unknown"
        why = "when the call could still be executed" if how == "as it was" else "came from a cache"
        assert f"{why}" in outcome.reason
        assert "but that proves nothing" in outcome.reason
        assert f"`ops.resolve({lost.number}, executed=...)`" in outcome.reason
    cache.kept.clear()
    cache.keeps.clear()
    assert lost.reconcile().status == "confirmed"
    assert len(write_env.effects(TRANSFER)) == 1


def test_only_a_fresh_response_rejects_a_transfer(behind: Behind) -> None:
    write_env, cache = behind.write_env, behind.cache
    cache.transform = aged
    behind.keep(TRANSFER)
    read_transfers(behind.link, write_env)
    lost = behind.lose(TRANSFER, "reset-before")
    write_env.clock.advance(OVER)
    assert lost.reconcile().status == "unknown"
    cache.kept.clear()
    cache.keeps.clear()
    assert lost.reconcile().status == "rejected"


def test_a_trace_of_the_call_itself_counts_in_a_stale_response(behind: Behind) -> None:
    write_env, cache = behind.write_env, behind.cache
    lost = behind.lose(TRANSFER, "reset")
    behind.keep(TRANSFER)
    assert len(read_transfers(behind.link, write_env)) == 1
    cache.transform = aged
    write_env.clock.advance(600)
    path = ENDPOINTS_BY_NAME["exchange.transfers"].path
    before = write_env.env.sent(path)
    assert lost.reconcile().status == "confirmed"
    assert write_env.env.sent(path) == before, "it came from the cache"


def test_a_state_from_before_the_call_proves_nothing(behind: Behind) -> None:
    """The value was in force, then another, then it was set again; that last call never arrived."""
    write_env, cache, endpoint_name = behind.write_env, behind.cache, "exchange.set_commission"
    given = example(write_env.world, endpoint_name)
    assert call(behind.ops, endpoint_name, given)
    behind.keep(endpoint_name)
    behind.link.exchange.sub_accounts(sub_account_id=given["sub_account_id"])
    write_env.clock.advance(60)
    assert call(behind.ops, endpoint_name, given | {"maker": "0.0009"})
    write_env.clock.advance(60)
    lost = behind.lose(endpoint_name, "reset-before")
    for transform, why in ((bytes, "before the call was sent"), (aged, "came from a cache")):
        cache.transform = transform
        assert lost.reconcile().status == "unknown"
        assert why in lost.reason
    cache.kept.clear()
    cache.keeps.clear()
    assert lost.reconcile().status == "rejected"


@pytest.mark.parametrize("endpoint_name", BEFORE)
@pytest.mark.parametrize("kind", ["reset", "reset-before"])
def test_the_state_before_a_call_is_not_taken_from_a_cache(
    behind: Behind, endpoint_name: str, kind: str
) -> None:
    """Something created or changed after the stored response would count as an effect of the call."""
    write_env, cache = behind.write_env, behind.cache
    cache.transform = aged
    behind.keep(endpoint_name)
    given = example(write_env.world, endpoint_name)
    assert call(behind.ops.preview, endpoint_name, given)
    write_env.fail(endpoint_name, "error", code=-5002, message="No.")
    assert call(behind.ops, endpoint_name, given).status == "rejected"  # stores the response to its read
    assert cache.kept
    lost = behind.lose(endpoint_name, kind)
    cache.kept.clear()
    cache.keeps.clear()
    write_env.clock.advance(OVER)
    lost.reconcile()
    assert lost.status == "unknown"
    assert "the read made before the call was incomplete or out of date" in lost.reason


def test_absence_waits_for_the_whole_second_after_expiry(whole: WriteEnv) -> None:
    """Dates are rounded down to seconds, so the wait lasts until the next whole one."""
    write_env = whole
    write_env.clock.advance(0.4)
    write_env.fail(TRANSFER, "reset-before")
    lost = call(write_env.ops, TRANSFER, example(write_env.world, TRANSFER))
    write_env.clock.advance(15.3)
    assert lost.reconcile(wait=False).status == "unknown"
    assert "the call may still be executed for" in lost.reason
    assert lost.reconcile().status == "rejected"


# -- complete
# ---------------------------------------------------------------------------------------------------


@pytest.fixture
def whole() -> Iterator[WriteEnv]:
    with memory_folder() as folder:
        write_env = WriteEnv(folder)
        yield write_env
        write_env.close()


class Capped(Exchange):
    """An exchange that returns at most a hundred sub-accounts, whatever the page size.

    Attributes:
        pages: "short": pages have the length it returns. "long": pages have the requested size, and rows
            between them are missing. "gaps": as "short", and half of the second page is missing.
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
def test_a_truncated_list_does_not_reject_a_created_account(whole: WriteEnv, pages: str, kind: str) -> None:
    write_env = whole
    for number in range(len(write_env.world.accounts), 250):
        write_env.world.add_account("", write_env.env.now - 86_400_000 + number)
    exchange = Capped(write_env.world, write_env.env.exchange_clock)
    exchange.pages = pages
    write_env.env.sandbox.exchange = write_env.exchange = exchange
    write_env.faults = exchange.faults
    write_env.fail(CREATE, kind)
    lost = write_env.ops.exchange.create_sub_account(tag="new", unique_suffix=True)
    write_env.world.add_account("later", write_env.env.now + 1)
    lost.reconcile()
    if kind == "reset":
        assert lost.status in ("confirmed", "unknown")
        assert lost.status == "confirmed" or "the list may be incomplete" in lost.reason
    else:
        assert lost.status == ("unknown" if pages == "gaps" else "rejected")
    write_env.env.sandbox.exchange = Exchange(write_env.world, write_env.env.exchange_clock)
    assert lost.reconcile().status == ("confirmed" if kind == "reset" else "rejected")


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
def test_an_observation_is_complete_only_if_the_frame_says_so(what: str) -> None:
    attrs, seen = FRAMES[what]
    frame = pd.DataFrame({"a": []})
    frame.attrs = attrs
    assert Observation.of(frame) == seen


# -- newer than the call -------------------------------------------------------------------------------------


class Slow(Cache):
    """A connection on which requests for the time take seconds, so that the measured clock is imprecise.

    Args:
        write_env: The exchange behind it.
        there: Seconds until the request arrives.
        back: Seconds until the response arrives.
    """

    def __init__(self, write_env: WriteEnv, *, there: float = 0.0, back: float = 0.0) -> None:
        self.clock, self.there, self.back = write_env.clock, there, back
        super().__init__(write_env.env.sandbox.address)

    def _answer(self, raw: bytes) -> bytes:
        asks_the_time = b"/time" in raw.partition(b"\r\n")[0]
        self.clock.advance(self.there * asks_the_time)
        answered = super()._answer(raw)
        self.clock.advance(self.back * asks_the_time)
        return answered


@pytest.mark.parametrize("wait", [True, False])
def test_a_state_read_after_the_timestamp_but_before_the_call_proves_nothing(wait: bool) -> None:
    """The value was in force, then another; the call that was to set it again never arrived."""
    with memory_folder() as folder:
        write_env = WriteEnv(folder)
        cache = Slow(write_env, back=5.0)
        behind, endpoint_name = Behind(write_env, cache), "exchange.set_commission"
        given = example(write_env.world, endpoint_name)
        assert call(behind.ops, endpoint_name, given)
        write_env.clock.advance(1)
        behind.keep(endpoint_name)
        behind.link.exchange.sub_accounts(sub_account_id=given["sub_account_id"])
        kept = write_env.env.now
        assert call(behind.ops, endpoint_name, given | {"maker": "0.0009"})
        write_env.clock.advance(1)
        lost = behind.lose(endpoint_name, "reset-before")
        sent_at = int(behind.ops.history()["sent_at"].iloc[-1].timestamp() * 1000)
        assert sent_at // 1000 * 1000 <= kept < write_env.env.now, (
            "the stored response is newer than the timestamp of the call"
        )
        lost.reconcile(wait=wait)
        assert lost.status == "unknown"
        cache.kept.clear()
        cache.keeps.clear()
        assert lost.reconcile().status == "rejected"
        behind.link.close()
        cache.close()
        write_env.close()


def test_a_state_is_read_again_until_the_response_is_newer_than_the_call() -> None:
    with memory_folder() as folder:
        write_env = WriteEnv(folder)
        cache = Slow(write_env, there=3.0)
        behind, endpoint_name = Behind(write_env, cache), "exchange.set_commission"
        lost = behind.lose(endpoint_name, "reset")
        assert lost.reconcile(wait=False).status == "unknown"
        assert "but the response may be older than the call. Ask again" in lost.reason
        assert lost.reconcile().status == "confirmed"
        assert len(write_env.effects(endpoint_name)) == 1
        behind.link.close()
        cache.close()
        write_env.close()


def test_an_imprecise_clock_does_not_expire_a_request_too_early() -> None:
    with memory_folder() as folder:
        write_env = WriteEnv(folder)
        cache = Slow(write_env, there=5.0)
        behind, endpoint_name = Behind(write_env, cache), "exchange.set_commission"
        lost = behind.lose(endpoint_name, "reset")
        (entry,) = behind.ops.history().to_dict("records")
        assert lost.reconcile().status == "confirmed"
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
