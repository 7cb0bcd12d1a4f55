"""Kills writers at random moments and compares the journal with what the sandbox executed."""

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

# Seconds after a kill in which a request that was sent before it expires.
EXPIRY_S = 16.0
# A writer is killed within the longer time after its first write, in half of the rounds within the shorter.
_LONGEST, _FIRST = 0.3, 0.06
_LATENCY = 0.01


@dataclass(slots=True)
class KillStats:
    """Counts of all rounds."""

    kills: int = 0
    entries: int = 0
    effects: int = 0
    found: Counter[str] = field(default_factory=Counter)
    unresolved: int = 0
    resolved: Counter[str] = field(default_factory=Counter)
    manual: int = 0
    within_a_commit: int = 0
    called_again: int = 0
    mistakes: list[str] = field(default_factory=list)


class Kills:
    """A sandbox in this process, writers in others, one journal for all of them.

    Args:
        folder: Folder of the journal.
        seed: Determines the calls and the moments of the kills; the timing of real processes varies.
    """

    def __init__(self, folder: Path, seed: int) -> None:
        self.folder = folder
        self.rng = random.Random(seed)
        self.clock = ShiftedClock()
        world = World(now=self.clock.time(), sub_accounts=48, customers=10, rebates_per_day=4)
        world.max_sub_accounts = 10**9
        # Every account may do everything and has the money for it.
        for account in world.accounts:
            account.futures = True
        self.accounts = [each.id for each in world.accounts if each.keys]
        self.keys = {each.id: each.keys[0].key for each in world.accounts if each.keys}
        exchange = Exchange(world, self.clock, limit_scale=1e7)
        self.sandbox = Sandbox(exchange=exchange)
        self.stats = KillStats()
        self._exits = contextlib.ExitStack()

    def __enter__(self) -> Kills:
        self._exits.enter_context(self.sandbox)
        hosts = dict.fromkeys(BASE_URLS, self.sandbox.address)
        self.link = self._exits.enter_context(
            toolkit.Link(
                key=self.sandbox.key, secret=self.sandbox.secret, hosts=hosts, progress=False,
                clock=self.clock, limits=PLENTY,  # type: ignore[arg-type]
            )
        )  # fmt: skip
        self.session = self._exits.enter_context(requests.Session())
        self.session.trust_env = False
        self._writers = subprocess.Popen(
            [sys.executable, "-m", "tests.multiprocess.writer"],
            cwd=ROOT,
            env=dict(os.environ) | {"PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._exits.callback(self._writers.wait)
        for pipe in (self._writers.stdout, self._writers.stdin):
            assert pipe is not None
            self._exits.callback(pipe.close)
        assert self._read_line() == "ready"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._exits.close()

    def run(self, kills: int) -> KillStats:
        """Run more rounds. Names and amounts follow from the number of a round, so numbers continue."""
        for number in range(self.stats.kills, self.stats.kills + kills):
            self._kill_one(number)
        self._check_end()
        return self.stats

    # -- one kill ------------------------------------------------------------------------------------------

    def _kill_one(self, number: int) -> None:
        rng = self.rng
        effects_before, entries_before = len(self._effects), self._newest()
        job = {
            "address": self.sandbox.address,
            "key": self.sandbox.key,
            "secret": self.sandbox.secret,
            "journal": str(self.folder),
            "parameters": rng.choice(("body", "query", "mixed")),
            "ahead": self.clock.ahead,
            "round": number,
            "first": rng.randrange(9),
            "accounts": [
                [each, self.keys[each], self.accounts[index - 1]] for index, each in enumerate(self.accounts)
            ],
        }
        self.sandbox._latency = _LATENCY if number % 4 == 1 else 0.0
        if number % 4 == 2:  # executed without a response
            self.sandbox.exchange.faults.add("timeout", method="POST", rate=0.3)
        pid = self._fork(job)
        pause(rng.uniform(0, _FIRST if rng.random() < 0.5 else _LONGEST))
        os.kill(pid, signal.SIGKILL)
        reap_late = rng.random() < 0.5  # until then it is a zombie, which counts as dead
        if not reap_late:
            self._reap()
        until(lambda: _is_dead(pid), "its death")  # a disk operation may delay it
        self._let_the_exchange_finish()
        self.stats.kills += 1
        self._check(number, effects_before, entries_before)
        self._call_again(number, job, effects_before, entries_before)
        if reap_late:
            self._reap()

    def _fork(self, job: dict[str, Any]) -> int:
        assert self._writers.stdin is not None
        self._writers.stdin.write(json.dumps(job) + "\n")
        self._writers.stdin.flush()
        lines = {self._read_line(), self._read_line()}  # in either order
        assert "begun" in lines, lines
        return int((lines - {"begun"}).pop())

    def _reap(self) -> None:
        assert self._writers.stdin is not None
        self._writers.stdin.write("\n")
        self._writers.stdin.flush()
        assert self._read_line() == "reaped -9"

    def _read_line(self) -> str:
        assert self._writers.stdout is not None
        return self._writers.stdout.readline().strip()

    def _let_the_exchange_finish(self) -> None:
        """Wait until requests of the writer have been executed or have expired."""
        for _ in range(2):
            self.session.get(f"{self.sandbox.address}/sandbox/id", timeout=60).close()
        self.sandbox.exchange.faults.clear()
        self.sandbox._latency = 0.0
        self.clock.ahead += EXPIRY_S

    # -- checks --------------------------------------------------------------------------------------------

    def _check(self, number: int, effects_before: int, entries_before: int) -> None:
        path = self._journal
        if path is None:
            self._mistake(number, "there is no journal")
            return
        self.stats.within_a_commit += Path(f"{path}-journal").exists()
        if self._sql("PRAGMA integrity_check") != [("ok",)]:
            self._mistake(number, "the journal is damaged")
        ops = self._operations()
        shown = list(ops.unresolved()["number"])
        rows = self._sql(
            "SELECT number, endpoint, arguments, status FROM entries WHERE number > ?", entries_before
        )
        open_ones = [each for each, _, _, status in rows if status not in ("confirmed", "rejected")]
        if shown != open_ones:
            self._mistake(number, f"unresolved are {shown}, open are {open_ones}")
        if len(open_ones) > 1:
            self._mistake(number, f"a writer that sends one write at a time left {len(open_ones)} open")
        self.stats.unresolved += len(open_ones)
        effects = self._effects[effects_before:]
        owners: Counter[int] = Counter()
        did: Counter[int] = Counter()
        for entry, endpoint_name, arguments, status in rows:
            self.stats.found[status] += 1
            for index, effect in enumerate(effects):
                if _is_of(effect, endpoint_name, json.loads(arguments)):
                    owners[index] += 1
                    did[entry] += 1
        for index, effect in enumerate(effects):
            if owners[index] != 1:
                self._mistake(number, f"{owners[index]} entries for {effect}")
        for entry, endpoint_name, arguments, status in rows:
            where = f"#{entry} {endpoint_name} {arguments}"
            if did[entry] > 1:
                self._mistake(number, f"{where} happened {did[entry]} times")
            outcome_status = status
            if entry in shown:
                given = json.loads(arguments)
                whole = self.keys.get(given.get("sub_account_id", ""), "")
                key = {"api_key": whole} if endpoint_name == "exchange.set_ip_restriction" else {}
                outcome = ops.reconcile(entry, **key)
                outcome_status = outcome.status
                self.stats.resolved[outcome_status] += 1
                where += f" ({outcome.reason})"
                if outcome_status == "unknown" and did[entry] and endpoint_name in TRACELESS:
                    # Its trace proves nothing, so a person has to look at the exchange.
                    outcome_status = ops.resolve(entry, executed=True, note="I looked").status
                    self.stats.manual += 1
            if outcome_status not in ("confirmed", "rejected"):
                self._mistake(number, f"{where} is still {outcome_status}")
            elif (outcome_status == "confirmed") != (did[entry] == 1):
                happened = f"happened {did[entry]} times"
                self._mistake(number, f"{where} was {status}, is {outcome_status}, and {happened}")
        if len(self._effects) != effects_before + len(effects):
            self._mistake(number, "reconciling executed something")
        self.stats.entries += len(rows)

    def _call_again(self, number: int, job: dict[str, Any], effects_before: int, entries_before: int) -> None:
        """Repeat the calls that have an idempotency key: each must be executed once in all."""
        named = dict(
            self._sql("SELECT idempotency_key, number FROM entries WHERE number > ?", entries_before)
        )
        ops = self._operations()
        seen = 0
        for endpoint_name, given, options in calls(job):
            name = options.get("idempotency_key")
            if name is None:
                continue
            seen += name in named
            if name not in named and seen == len(named) - (None in named):
                break  # the first call that the killed writer did not make
            outcome = call(ops, endpoint_name, given, **options)
            if outcome.number != named.get(name, outcome.number):
                self._mistake(number, f"{name} was #{named[name]}, and came back as #{outcome.number}")
            executed = sum(
                _is_of(each, endpoint_name, outcome.arguments) for each in self._effects[effects_before:]
            )
            if executed != (outcome.status == "confirmed"):
                self._mistake(number, f"{name} is {outcome.status} and happened {executed} times")
            self.stats.called_again += 1

    def _check_end(self) -> None:
        if len(self._operations().unresolved()):
            self._mistake(-1, "an entry is still open at the end")
        self.stats.effects = len(self._effects)

    def _operations(self) -> Operations:
        return self.link.operations(journal=self.folder)

    @property
    def _effects(self) -> list[Effect]:
        return self.sandbox.exchange.effects

    @property
    def _journal(self) -> Path | None:
        return next(self.folder.glob("*.sqlite"), None)

    def _newest(self) -> int:
        return (
            0
            if self._journal is None
            else int(self._sql("SELECT coalesce(max(number), 0) FROM entries")[0][0])
        )

    def _sql(self, statement: str, *values: object) -> list[Any]:
        assert self._journal is not None
        with contextlib.closing(sqlite3.connect(self._journal, isolation_level=None)) as file:
            return file.execute(statement, values).fetchall()

    def _mistake(self, number: int, what: str) -> None:
        self.stats.mistakes.append(f"kill {number}: {what}")


def _is_dead(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True


def _is_of(effect: Effect, endpoint_name: str, arguments: Mapping[str, Any]) -> bool:
    """Whether a call had this effect. No two calls of the writers are alike."""
    if effect.qualified_name != endpoint_name:
        return False
    field = {}
    for param in WRITES_BY_NAME[endpoint_name].params:
        value = arguments.get(param.name)
        if value is not None and not param.private:
            field[param.field] = to_text(param.field, param.choices.get(str(value), value))
    return effect.has(field)
