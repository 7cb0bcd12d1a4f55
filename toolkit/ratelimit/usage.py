"""Turns a snapshot into a DataFrame: which process used how much of which rate limit."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pandas as pd

from toolkit.endpoints import RATE_LIMITS
from toolkit.ratelimit.snapshot import OtherCount, RateLimitUsage, Snapshot
from toolkit.text.printable import printable

OTHERS = "others"

_COLUMNS = {
    "rate_limit": "string",
    "endpoint": "string",
    "counts": "string",
    "window": "time",
    "seconds": "Int64",
    "process": "string",
    "pid": "Int64",
    "here": "boolean",
    "used": "Int64",
    "in_flight": "Int64",
    "total": "Int64",
    "limit": "Int64",
    "used_fraction": "float64",
    "resets_at": "time",
}
_ORDER = {rate_limit.name: rank for rank, rate_limit in enumerate(RATE_LIMITS)}

Row = dict[str, object]


def usage(snapshot: Snapshot, source: str) -> pd.DataFrame:
    """Return the frame that `Link.usage` documents."""
    rows = [row for use in sorted(snapshot.rate_limits, key=_sort_key) for row in _rate_limit_rows(use)]
    rows += [_count_row(count) for count in snapshot.other_counts if count.resets_at > snapshot.now]
    frame = pd.DataFrame(
        {name: _column([row.get(name) for row in rows], kind) for name, kind in _COLUMNS.items()}
    )
    frame.attrs = {
        "endpoint": "usage",
        "source": source,
        "fetched_at": datetime.fromtimestamp(snapshot.now, UTC).isoformat(timespec="milliseconds"),
        "local_only_reason": snapshot.local_only_reason,
    }
    return frame


def _sort_key(use: RateLimitUsage) -> tuple[int, str, str]:
    return _ORDER.get(use.rate_limit.name, len(RATE_LIMITS)), use.endpoint if use.path else "", use.path


def _rate_limit_rows(use: RateLimitUsage) -> Iterator[Row]:
    counter: Row = {
        "rate_limit": use.rate_limit.name,
        "endpoint": use.endpoint if use.path else None,
        "counts": use.rate_limit.counts,
        "window": _milliseconds(use.history[-1][0]),
        "seconds": use.seconds,
        "total": use.used,
        "limit": use.limit,
        "used_fraction": use.used_fraction,
        "resets_at": _milliseconds(use.resets_at),
    }
    active = [process for process in use.processes if process.used or process.in_flight]
    for process in sorted(active, key=lambda each: (not each.here, -each.used, each.name, each.pid)):
        yield counter | {
            "process": printable(process.name),
            "pid": process.pid,
            "here": process.here,
            "used": process.used,
            "in_flight": process.in_flight,
        }
    if use.external > 0:
        yield counter | {"process": OTHERS, "here": False, "used": use.external}
    elif not active and use.used_fraction:  # no process is known to have used it
        yield counter | {"used": use.used, "in_flight": use.in_flight}


def _count_row(count: OtherCount) -> Row:
    return {
        "rate_limit": count.kind if count.kind.startswith("sapi") else count.host,
        "counts": "orders" if count.kind == "orders" else "weight",
        # Windows start at multiples of their length by the exchange's clock, which differs a little from
        # ours.
        "window": _milliseconds((round(count.resets_at / count.seconds) - 1) * count.seconds),
        "seconds": count.seconds,
        "used": count.used,
        "total": count.used,
        "limit": count.limit,
        "used_fraction": None if count.limit is None else count.used / count.limit,
        "resets_at": _milliseconds(count.resets_at),
    }


def _milliseconds(seconds: float) -> int:
    return round(seconds * 1000)


def _column(values: list[object], kind: str) -> pd.Series:
    if kind == "time":
        return pd.to_datetime(pd.Series(values, dtype="int64"), unit="ms", utc=True).dt.as_unit("ms")
    return pd.Series(values, dtype=kind)
