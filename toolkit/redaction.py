"""Pure: what may be seen of e-mail addresses, which are personal data, of API keys, and of private values.

The mask of an address has the shape of the exchange's own in spot rebates, `om***@***.com`: two first
letters, and the end of the domain. The domain goes, as that of a person or of a firm says who it is. Many
addresses have one mask, so nothing is told apart or joined by it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal, NoReturn

from toolkit.endpoints import Param, Write
from toolkit.text.printable import printable

Emails = Literal["masked", "clear"]

REDACTED = "(hidden)"

_STARS = "***"
_KEY_SHOWN, _KEY_STARS = 3, "*" * 13
# What is masked already, by us or by the exchange: om***@***.com, test*****@126.com.
_MASKED = re.compile(r"\*{3,}|[^*@]{0,4}\*{3,}@[^\s@]+")
_LETTERS = re.compile(r"[A-Za-z]{2,24}")
# The sign in other spellings: wide, and as addresses of the web, JSON and HTML have it, also twice over.
_AT = re.compile(
    r"[\uff20\ufe6b]|%(?:25)*40|\\{1,8}(?:u0040|x40|uff20|ufe6b)"
    r"|&(?:amp;)?(?:#0{0,4}64|#x0{0,4}40|commat);",
    re.IGNORECASE,
)
# What an address is made of, several in a row included. It begins where such a run does: looked for from
# every letter on, a long text would take very long.
_RUN = r"[^\s\"<>()\[\],;:\\]"
_LOCAL = rf"(?:(?<!{_RUN}){_RUN}+|\"[^\"\r\n]{{1,64}}\")"
_LITERAL = r"\[[0-9A-Za-z.:-]{2,60}\]"
# An address within a text, also within one of the web; a price such as 0.5@60000.15 is none.
_ADDRESS = re.compile(
    rf"{_LOCAL}@(?:(?:[\w-]+[.\u3002\uff0e\uff61])+(?!\d)[\w-]{{2,}}|localhost\b|{_LITERAL})", re.IGNORECASE
)
# And all that may be one: what is only to be read can do without the prices.
_LIKELY = re.compile(rf"{_LOCAL}@(?:{_RUN}+|{_LITERAL})")
_LONG_RUN = re.compile(r"[A-Za-z0-9+/=%_-]{40,}")
_LONGEST_NAME, _MOST_NAMES = 60, 20


def mask(address: str) -> str:
    """An e-mail address as it may be shown; one that is masked stays as it is.

    Of a short name no more than half is shown, and of what is no address nothing.
    """
    text = address.strip()
    if not text or _MASKED.fullmatch(text):
        return text
    name, at, rest = text.partition("@")
    if not at:
        return _STARS
    _, point, last = rest.rpartition(".")
    end = f".{last}" if point and _LETTERS.fullmatch(last) else ""
    return f"{name[: min(2, len(name) // 2)]}{_STARS}@{_STARS}{end}"


def mask_within(text: str) -> str:
    """A text with each address in it masked."""
    plain = _AT.sub("@", text)
    masked = _ADDRESS.sub(lambda found: mask(found[0]), plain) if "@" in plain else plain
    return text if masked == plain else masked


def without_secrets(text: str) -> str:
    """A text that is only to be read: no key, no signature, and nothing that may be an address."""
    plain = _AT.sub("@", _LONG_RUN.sub(REDACTED, text))
    return _LIKELY.sub("(e-mail)", plain)


def names_shown(names: Iterable[str]) -> list[str]:
    """Names that nobody knows, as they may be shown: sorted, not too long and not too many."""
    shown = sorted({_name_shown(name) for name in names})
    if len(shown) <= _MOST_NAMES + 1:  # to say that there is one more takes as much room
        return shown
    return [*shown[:_MOST_NAMES], f"… and {len(shown) - _MOST_NAMES} more"]


def _name_shown(name: str) -> str:
    name = without_secrets(name)
    name = printable(name)
    return name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1]}…"


def mask_partial(error: BaseException) -> None:
    """Mask what an error carries: of a read that asked for clear addresses where the user did not."""
    partial: Any = getattr(error, "partial", None)
    if partial is not None and "email" in partial:
        partial["email"] = partial["email"].map(mask, na_action="ignore").astype(partial["email"].dtype)
        partial.attrs["emails"] = "masked"


def masked_key(key: str) -> str:
    """An API key as lists of the exchange show it; one that is masked stays as it is."""
    return key if "*" in key else key[:_KEY_SHOWN] + _KEY_STARS


class RedactedMapping(Mapping[str, Any]):
    """Values that nothing shows: neither their text, nor what lists attributes or local variables."""

    __slots__ = ("_values",)

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = dict(values)

    def __getitem__(self, name: str) -> Any:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"Hidden({', '.join(self)})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("private arguments are not pickled or copied: they would be written down in clear")


def matches_mask(masked: str, key: str) -> bool:
    """Whether a masked key may be that one; a key that is not masked is, or is not."""
    if "*" not in masked:
        return masked == key
    return key.startswith(masked.partition("*")[0]) and key.endswith(masked.rpartition("*")[2])


def redacted_response(write: Write, payload: Mapping[str, Any]) -> dict[str, Any]:
    """An answer without what is private in it; fields nobody declared may be that, too."""
    declared = {field for column in write.columns for field in column.fields}
    shown = {
        name: value if name in declared else REDACTED
        for name, value in payload.items()
        if name != write.handover_field
    }
    for column in write.columns:
        for field in column.fields:
            if not column.masked or shown.get(field) is None:
                continue
            if not isinstance(shown[field], str):
                shown[field] = REDACTED
            elif column.masked == "key":
                shown[field] = masked_key(shown[field])
            else:
                shown[field] = mask(shown[field])
    return shown


def redacted_argument(param: Param, value: object) -> object:
    """A private argument as it may be shown."""
    return masked_key(str(value)) if param.kind == "id" else REDACTED
