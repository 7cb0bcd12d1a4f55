"""Random writes with random accidents, checked against the effects that the sandbox counts.

Everything follows from the seed. Time passes only when the clock is advanced; requests use a real socket.
After each call, and at the end, the journal is compared with the effects. Mistakes are collected, each with
the step at which it was found.
"""

from __future__ import annotations

import contextlib
import math
import random
import sqlite3
import warnings
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import requests

from tests.support.clocks import FakeClock
from tests.support.random_accidents import INVISIBLE, FaultyProxy, lookalike, with_a_hidden_character
from tests.support.sandbox_env import SandboxEnv
from tests.support.writes import NOW, another_process, call
from toolkit.api.writes.operations import Operations
from toolkit.endpoints import ENDPOINTS_BY_NAME, WRITES_BY_NAME, Write
from toolkit.errors import JournalError, NotExecutedError, ToolkitError, UndeclaredFieldWarning, UsageError
from toolkit.gateway.calls import Placement
from toolkit.sandbox import Effect, World
from toolkit.sandbox.world.people import SubAccount
from toolkit.writes import Outcome

# Seconds to wait for a response that never comes, which is real time; and for one that does, even on a busy
# machine.
_HANGS_S, _ANSWERS_S = 0.1, 30.0
_PLENTY = {"sapi-ip": 10**9, "sapi-uid": 10**9}
_WRONG_ID = "367537027503999999"

# Accidents: (relative frequency, kind of fault, its options).
_ACCIDENTS: tuple[tuple[int, str, dict[str, Any]], ...] = (
    (6, "server-error", {"message": "Unknown error, please check your request or try again later."}),
    (6, "server-error", {"message": "Unknown error, please check your request or try again later.",
                         "after_effect": True}),
    (3, "server-error", {"message": "Service Unavailable."}),
    (3, "server-error", {"status": 502, "code": -1000, "after_effect": True}),
    (3, "server-error", {"status": 500, "code": -1007, "message": "Timeout waiting for response from backend "
                         "server. Send status unknown; execution status unknown.", "after_effect": True}),
    (2, "server-error", {"status": 500, "code": -1007, "message": "Timeout waiting for response from backend "
                         "server. Send status unknown; execution status unknown."}),
    (2, "timeout", {}),
    (1, "timeout", {"after_effect": False}),
    (5, "reset-before", {}),
    (6, "reset", {}),
    (6, "cut", {}),
    (3, "html", {}),
    (3, "html", {"after_effect": True}),
    (2, "html", {"status": 200, "after_effect": True}),
    (2, "redirect", {"to": "https://elsewhere.invalid/"}),
    (2, "redirect", {"to": "https://elsewhere.invalid/", "after_effect": True}),
    (3, "wrapped-error", {}),
    (3, "wrapped-error", {"after_effect": True}),
    (2, "wrapped-error", {"code": -1007, "after_effect": True}),
    (3, "rate-limit", {}),
    (1, "ban", {}),
    (2, "firewall", {}),
    (4, "missing-field", {}),
    (2, "unknown-field", {}),
    (1, "clock-skew", {"seconds": 30}),
)  # fmt: skip


@dataclass(slots=True)
class Known:
    """What is known about one entry, from the effects that the exchange counted.

    Attributes:
        qualified_name: The endpoint that was called.
        given: The arguments.
        status: The last status that the toolkit reported.
        effect: Its effect, None where there is none.
        changed: Whether the call changed the world.
        time: When it was made, in seconds since 1970.
    """

    qualified_name: str
    given: dict[str, Any]
    status: str
    effect: Effect | None
    changed: bool
    time: float

    @property
    def write(self) -> Write:
        return WRITES_BY_NAME[self.qualified_name]


@dataclass(slots=True)
class Count:
    """Counts of one run."""

    writes: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    accidents: Counter[str] = field(default_factory=Counter)
    resolved: Counter[str] = field(default_factory=Counter)
    effects: int = 0
    entries: int = 0
    lost: int = 0
    restarts: int = 0
    by_others: int = 0
    restored: int = 0
    lookalikes: int = 0
    stale: int = 0
    cut: int = 0
    open: Counter[str] = field(default_factory=Counter)
    mistakes: list[str] = field(default_factory=list)


class RandomWrites:
    """A random sequence of writes and accidents.

    Args:
        seed: The same seed gives the same calls and accidents.
        folder: Folder of the journal.
    """

    def __init__(self, seed: int, folder: Path) -> None:
        self.chance = random.Random(seed)
        self.folder = folder
        world = World(seed=seed, now=NOW, sub_accounts=24, customers=30, rebates_per_day=4)
        settings = {"limits": _PLENTY, "timeout": (30.0, _ANSWERS_S), "progress": False}
        self.env = SandboxEnv(link=settings, exchange={"limit_scale": 1e7}, world=world)
        self.world = world
        self.exchange = self.env.exchange
        self.clock: FakeClock = self.env.clock
        owner = world.keys["customer"]
        self.links = {
            "partner": self.env.link,
            "customer": self.env.new_link(owner.key, owner.secret, **settings),
        }
        self.proxy = FaultyProxy(self.exchange, seed)
        # Somebody else with the same API keys and another journal.
        self.other_links = {
            "partner": self.env.new_link(**settings),
            "customer": self.env.new_link(owner.key, owner.secret, **settings),
        }
        self.foreign: list[Effect] = []
        self.backup = b""
        self.known: dict[int, Known] = {}
        self.open: set[int] = set()
        self.names: dict[str, int] = {}
        self.count = Count()
        self.tags = 0
        self.ids = 0
        self._touched: set[str] = set()
        self.restart()

    def close(self) -> None:
        for link in (*self.links.values(), *self.other_links.values()):
            link.close()
        self.env.close()

    # -- steps --------------------------------------------------------------------------------------

    def run(self, writes: int) -> Count:
        """Make so many writes, reconcile those that are unknown, and check everything."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UndeclaredFieldWarning)  # one of the accidents
            while self.count.writes < writes:
                self._step()
        self.proxy.stale, self.proxy.cut = 0.0, None
        self.exchange.faults.clear()
        self.resolve_all()
        self.look_at_everything()
        self.count.stale, self.count.cut = self.proxy.counted["stale"], self.proxy.counted["cut"]
        self.count.effects = len(self.exchange.effects)
        self.count.entries = len(self.known)
        return self.count

    def restart(self) -> None:
        """Restart the kernel, with the same journal."""
        placement: Placement = self.chance.choice(("body", "query", "mixed"))
        self.ops: dict[str, Operations] = {
            name: link.operations(journal=self.folder, parameters=placement)
            for name, link in self.links.items()
        }
        self.count.restarts += 1

    def _step(self) -> None:
        chance = self.chance
        self.clock.advance(chance.choice((0.0, 0.3, 1.1, 1.1, 5.0, 20.0)))
        if chance.random() < 0.004:
            self.clock.advance(86_400.0)  # daily limits start again
        if chance.random() < 0.02:
            self.restart()
        if self.open and chance.random() < 0.25:
            self.resolve(chance.choice(sorted(self.open)))
        if chance.random() < 0.05:
            self.look_at_unresolved()
        if chance.random() < 0.05:
            self.backup = self.ops["partner"].journal.read_bytes()
        if self.backup and chance.random() < 0.04:
            self._restore()
        if chance.random() < 0.05:
            self.proxy.cut = chance.choice((None, 5, 10))
            self.proxy.long_pages = chance.random() < 0.5
        self._write()

    def _write(self) -> None:
        chance = self.chance
        qualified_name = chance.choices(list(_DRAWS), [weight for weight, _ in _DRAWS.values()])[0]
        given = _DRAWS[qualified_name][1](self)
        if self._unseen() & {given.get("sub_account_id"), given.get("api_key")}:
            return
        write = WRITES_BY_NAME[qualified_name]
        options: dict[str, Any] = {}
        name = ""
        if chance.random() < 0.15:
            name = options["idempotency_key"] = f"name - {chance.randrange(400)}"
            if chance.random() < 0.5:
                options["idempotency_key"] = lookalike(chance, name)
                self.count.lookalikes += 1
            if chance.random() < 0.1:
                options["idempotency_key"] = with_a_hidden_character(chance, name)
        if write.suffixed_argument and chance.random() < 0.5:
            options["unique_suffix"] = True
        if chance.random() < 0.1 and self.known:  # exactly as before
            earlier = chance.choice(list(self.known.values()))
            qualified_name, given, write = earlier.qualified_name, earlier.given, earlier.write
            options.pop("unique_suffix", None)
        if chance.random() < 0.05 and self.names:  # exactly the same with a key that looks the same
            name = chance.choice(list(self.names))
            earlier = self.known[self.names[name]]
            qualified_name, given, write = earlier.qualified_name, earlier.given, earlier.write
            options = {"idempotency_key": lookalike(chance, name)}
            self.count.lookalikes += 1
        accident = ""
        if chance.random() < 0.4:
            accident = self._arrange(write)
        self._wait_for_answers("timeout" not in accident)
        before, world, began = self._effects_now(), self._state(write), self.clock.time()
        self.count.writes += 1
        outcome: Outcome | None = None
        try:
            outcome = call(self._ops_of(qualified_name), qualified_name, given, **options)
        except UsageError as error:
            self.count.refused[type(error).__name__] += 1
        except ToolkitError as error:  # the read before the write failed
            self.count.refused[type(error).__name__] += 1
        self.exchange.faults.clear()
        self._wait_for_answers(True)
        if accident or outcome is None or outcome.status == "unknown":
            self._wait_for_exchange(accident)
        done = self.exchange.effects[before:]
        number = self._newest()
        where = (
            f"step {self.count.writes}: {qualified_name} {given} {options} after {accident or 'no accident'}"
        )
        if len(done) > 1:
            self._wrong(f"{where}: it was executed {len(done)} times")
        if outcome is None:
            if done:
                self._wrong(f"{where}: it was refused, but executed")
            if number > self._highest:
                self._wrong(f"{where}: it was refused, but recorded as #{number}")
            return
        if outcome.number in self.known:
            if done:
                self._wrong(f"{where}: it repeats #{outcome.number}, but was executed again")
            if self.known[outcome.number].qualified_name != qualified_name or name not in self.names:
                self._wrong(f"{where}: it was taken for #{outcome.number}")
            return
        if outcome.number != number:
            self._wrong(f"{where}: its entry is #{number}, its outcome #{outcome.number}")
        self._highest = number
        effect = done[0] if done else None
        self.known[number] = Known(qualified_name, given, "", effect, world != self._state(write), began)
        self._note(number, outcome.status)
        if name:
            if name in self.names:
                self._wrong(f"{where}: its idempotency key was used for #{self.names[name]} before")
            if set(options["idempotency_key"]) & set(INVISIBLE):
                self._wrong(f"{where}: its idempotency key has an invisible character")
            self.names[name] = number
        self.count.outcomes[outcome.status] += 1
        if outcome.status == "confirmed" and effect is None:
            self._wrong(f"{where}: confirmed, but not executed")
        if outcome.status == "rejected" and effect is not None:
            self._wrong(f"{where}: rejected ({outcome.reason}), but executed")
        if effect is not None and not self._belongs(effect, self.known[number], outcome):
            self._wrong(f"{where}: another thing happened: {effect}")
        if effect is not None and outcome.status == "unknown":
            self.count.lost += 1
        if outcome.status == "confirmed" and write.repeatable:
            self._note_repeated(number)
        if outcome.status == "rejected" and name and chance.random() < 0.5:
            self._ops_of(qualified_name).release_idempotency_key(options["idempotency_key"])
            del self.names[name]
        if chance.random() < (0.2 if outcome.status == "unknown" else 0.02):
            self._repeat_as_somebody_else(self.known[number])
        if outcome.status == "unknown" and chance.random() < 0.3:
            self.resolve(number, outcome)

    _highest = 0

    def _note_repeated(self, number: int) -> None:
        """Note the open calls that a confirmed repetition must have resolved."""
        for other in sorted(self.open):
            if _is_same(self.known[other], self.known[number]):
                outcome = self.ops["partner"].outcome(other)
                if outcome.status != "confirmed":
                    self._wrong(f"#{other} is {outcome.status}, but its repetition #{number} was confirmed")
                self._note(other, outcome.status)
                self._check_outcome(other, outcome)

    # -- others --------------------------------------------------------------------------------------------

    def _repeat_as_somebody_else(self, each: Known) -> None:
        """Somebody else makes the same call at the same time."""
        link = self.other_links[
            "customer" if each.qualified_name.endswith("set_own_customer_id") else "partner"
        ]
        ops = link.operations(journal=self.folder / "others")
        before = self._effects_now()
        with contextlib.suppress(ToolkitError):
            call(ops, each.qualified_name, each.given)
        theirs = self.exchange.effects[before:]
        self.foreign += theirs
        self.count.by_others += len(theirs)
        if theirs:  # a call without effect for one may have one for the other
            self._touched.add(_subject(each))

    def _restore(self) -> None:
        """Put an older copy of the journal in place for a moment, and use it in another kernel."""
        path = self.ops["partner"].journal
        newer = path.read_bytes()
        if newer == self.backup:
            return
        self.count.restored += 1
        path.write_bytes(self.backup)
        to = self.world.accounts[0].id
        with another_process():
            before = self._effects_now()
            other = self.other_links["partner"].operations(journal=self.folder)
            with contextlib.suppress(ToolkitError):
                other.exchange.transfer("USDT", "0.01", to_id=to)
            self.foreign += self.exchange.effects[before:]
        before = self._effects_now()
        ops = self.ops["partner"]
        steps: list[Callable[[], object]] = [lambda: ops.exchange.transfer("USDT", "0.02", to_id=to)]
        steps += [partial(ops.reconcile, number) for number in sorted(self.open)[:3]]
        for name, number in [*self.names.items()][-3:]:
            each = self.known[number]
            steps.append(
                partial(
                    call,
                    self._ops_of(each.qualified_name),
                    each.qualified_name,
                    each.given,
                    idempotency_key=name,
                )
            )
        for step in steps:
            try:
                step()
            except JournalError:
                continue
            except NotExecutedError:  # the read before the write failed
                continue
            self._wrong(f"step {self.count.writes}: a restored journal was used")
        if self._effects_now() != before:
            self._wrong(f"step {self.count.writes}: a write was executed with a restored journal")
        path.write_bytes(newer)

    def _unseen(self) -> set[str | None]:
        """Ids created by calls whose response was lost: nobody knows them, so nobody deletes them."""
        lost = [effect for number in self.open if (effect := self.known[number].effect) is not None]
        made = {each.result_id for each in lost if each.qualified_name == "exchange.create_sub_account"}
        masked = {each.result_id for each in lost if each.qualified_name == "exchange.create_api_key"}
        keys = (key for account in self.world.accounts for key in account.keys)
        return made | {key.key for key in keys if key.masked in masked}

    def _arrange(self, write: Write) -> str:
        """Arrange one or two accidents for this write, sometimes also for the read before it."""
        kinds = self.chance.choices(_ACCIDENTS, [weight for weight, _, _ in _ACCIDENTS])
        if self.chance.random() < 0.05:
            kinds += self.chance.choices(_ACCIDENTS, [weight for weight, _, _ in _ACCIDENTS])
        for _, kind, options in kinds:
            self.exchange.faults.add(kind, path=write.path, method=write.method, **options)
            self.count.accidents[kind] += 1
        if self.chance.random() < 0.05:
            times = self.chance.randint(1, 6)
            self.exchange.faults.add("server-error", method="GET", path="/sapi/v1/broker", times=times)
        return ", ".join(kind for _, kind, _ in kinds)

    def _wait_for_answers(self, come: bool) -> None:
        """Set how long the next requests wait for responses, by whether these come."""
        for link in self.links.values():
            link._connection.session._timeout = (30.0, _ANSWERS_S if come else _HANGS_S)

    def _wait_for_exchange(self, accident: str) -> None:
        """Wait until the exchange has sent every response, and a ban is over."""
        if "ban" in accident:
            self.clock.advance(200.0)
        for _ in range(2):  # the first may overtake a response
            requests.get(f"{self.env.sandbox.address}/sandbox/id", timeout=60).close()

    # -- reconciling
    # ------------------------------------------------------------------------------------------

    def resolve(self, number: int, outcome: Outcome | None = None) -> None:
        """Reconcile a write by its outcome or number, which must have no effect."""
        each = self.known[number]
        before = self._effects_now()
        wait = self.chance.random() < 0.8
        self.proxy.stale = self.chance.choice((0.0, 0.0, 0.5, 0.9))
        try:
            if outcome is not None:
                outcome.reconcile(wait=wait)
            else:
                known_key = "api_key" in each.given and self.chance.random() < 0.7
                key = {"api_key": each.given["api_key"]} if known_key else {}
                outcome = self._ops_of(each.qualified_name).reconcile(number, wait=wait, **key)
        except ToolkitError as error:
            self.count.refused[f"reconcile: {type(error).__name__}"] += 1
            if self.ops["partner"].outcome(number).status != "unknown":
                self._wrong(f"#{number} {each.qualified_name}: reconciling raised {error!r}, but resolved it")
            return
        finally:
            self.proxy.stale = 0.1
        if self._effects_now() != before:
            self._wrong(f"#{number} {each.qualified_name}: reconciling had an effect")
        self._note(number, outcome.status)
        self.count.resolved[outcome.status] += 1
        self._check_outcome(number, outcome)

    def _check_outcome(self, number: int, outcome: Outcome) -> None:
        """Compare a reconciled outcome with the effects."""
        each = self.known[number]
        what = (
            f"#{number} {each.qualified_name} {each.given}: reconciled as {outcome.status} ({outcome.reason})"
        )
        holds = outcome.proof == "state" and _holds(self.world, each)
        if outcome.status == "confirmed" and each.effect is None and not holds:
            self._wrong(f"{what}, but not executed")
        without_effect = outcome.proof == "state" and (not each.changed or _subject(each) in self._touched)
        undone = outcome.proof == "state" and each.write.reconciliation.kind == "in_force"
        undone = undone and not _holds(self.world, each)
        if outcome.status == "rejected" and each.effect is not None and not (without_effect or undone):
            self._wrong(f"{what}, but executed at {each.effect.time_ms}")

    def resolve_all(self) -> None:
        """Reconcile every unknown write in a restarted kernel."""
        self.restart()
        for number, each in self.known.items():
            if each.status != "unknown":
                continue
            key = {"api_key": each.given["api_key"]} if "api_key" in each.given else {}
            outcome = self._ops_of(each.qualified_name).reconcile(number, **key)
            self._note(number, outcome.status)
            self._check_outcome(number, outcome)
            if outcome.status == "unknown":
                self.count.open[each.qualified_name] += 1
                if not self._may_stay_open(each) and self._is_there(each):
                    self._wrong(
                        f"#{number} {each.qualified_name} {each.given}: open in the end ({outcome.reason})"
                    )

    def _may_stay_open(self, each: Known) -> bool:
        """Whether no read proves the outcome: anyone may have left the trace, or it is gone by now."""
        how = each.write.reconciliation
        by_anybody = how.kind in ("manual", "new_account", "new_key", "changed", "gone")
        window = ENDPOINTS_BY_NAME[how.read].window if how.read else None
        kept = window.retention.total_seconds() if window and window.retention else math.inf
        # What is read begins a minute before the call, and must be kept as a whole.
        is_gone = self.clock.time() - each.time > kept - 60
        return by_anybody or "client_tran_id" in each.given or is_gone

    # -- checks -------------------------------------------------------------------------

    def look_at_unresolved(self) -> None:
        """Check that exactly the unknown writes are reported as unresolved."""
        shown = set(self.ops["partner"].unresolved()["number"])
        wanted = self.open
        if shown != wanted:
            missing, strange = wanted - shown, shown - wanted
            self._wrong(f"step {self.count.writes}: unresolved: missing {missing}, too many {strange}")

    def look_at_everything(self) -> None:
        """Compare the whole journal with all effects."""
        self.look_at_unresolved()
        history = self.ops["customer"].history()
        if list(history["number"]) != list(self.known):
            self._wrong("the journal does not have the entries that were made")
        for number, status in zip(history["number"], history["status"], strict=True):
            if self.known[number].status != status:
                self._wrong(
                    f"#{number} is {status} in the journal, but was reported as {self.known[number].status}"
                )
        theirs = [id(each.effect) for each in self.known.values() if each.effect is not None]
        theirs += map(id, self.foreign)
        if sorted(theirs) != sorted(id(effect) for effect in self.exchange.effects):
            self._wrong("an effect is without an entry, or has several")

    def _belongs(self, effect: Effect, each: Known, outcome: Outcome) -> bool:
        """Whether an effect is the requested one."""
        field = {}
        for param in each.write.params:
            value = outcome.arguments.get(param.name)
            if value is not None and not param.private and param.kind in ("id", "text"):
                field[param.field] = str(value)
        return effect.qualified_name == each.qualified_name and effect.has(field)

    def _state(self, write: Write) -> str:
        """The state that a repeatable write may change, as text."""
        return repr((self.world.accounts, self.world.customers)) if write.repeatable else ""

    def _effects_now(self) -> int:
        return len(self.exchange.effects)

    def _note(self, number: int, status: str) -> None:
        self.known[number].status = status
        if status == "unknown":
            self.open.add(number)
        else:
            self.open.discard(number)

    def _is_there(self, each: Known) -> bool:
        """Whether the subject of a write still exists."""
        sides = [each.given[name] for name in ("from_id", "to_id") if name in each.given]
        if "sub_account_id" not in each.given:
            return all(map(self.world.account, sides))
        account = self.world.account(each.given["sub_account_id"])
        if account is None or each.given.get("symbol") == "NOSUCH":
            return False
        return "api_key" not in each.given or account.key(each.given["api_key"]) is not None

    def _newest(self) -> int:
        with contextlib.closing(sqlite3.connect(self.ops["partner"].journal)) as file:
            return int(file.execute("SELECT coalesce(max(number), 0) FROM entries").fetchone()[0])

    def _ops_of(self, qualified_name: str) -> Operations:
        return self.ops["customer" if qualified_name.endswith("set_own_customer_id") else "partner"]

    def _wrong(self, what: str) -> None:
        self.count.mistakes.append(what)

    # -- random arguments ----------------------------------------------------------------------------------

    def account(self) -> SubAccount | None:
        """A sub-account, often one that other calls use as well; None for one that does not exist."""
        if self.chance.random() < 0.06:
            return None
        some = self.world.accounts[: 8 if self.chance.random() < 0.6 else None]
        return self.chance.choice(some) if some else None

    def account_id(self) -> str:
        account = self.account()
        return account.id if account else _WRONG_ID

    def key(self) -> dict[str, Any]:
        """A sub-account and one of its keys; sometimes a key that does not exist."""
        account = self.account()
        keys = account.keys if account else []
        wrong = self.chance.random() < 0.05 or not keys
        key = "nokey" * 12 if wrong else self.chance.choice(keys).key
        return {"sub_account_id": account.id if account else _WRONG_ID, "api_key": key}

    def flag(self) -> bool:
        return self.chance.random() < 0.5

    def amount(self) -> str:
        if self.chance.random() < 0.1:
            return "999999999"
        return f"{self.chance.randint(1, 30) / 100:.2f}"

    def asset(self) -> str:
        return self.chance.choices(("USDT", "BTC", "NOSUCH"), (8, 2, 1))[0]

    def sides(self) -> dict[str, Any]:
        chance = self.chance.random()
        if chance < 0.5:
            return {"to_id": self.account_id()}
        if chance < 0.8:
            return {"from_id": self.account_id()}
        return {"from_id": self.account_id(), "to_id": self.account_id()}

    def client_id(self) -> dict[str, Any]:
        chance = self.chance.random()
        if chance < 0.7:
            return {}
        if chance < 0.85 or not self.ids:
            self.ids += 1
            return {"client_tran_id": f"mine-{self.ids}"}
        return {"client_tran_id": f"mine-{self.chance.randint(max(1, self.ids - 5), self.ids)}"}

    def addresses(self) -> list[str]:
        return [f"192.0.2.{self.chance.randint(1, 6)}" for _ in range(self.chance.randint(1, 3))]

    def customer(self) -> dict[str, Any]:
        # A customer with a key sets their own id; two who change it at once cannot know of each other.
        own = self.world.customer
        email = self.chance.choice([each.email for each in self.world.customers if each is not own])
        if self.chance.random() < 0.1:
            email = "nobody@post.example"
        return {"customer_id": f"id-{self.chance.randint(1, 60)}", "email": email}

    def tag(self) -> dict[str, Any]:
        chance = self.chance.random()
        if chance < 0.2:
            return {}
        if chance < 0.4:
            return {"tag": f"again-{self.chance.randint(1, 3)}"}
        self.tags += 1
        return {"tag": f"tag-{self.tags}"}

    def deletion(self) -> dict[str, Any]:
        idle = [each.id for each in self.world.accounts if not each.keys and each.balances.empty]
        account = self.chance.choice(idle) if idle and self.chance.random() < 0.8 else self.account_id()
        confirm = account if self.chance.random() < 0.95 else ""
        return {"sub_account_id": account, "confirm": confirm}

    def key_deletion(self) -> dict[str, Any]:
        given = self.key()
        return given | {"confirm": given["api_key"]}


def _own_id(day: RandomWrites, code: str) -> dict[str, Any]:
    return {"customer_id": f"own-{day.chance.randint(1, 60)}", code: day.world.agent_code}


def _restriction(day: RandomWrites) -> dict[str, Any]:
    if day.flag():
        return day.key() | {"restriction": "on", "addresses": day.addresses()}
    return day.key() | {"restriction": "off"}


_Draw = Callable[[RandomWrites], dict[str, Any]]

_DRAWS: dict[str, tuple[float, _Draw]] = {
    "exchange.create_sub_account": (3, lambda day: day.tag()),
    "exchange.delete_sub_account": (2, lambda day: day.deletion()),
    "exchange.enable_futures": (3, lambda day: {"sub_account_id": day.account_id()}),
    "exchange.create_api_key": (
        4, lambda day: {"sub_account_id": day.account_id(), "can_trade": day.flag()},
    ),
    "exchange.delete_api_key": (4, lambda day: day.key_deletion()),
    "exchange.set_permissions": (
        5, lambda day: day.key()
        | {"can_trade": day.flag(), "margin_trade": day.chance.random() < 0.2, "futures_trade": day.flag()},
    ),
    "exchange.set_universal_transfer": (4, lambda day: day.key() | {"allowed": day.flag()}),
    "exchange.set_ip_restriction": (5, _restriction),
    "exchange.remove_addresses": (4, lambda day: day.key() | {"addresses": day.addresses()}),
    "exchange.set_spot_bnb_burn": (
        3, lambda day: {"sub_account_id": day.account_id(), "enabled": day.flag()},
    ),
    "exchange.set_interest_bnb_burn": (
        3, lambda day: {"sub_account_id": day.account_id(), "enabled": day.flag()},
    ),
    "exchange.transfer": (
        8, lambda day: {"asset": day.asset(), "amount": day.amount()} | day.sides() | day.client_id(),
    ),
    "exchange.transfer_futures": (
        6, lambda day: {"asset": day.asset(), "amount": day.amount(), "market": "um" if day.flag() else "cm"}
        | day.sides() | day.client_id(),
    ),
    "exchange.universal_transfer": (
        8, lambda day: {
            "asset": day.asset(), "amount": day.amount(), "from_wallet": day.chance.choice(("spot", "um")),
            "to_wallet": day.chance.choice(("spot", "um", "cm")),
        } | day.sides() | day.client_id(),
    ),
    "exchange.transfer_within": (
        5, lambda day: {
            "sub_account_id": day.account_id(), "asset": day.asset(), "amount": day.amount(),
            "route": day.chance.choice(("spot_to_um", "um_to_spot")),
        },
    ),
    "exchange.set_commission": (
        4, lambda day: {
            "sub_account_id": day.account_id(), "maker": f"0.00{day.chance.randint(1, 22):02d}",
            "taker": f"0.00{day.chance.randint(4, 20):02d}",
        },
    ),
    "exchange.set_um_commission": (
        4, lambda day: {
            "sub_account_id": day.account_id(), "symbol": day.chance.choice(("BTCUSDT", "ETHUSDT", "NOSUCH")),
            "maker_adjustment": day.chance.choice((0, 20, 40, 300)), "taker_adjustment": 40,
        },
    ),
    "exchange.set_cm_commission": (
        3, lambda day: {
            "sub_account_id": day.account_id(), "pair": "BTCUSD",
            "maker_adjustment": day.chance.choice((0, 20, 40, 300)), "taker_adjustment": 40,
        },
    ),
    "spot.set_customer_id": (3, lambda day: day.customer()),
    "spot.set_own_customer_id": (
        1, lambda day: _own_id(day, "agent_code"),
    ),
    "futures.set_customer_id": (3, lambda day: day.customer()),
    "futures.set_own_customer_id": (
        1, lambda day: _own_id(day, "broker_id"),
    ),
    "portfolio.set_own_customer_id": (
        1, lambda day: _own_id(day, "broker_id"),
    ),
}  # fmt: skip


def _is_same(one: Known, another: Known) -> bool:
    """Whether two calls are the same. Addresses are a set: their order and repetitions mean nothing."""
    given, other = (
        each.given | ({"addresses": set(each.given["addresses"])} if "addresses" in each.given else {})
        for each in (one, another)
    )
    return one.qualified_name == another.qualified_name and given == other


def _subject(each: Known) -> str:
    """The subject of a call."""
    return repr([each.given.get(name) for name in each.write.subject])


def _holds(world: World, each: Known) -> bool:
    """Whether the state that a write was to set is in effect."""
    given, name = each.given, each.qualified_name.partition(".")[2]
    if name == "delete_sub_account":
        return world.account(given["sub_account_id"]) is None
    if name == "delete_api_key":
        account = world.account(given["sub_account_id"])
        return account is None or account.key(given["api_key"]) is None
    if name in ("set_customer_id", "set_own_customer_id"):
        mail = given.get("email", world.customer.email)
        return any(
            (customer.id, customer.email) == (given["customer_id"], mail) for customer in world.customers
        )
    account = world.account(given["sub_account_id"])
    if account is None:
        return False
    key = account.key(given.get("api_key", ""))
    return _STATES[name](account, key, given)


_State = Callable[[SubAccount, Any, dict[str, Any]], bool]

_STATES: dict[str, _State] = {
    "enable_futures": lambda account, key, given: account.futures,
    "set_permissions": lambda account, key, given: (
        key is not None
        and (key.can_trade, key.margin_trade, key.futures_trade)
        == (given["can_trade"], given["margin_trade"], given["futures_trade"])
    ),
    "set_universal_transfer": lambda account, key, given: (
        key is not None and key.universal_transfer == given["allowed"]
    ),
    "set_ip_restriction": lambda account, key, given: (
        key is not None
        and bool(key.ip_list) == (given["restriction"] == "on")
        and set(given.get("addresses", ())) <= set(key.ip_list)
    ),
    "remove_addresses": lambda account, key, given: (
        key is not None and not set(given["addresses"]) & set(key.ip_list)
    ),
    "set_spot_bnb_burn": lambda account, key, given: account.spot_burn == given["enabled"],
    "set_interest_bnb_burn": lambda account, key, given: account.interest_burn == given["enabled"],
    "set_commission": lambda account, key, given: (
        (account.maker, account.taker) == (float(given["maker"]), float(given["taker"]))
    ),
    "set_um_commission": lambda account, key, given: (
        account.um_adjustment.get(given["symbol"]) == (given["maker_adjustment"], given["taker_adjustment"])
    ),
    "set_cm_commission": lambda account, key, given: (
        account.cm_adjustment.get(given["pair"]) == (given["maker_adjustment"], given["taker_adjustment"])
    ),
}
