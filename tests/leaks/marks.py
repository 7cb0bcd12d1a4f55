"""What must not be found anywhere, and the search for it."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from urllib.parse import quote, quote_plus

import numpy as np

RUN = 12
"""So many characters of a secret, one after the other, are a leak."""

_HEAD = 8
# Every private key in PEM begins alike.
_ALIKE = 40


class Marks:
    """Texts that are searched for, in every spelling that they may have been written down in.

    Of a secret each run of `RUN` characters counts, of an address the whole.
    """

    def __init__(self) -> None:
        self._whats: dict[bytes, str] = {}
        self._lengths: list[int] = []
        self._heads: np.ndarray | None = None

    def add(self, what: str, secret: str) -> None:
        """A key, a secret or a signature."""
        assert len(secret) >= RUN, what
        for spelling in spellings(secret):
            for at in range(len(spelling) - RUN + 1):
                self._whats[spelling[at : at + RUN]] = what
        self._heads = None

    def add_pem(self, what: str, pem: str) -> None:
        """A private key, in lines or in one."""
        inner = "".join(line for line in pem.splitlines() if "-----" not in line)
        self.add(what, inner[_ALIKE:])
        self.add(what, base64.b64decode(inner)[_ALIKE:].hex())

    def add_address(self, what: str, address: str) -> None:
        """An e-mail address; a piece of one is what masks leave."""
        for spelling in spellings(address):
            self._whats[spelling] = what
        self._heads = None

    def found(self, content: bytes) -> list[str]:
        """What is in there, and the place of the first one of each."""
        if self._heads is None:
            heads = b"".join(each[:_HEAD] for each in self._whats)
            self._heads = np.unique(np.frombuffer(heads, "<u8"))
            self._lengths = sorted({len(each) for each in self._whats})
        found: dict[str, int] = {}
        for offset in range(min(_HEAD, len(content) - _HEAD + 1)):
            words = np.frombuffer(content, "<u8", (len(content) - offset) // _HEAD, offset)
            nearest = self._heads[np.searchsorted(self._heads, words).clip(max=len(self._heads) - 1)]
            for at in np.flatnonzero(nearest == words) * _HEAD + offset:
                for length in self._lengths:
                    what = self._whats.get(content[at : at + length])
                    if what is not None:
                        found.setdefault(what, int(at))
        return [f"{what} at {at}" for what, at in sorted(found.items())]


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
