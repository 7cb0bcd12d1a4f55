"""What must not be found anywhere, and the search for it."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from urllib.parse import quote, quote_plus

import numpy as np

RUN = 12
"""This many consecutive characters of a secret are a leak."""

_HEAD = 8
# Every private key in PEM begins with the same characters.
_ALIKE = 40


class Marks:
    """Texts to search for, in every encoding in which they may have been written.

    Any `RUN` consecutive characters of a secret count, in hexadecimal digits twice as many: of a signature,
    "000333333333" spells no more than six characters, which a share of a limit has now and then. An address
    counts as a whole.
    """

    def __init__(self) -> None:
        self._kinds: dict[bytes, str] = {}
        self._lengths: list[int] = []
        self._heads: np.ndarray | None = None

    def add(self, kind: str, secret: str) -> None:
        """A key, a secret or a signature."""
        assert len(secret) >= RUN, kind
        for spelling in spellings(secret):
            run = 2 * RUN if spelling == secret.encode().hex().encode() else RUN
            for at in range(len(spelling) - run + 1):
                self._kinds[spelling[at : at + run]] = kind
        self._heads = None

    def add_pem(self, kind: str, pem: str) -> None:
        """A private key, in lines or in one."""
        inner = "".join(line for line in pem.splitlines() if "-----" not in line)
        self.add(kind, inner[_ALIKE:])
        self.add(kind, base64.b64decode(inner)[_ALIKE:].hex())

    def add_address(self, kind: str, address: str) -> None:
        """An e-mail address, as a whole: a masked one still shows parts of it."""
        for spelling in spellings(address):
            self._kinds[spelling] = kind
        self._heads = None

    def found(self, content: bytes) -> list[str]:
        """The kinds of marks in these bytes, each with the offset of its first occurrence."""
        if self._heads is None:
            heads = b"".join(each[:_HEAD] for each in self._kinds)
            self._heads = np.unique(np.frombuffer(heads, "<u8"))
            self._lengths = sorted({len(each) for each in self._kinds})
        found: dict[str, int] = {}
        for offset in range(min(_HEAD, len(content) - _HEAD + 1)):
            words = np.frombuffer(content, "<u8", (len(content) - offset) // _HEAD, offset)
            nearest = self._heads[np.searchsorted(self._heads, words).clip(max=len(self._heads) - 1)]
            for at in np.flatnonzero(nearest == words) * _HEAD + offset:
                for length in self._lengths:
                    kind = self._kinds.get(content[at : at + length])
                    if kind is not None:
                        found.setdefault(kind, int(at))
        return [f"{kind} at {at}" for kind, at in sorted(found.items())]


def spellings(text: str) -> Iterator[bytes]:
    """A text as it is, percent-encoded, in JSON, in base64 and in hexadecimal digits."""
    for spelt in {text, quote(text, safe=""), quote_plus(text), json.dumps(text)[1:-1]}:
        yield spelt.encode()
    raw = text.encode()
    yield raw.hex().encode()
    for before in range(3):
        # What stands before it shifts it, and what stands around it has a part in the outermost digits.
        coded = base64.b64encode(bytes(before) + raw).rstrip(b"=")
        yield coded[4 if before else 0 : -2]
