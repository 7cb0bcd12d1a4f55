"""Accidents around random writes: stale and truncated reads, and idempotency keys that look alike."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from urllib.parse import parse_qsl, urlencode

from toolkit.endpoints import ENDPOINTS_BY_NAME, WRITES
from toolkit.sandbox import Exchange, SandboxRequest, SandboxResponse
from toolkit.sandbox.world.people import account_row

_OWN = {"timestamp", "signature", "recvWindow"}
_READS = {ENDPOINTS_BY_NAME[write.reconciliation.read].path for write in WRITES if write.reconciliation.read}
_ACCOUNTS = ENDPOINTS_BY_NAME["exchange.sub_accounts"].path
_LOOKS = {
    "-": "-\u2010\u2011\u2013\u2212\uff0d",
    " ": (" ", "\u00a0", "  ", "\u2009", "\u3000", "\t"),
    "a": "a\uff41",
    "e": "e\uff45",
}
INVISIBLE = "\u200b\ufeff\u00ad\u200e\ufe0f"


class FaultyProxy:
    """A proxy before the exchange that serves stale and truncated responses to reads.

    Args:
        exchange: The exchange.
        seed: Threads send reads in any order, so each read has random numbers of its own, from this seed.

    Attributes:
        stale: Fraction of reads that get an earlier response.
        cut: Maximum number of sub-accounts in one response, None for no maximum.
        long_pages: Whether pages of a truncated list have the requested size, with rows missing between them.
        counted: How often either happened.
    """

    def __init__(self, exchange: Exchange, seed: int) -> None:
        self.stale = 0.0
        self.cut: int | None = None
        self.long_pages = False
        self.counted: dict[str, int] = {"stale": 0, "cut": 0}
        self._seed = seed
        self._asked: Counter[str] = Counter()
        self._exchange = exchange
        self._kept: dict[str, list[SandboxResponse]] = {}
        self._handle: Callable[[SandboxRequest], SandboxResponse] = exchange.handle
        exchange.handle = self.handle  # type: ignore[method-assign]

    def handle(self, request: SandboxRequest) -> SandboxResponse:
        if request.method != "GET" or request.path not in _READS:
            return self._handle(request)
        asked = [pair for pair in parse_qsl(request.query.decode()) if pair[0] not in _OWN]
        cache_key = f"{request.path}?{urlencode(sorted(asked))}"
        self._asked[cache_key] += 1
        chance = random.Random(f"{self._seed} {cache_key} {self._asked[cache_key]}")
        kept = self._kept.setdefault(cache_key, [])
        if kept and chance.random() < self.stale:
            self.counted["stale"] += 1
            old = chance.choice(kept)
            if chance.random() < 0.5:
                return old  # with its original date
            return replace(old, headers={**old.headers, "Age": "600"})
        answer = self._handle(request)
        if answer.status == 200 and answer.transmission.kind == "normal":
            if self.cut is not None and request.path == _ACCOUNTS:
                answer = self._shortened(answer, dict(asked), self.cut)
            kept.append(answer)
            del kept[:-3]
        return answer

    def _shortened(self, answer: SandboxResponse, asked: dict[str, str], most: int) -> SandboxResponse:
        if "subAccountId" in asked:
            return answer
        self.counted["cut"] += 1
        size, page = int(asked["size"]), int(asked.get("page", 1))
        step = size if self.long_pages else min(size, most)
        rows = list(map(account_row, self._exchange.world.accounts))[(page - 1) * step :][: min(step, most)]
        return replace(answer, body=json.dumps(rows).encode())


def lookalike(chance: random.Random, name: str) -> str:
    """A spelling of a key that looks the same."""
    drawn = "".join(chance.choice(_LOOKS.get(character, character)) for character in name)
    return chance.choice(("", " ", "\u00a0", "\n")) + drawn + chance.choice(("", " ", "\t"))


def with_a_hidden_character(chance: random.Random, name: str) -> str:
    """A spelling of a key that looks the same, with an invisible character in it."""
    index = chance.randint(1, len(name) - 1)
    return name[:index] + chance.choice(INVISIBLE) + name[index:]
