"""A writer is killed at a random moment, time and again; the journal is held against what happened."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

import psutil
import requests

import toolkit
from tests.multiprocess.scene import pause, until
from tests.multiprocess.writer import PLENTY, ShiftedClock, calls
from tests.support.paths import ROOT
from tests.support.writes import TRACELESS, call
from toolkit.api.writes.operations import Operations
from toolkit.auth.signing import to_text
from toolkit.endpoints import BASE_URLS, WRITES_BY_NAME
from toolkit.sandbox import Effect, Exchange, Sandbox, World

# A request that was sent before a kill cannot be executed any more so many seconds after it.
OVER = 16.0
# Seconds after its first write began in which a writer is killed; half of them in the first part of it.
_LONGEST, _FIRST = 0.3, 0.06
_LATENCY = 0.01


@dataclass(slots=True)
class RequestStats:
    """What was counted."""

    kills: int = 0
    entries: int = 0
    effects: int = 0
    found: Counter[str] = field(default_factory=Counter)
    unresolved: int = 0
    settled: Counter[str] = field(default_factory=Counter)
    manual: int = 0
    within_a_commit: int = 0
    called_again: int = 0
    mistakes: list[str] = field(default_factory=list)


class Kills:
    """A sandbox in this process, writers in others, one journal for all of them.

    Args:
        folder: Where the journal lies.
        seed: The same seed draws the same calls and moments; real processes see to the rest.
    """

    def __init__(self, folder: Path, seed: int) -> None:
        self.folder = folder
        self.chance = random.Random(seed)
        self.clock = ShiftedClock()
        world = World(now=self.clock.time(), sub_accounts=48, customers=10, rebates_per_day=4)
        world.max_sub_accounts = 10**9
        # What anybody may do is not the question here: everybody may, and has the money.
        for account in world.accounts:
            account.futures = True
        self.accounts = [each.id for each in world.accounts if each.keys]
        self.keys = {each.id: each.keys[0].key for each in world.accounts if each.keys}
        exchange = Exchange(world, self.clock, limit_scale=1e7)
        self.sandbox = Sandbox(exchange=exchange)
        self.stats = RequestStats()
        self._ends = contextlib.ExitStack()

    def __enter__(self) -> Kills:
        self._ends.enter_context(self.sandbox)
        hosts = dict.fromkeys(BASE_URLS, self.sandbox.address)
        self.link = self._ends.enter_context(
            toolkit.Link(
                key=self.sandbox.key, secret=self.sandbox.secret, hosts=hosts, progress=False,
                clock=self.clock, limits=PLENTY,  # type: ignore[arg-type]
            )
        )  # fmt: skip
        self.session = self._ends.enter_context(requests.Session())
        self.session.trust_env = False
        self._writers = subprocess.Popen(
            [sys.executable, "-m", "tests.multiprocess.writer"],
            cwd=ROOT,
            env=dict(os.environ) | {"PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._ends.callback(self._writers.wait)
        for pipe in (self._writers.stdout, self._writers.stdin):
            assert pipe is not None
            self._ends.callback(pipe.close)
        assert self._said() == "ready"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ends.close()

    def run(self, kills: int) -> RequestStats:
        """So many kills more: rounds are numbered on, as names and amounts follow from the number."""
        for number in range(self.stats.kills, self.stats.kills + kills):
            self._kill_one(number)
        self._look_at_everything()
        return self.stats

    # -- one kill ------------------------------------------------------------------------------------------

    def _kill_one(self, number: int) -> None:
        chance = self.chance
        effects_before, entries_before = len(self._effects), self._newest()
        order = {
            "address": self.sandbox.address,
            "key": self.sandbox.key,
            "secret": self.sandbox.secret,
            "journal": str(self.folder),
            "parameters": chance.choice(("body", "query", "mixed")),
            "ahead": self.clock.ahead,
            "round": number,
            "first": chance.randrange(9),
            "accounts": [
                [each, self.keys[each], self.accounts[place - 1]] for place, each in enumerate(self.accounts)
            ],
        }
        self.sandbox._latency = _LATENCY if number % 4 == 1 else 0.0
        if number % 4 == 2:  # done, and never answered
            self.sandbox.exchange.faults.add("timeout", method="POST", rate=0.3)
        pid = self._fork(order)
        pause(chance.uniform(0, _FIRST if chance.random() < 0.5 else _LONGEST))
        os.kill(pid, signal.SIGKILL)
        bury_late = chance.random() < 0.5  # until then it is a zombie: as dead as others
        if not bury_late:
            self._bury()
        until(lambda: _is_dead(pid), "its death")  # what it has begun on the disk may hold it a moment
        self._let_the_exchange_finish()
        self.stats.kills += 1
        self._look(number, effects_before, entries_before)
        self._call_again(number, order, effects_before, entries_before)
        if bury_late:
            self._bury()

    def _fork(self, order: dict[str, Any]) -> int:
        assert self._writers.stdin is not None
        self._writers.stdin.write(json.dumps(order) + "\n")
        self._writers.stdin.flush()
        said = {self._said(), self._said()}  # in either order
        assert "begun" in said, said
        return int((said - {"begun"}).pop())

    def _bury(self) -> None:
        assert self._writers.stdin is not None
        self._writers.stdin.write("\n")
        self._writers.stdin.flush()
        assert self._said() == "buried -9"

    def _said(self) -> str:
        assert self._writers.stdout is not None
        return self._writers.stdout.readline().strip()

    def _let_the_exchange_finish(self) -> None:
        """What had left the writer is executed or not, and what comes later is refused."""
        for _ in range(2):
            self.session.get(f"{self.sandbox.address}/sandbox/id", timeout=5).close()
        self.sandbox.exchange.faults.clear()
        self.sandbox._latency = 0.0
        self.clock.ahead += OVER

    # -- what is held against what -------------------------------------------------------------------------

    def _look(self, number: int, effects_before: int, entries_before: int) -> None:
        file = self._handle
        if file is None:
            self._wrong(number, "there is no journal")
            return
        self.stats.within_a_commit += Path(f"{file}-journal").exists()
        if self._sql("PRAGMA integrity_check") != [("ok",)]:
            self._wrong(number, "the journal is damaged")
        ops = self._operations()
        shown = list(ops.unresolved()["number"])
        rows = self._sql(
            "SELECT number, endpoint, arguments, status FROM entries WHERE number > ?", entries_before
        )
        open_ones = [each for each, _, _, status in rows if status not in ("confirmed", "rejected")]
        if shown != open_ones:
            self._wrong(number, f"unresolved are {shown}, open are {open_ones}")
        if len(open_ones) > 1:
            self._wrong(number, f"a writer that does one thing at a time left {len(open_ones)} open")
        self.stats.unresolved += len(open_ones)
        effects = self._effects[effects_before:]
        owners: Counter[int] = Counter()
        did: Counter[int] = Counter()
        for entry, endpoint_name, arguments, status in rows:
            self.stats.found[status] += 1
            for place, effect in enumerate(effects):
                if _is_of(effect, endpoint_name, json.loads(arguments)):
                    owners[place] += 1
                    did[entry] += 1
        for place, effect in enumerate(effects):
            if owners[place] != 1:
                self._wrong(number, f"{owners[place]} entries for {effect}")
        for entry, endpoint_name, arguments, status in rows:
            where = f"#{entry} {endpoint_name} {arguments}"
            if did[entry] > 1:
                self._wrong(number, f"{where} happened {did[entry]} times")
            told = status
            if entry in shown:
                given = json.loads(arguments)
                whole = self.keys.get(given.get("sub_account_id", ""), "")
                key = {"api_key": whole} if endpoint_name == "exchange.set_ip_restriction" else {}
                outcome = ops.reconcile(entry, **key)
                told = outcome.status
                self.stats.settled[told] += 1
                where += f" ({outcome.reason})"
                if told == "unknown" and did[entry] and endpoint_name in TRACELESS:
                    # What it left could be anybody's, and only who looks at the exchange can tell.
                    told = ops.resolve(entry, executed=True, note="I looked").status
                    self.stats.manual += 1
            if told not in ("confirmed", "rejected"):
                self._wrong(number, f"{where} is {told} still")
            elif (told == "confirmed") != (did[entry] == 1):
                self._wrong(number, f"{where} was {status}, is {told}, and happened {did[entry]} times")
        if len(self._effects) != effects_before + len(effects):
            self._wrong(number, "asking what became of it made something happen")
        self.stats.entries += len(rows)

    def _call_again(
        self, number: int, order: dict[str, Any], effects_before: int, entries_before: int
    ) -> None:
        """The next kernel calls what the last one called by a name: in all it happens once."""
        named = dict(
            self._sql("SELECT idempotency_key, number FROM entries WHERE number > ?", entries_before)
        )
        ops = self._operations()
        seen = 0
        for endpoint_name, given, options in calls(order):
            name = options.get("idempotency_key")
            if name is None:
                continue
            seen += name in named
            if name not in named and seen == len(named) - (None in named):
                break  # the first that the last kernel did not come to
            outcome = call(ops, endpoint_name, given, **options)
            if outcome.number != named.get(name, outcome.number):
                self._wrong(number, f"{name} was #{named[name]}, and came back as #{outcome.number}")
            executed = sum(
                _is_of(each, endpoint_name, outcome.arguments) for each in self._effects[effects_before:]
            )
            if executed != (outcome.status == "confirmed"):
                self._wrong(number, f"{name} is {outcome.status} and happened {executed} times")
            self.stats.called_again += 1

    def _look_at_everything(self) -> None:
        if len(self._operations().unresolved()):
            self._wrong(-1, "something is open in the end")
        self.stats.effects = len(self._effects)

    def _operations(self) -> Operations:
        return self.link.operations(journal=self.folder)

    @property
    def _effects(self) -> list[Effect]:
        return self.sandbox.exchange.effects

    @property
    def _handle(self) -> Path | None:
        return next(self.folder.glob("*.sqlite"), None)

    def _newest(self) -> int:
        return (
            0
            if self._handle is None
            else int(self._sql("SELECT coalesce(max(number), 0) FROM entries")[0][0])
        )

    def _sql(self, statement: str, *values: object) -> list[Any]:
        assert self._handle is not None
        with contextlib.closing(sqlite3.connect(self._handle, isolation_level=None)) as file:
            return file.execute(statement, values).fetchall()

    def _wrong(self, number: int, what: str) -> None:
        self.stats.mistakes.append(f"kill {number}: {what}")


def _is_dead(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True


def _is_of(effect: Effect, endpoint_name: str, arguments: Mapping[str, Any]) -> bool:
    """Whether this is what a call did. No two calls of the writers are alike."""
    if effect.qualified_name != endpoint_name:
        return False
    field = {}
    for param in WRITES_BY_NAME[endpoint_name].params:
        value = arguments.get(param.name)
        if value is not None and not param.private:
            field[param.field] = to_text(param.field, param.choices.get(str(value), value))
    return effect.has(field)
