"""Which window of a counter is running, by its host's clock, and what there is to see of it."""

from __future__ import annotations

from collections.abc import Mapping

from toolkit.catalogue import POOLS, Host, Pool
from toolkit.wire.clock import CLOCKS_APART, Clock, HostClock
from toolkit.wire.http_dates import now_by
from toolkit.wire.ledger import REMEMBERED_WINDOWS, Key, Other, Page, Turn
from toolkit.wire.rules import Rules
from toolkit.wire.snapshot import OtherCount, PoolUse, ProcessUse

# Added to the turn of a window before it is trusted to have turned at the server, beside the
# uncertainty of its clock.
TURN_MARGIN = 0.02


class Windows:
    """The windows of all counters.

    Args:
        clock: This machine's clock.
        host_clocks: Each host's clock, by which windows turn.
        rules: What is in force.
    """

    def __init__(self, clock: Clock, host_clocks: Mapping[Host, HostClock], rules: Rules) -> None:
        self._clock = clock
        self._host_clocks = host_clocks
        self._rules = rules

    def utc(self, host: Host | None = None) -> float:
        """The time in seconds since 1970 by a host's clock, or else by that of any host.

        This machine's clock, which may be an hour off, tells it only where no host has told its own yet.
        """
        clocks = list(self._host_clocks.values())
        if host is not None:
            clocks.insert(0, self._host_clocks[host])
        return next((clock.time() for clock in clocks if clock.is_the_hosts), self._clock.time())

    def exchange_time(self, host: Host, headers: Mapping[str, str]) -> float:
        """The time by which an answer's absolute times are meant, in seconds since 1970: by its own `Date`.

        By the host's clock as it was measured where it tells none, or one that is old or wrong; and where
        they agree, too, as a `Date` is cut to whole seconds.
        """
        measured, clock = self.utc(host), self._host_clocks[host]
        told = now_by(headers, measured)
        if not clock.is_fresh():
            return told
        error = clock.reading()[1]
        agree = -error <= measured - told <= 1.0 + error
        return measured if agree or abs(told - measured) > CLOCKS_APART else told

    def key(self, pool: Pool, path: str) -> Key:
        """The counter that a request to a path is charged to."""
        return Key(pool.name, "" if pool.shared else path, self._rules.in_force(pool).seconds)

    def turn(self, key: Key, pool: Pool, ticks: float) -> Turn:
        """The running window.

        Until the turn is certain it is the old one: a clock that is a little ahead must not spend the next
        allowance too early.
        """
        host_now, error = self._host_clocks[pool.host].reading()
        window = int((host_now - error) // key.seconds)
        return Turn(window, ticks - (host_now - window * key.seconds), self._rules.limit(pool))

    def until_turn(self, key: Key, pool: Pool) -> float:
        """Seconds until a window has turned for certain."""
        host_now, error = self._host_clocks[pool.host].reading()
        return key.seconds - (host_now - error) % key.seconds + TURN_MARGIN

    def use(
        self,
        page: Page,
        *,
        names: Mapping[int, tuple[int, str]],
        me: int,
        now: float,
        doors: Mapping[Key, str],
        own: Mapping[Key, Mapping[int, int]],
    ) -> PoolUse | None:
        """A counter as it stands now; None where nobody has used it for long.

        Args:
            page: What is written down of it.
            names: The processes, by their numbers.
            me: The number of this one.
            now: The time by the exchange's clock.
            doors: The door of this process that used each counter last.
            own: What this process used of each in each window.
        """
        pool = _BY_NAME.get(page.key.pool)
        if pool is None:
            return None
        counter, seconds = page.counter, page.key.seconds
        window = self.turn(page.key, pool, 0.0).window
        if counter.window - window in (0, 1):
            window = counter.window
        known = {**page.history, counter.window: counter.used}
        known = {each: used for each, used in known.items() if 0 <= window - each < REMEMBERED_WINDOWS}
        if page.key not in doors and not any(used for used in known.values()):
            return None
        running = counter.window == window
        mine = {each: used for each, used in own.get(page.key, {}).items() if each <= window}
        parts = counter.parts if running else {}
        return PoolUse(
            pool=pool,
            path=page.key.path,
            door=doors.get(page.key, page.door),
            used=known.setdefault(window, 0),
            in_flight=counter.in_flight if counter.window in (window, window - 1) else 0,
            limit=self._rules.limit(pool),
            turns_at=now + seconds - self._host_clocks[pool.host].time() % seconds,
            history=tuple((each * float(seconds), used) for each, used in sorted(known.items())),
            seconds=seconds,
            others=counter.others if running else 0,
            own_history=tuple((each * float(seconds), used) for each, used in sorted(mine.items())),
            processes=tuple(
                ProcessUse(
                    *names.get(number, (0, "")), number == me, part.used, part.in_flight + part.carried
                )
                for number, part in parts.items()
            ),
        )

    def other(self, other: Other, now: float) -> OtherCount | None:
        """A count that no pool is charged with, while its window lasts."""
        pools = [pool for pool in POOLS if pool.host == other.host]
        if not pools:
            return None
        host_now = self._host_clocks[pools[0].host].time()
        if int(host_now // other.seconds) != other.window:
            return None
        most = (
            rule.most
            for pool in pools
            for rule in self._rules.told(pool)
            if (rule.kind, rule.seconds) == (other.kind, other.seconds)
        )
        turns_at = now + other.seconds - host_now % other.seconds
        return OtherCount(pools[0].host, other.kind, other.seconds, other.used, next(most, None), turns_at)


_BY_NAME: Mapping[str, Pool] = {pool.name: pool for pool in POOLS}
