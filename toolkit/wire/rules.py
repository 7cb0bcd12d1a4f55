"""Which limits are in force: the user's own, as the exchange told them, or as they are documented."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

from toolkit.catalogue import POOLS, Pool
from toolkit.wire.clock import Clock
from toolkit.wire.ledger import Ledger, Rule

# A limit that was told is believed for a day; where asking failed, it is asked for again after some minutes.
RULES_LAST = 86_400.0
RULES_AGAIN = 600.0
# What other processes were told is taken over so often.
RULES_READ = 10.0


class Rules:
    """The limits of all pools. The budget, their only user, has a lock; who just looks needs none.

    Args:
        clock: This machine's clock.
        ledger: Where all processes write down what they were told.
    """

    def __init__(self, clock: Clock, ledger: Ledger) -> None:
        self._clock = clock
        self._ledger = ledger
        self._own: dict[str, int] = {}
        self._known_until: dict[str, float] = {}
        self.read()

    def set_own(self, limits: Mapping[str, int]) -> None:
        """Allow other weights per window than the exchange's, by name of pool."""
        self._own |= limits

    def limit(self, pool: Pool) -> int:
        """Weight a pool allows in a window."""
        return self._own.get(pool.name) or self.in_force(pool).most

    def in_force(self, pool: Pool) -> Rule:
        """The exchange's limit of a pool's weight, its length of window with it."""
        return self._in_force[pool.name]

    def told(self, pool: Pool) -> Sequence[Rule]:
        """Every limit of a pool as it was told, of weight or not."""
        return self._told.get(pool.name, ())

    def are_known(self, pool: Pool) -> bool:
        """Whether the limit in force was told not long ago, or need not be."""
        return not pool.rules or self._clock.monotonic() < self._known_until.get(pool.name, -math.inf)

    def learn(self, pool: Pool, rules: Sequence[Rule]) -> None:
        """Take over what the exchange says is in force; nothing where it could not be asked."""
        if rules:
            self._ledger.learn(pool.name, rules)
            self.read()
        else:
            self._known_until[pool.name] = self._clock.monotonic() + RULES_AGAIN

    def doubt(self, pool: Pool) -> None:
        """Have a pool's limits asked for again; until then they stay in force."""
        self._ledger.doubt_rules(pool.name)
        self._known_until.pop(pool.name, None)

    def read(self) -> None:
        """Take over what any process was told; what is older than a day is asked for again."""
        now, ticks = self._clock.time(), self._clock.monotonic()
        told: dict[str, list[Rule]] = {}
        for pool, rule, learnt in self._ledger.rules():
            if rule.most <= 0 or rule.seconds <= 0:
                continue
            told.setdefault(pool, []).append(rule)
            if 0 <= now - learnt < RULES_LAST:
                self._known_until[pool] = ticks + RULES_LAST - (now - learnt)
        self._told = told
        self._in_force = {pool.name: _in_force(pool, told.get(pool.name, ())) for pool in POOLS}
        self._read_again_at = ticks + RULES_READ

    def read_again(self) -> None:
        """Take it over where that was not done lately."""
        if self._clock.monotonic() >= self._read_again_at:
            self.read()


def _in_force(pool: Pool, told: Iterable[Rule]) -> Rule:
    """The limit of a pool's weight: as told, or else as documented."""
    # Of several the one whose count the answers tell, or else the strictest.
    return min(
        (rule for rule in told if rule.kind == "weight"),
        key=lambda rule: (rule.seconds != pool.seconds, rule.most / rule.seconds),
        default=Rule("weight", pool.seconds, pool.limit),
    )
