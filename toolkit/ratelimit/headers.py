"""What the exchange's headers say about use."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Literal, NamedTuple

_DIGITS = 15  # no count has more
_LONGEST = 64  # no name is longer; what is kept for later is short

CountKind = Literal["weight", "orders", "sapi-ip", "sapi-uid"]

_COUNT = re.compile(
    r"^x-(?:mbx-(?P<mbx>used-weight|order-count)|sapi-used-(?P<sapi>ip|uid)-weight)"
    r"-(?P<number>[1-9]\d{0,5})(?P<letter>[smhd])$",
    re.IGNORECASE,
)
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


class Count(NamedTuple):
    """The server's own count of what was used in an interval."""

    kind: CountKind
    seconds: int
    used: int


def read_counts(headers: Mapping[str, str]) -> list[Count]:
    """Every count of used weight and of orders, whatever its interval.

    `X-MBX-USED-WEIGHT` without an interval is left out: it repeats the one with it.
    """
    counts = []
    for name in headers:
        counted = _counted(name) if len(name) <= _LONGEST else None
        if counted is None:
            continue
        used = headers[name].strip()
        if used.isdecimal() and len(used) <= _DIGITS:
            counts.append(Count(*counted, int(used)))
    return counts


@lru_cache(maxsize=256)  # every answer has the same names
def _counted(name: str) -> tuple[CountKind, int] | None:
    """What a header of this name counts, and in which interval."""
    match = _COUNT.match(name)
    if not match:
        return None
    kind: CountKind
    if match["sapi"]:
        kind = "sapi-ip" if match["sapi"].lower() == "ip" else "sapi-uid"
    else:
        kind = "weight" if match["mbx"].lower() == "used-weight" else "orders"
    return kind, int(match["number"]) * _SECONDS[match["letter"].lower()]
