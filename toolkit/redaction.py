"""Masks e-mail addresses (personal data), API keys and private values.

A masked address looks like those of the exchange in spot rebates, `om***@***.com`: the first two letters and
the top-level domain. The rest of the domain is hidden, as it may identify a person or company. Different
addresses may have the same mask, so masks are never used to compare or join rows.
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
# Already masked, by the toolkit or the exchange: om***@***.com, test*****@126.com.
_MASKED = re.compile(r"\*{3,}|[^*@]{0,4}\*{3,}@[^\s@]+")
_LETTERS = re.compile(r"[A-Za-z]{2,24}")
# Other encodings of @: full-width, and as in URLs, JSON and HTML, also encoded twice.
_AT = re.compile(
    r"[\uff20\ufe6b]|%(?:25)*40|\\{1,8}(?:u0040|x40|uff20|ufe6b)"
    r"|&(?:amp;)?(?:#0{0,4}64|#x0{0,4}40|commat);",
    re.IGNORECASE,
)
# Characters of an address. A match starts at the start of such a run: starting at every letter would take
# quadratic time.
_RUN = r"[^\s\"<>()\[\],;:\\]"
_LOCAL = rf"(?:(?<!{_RUN}){_RUN}+|\"[^\"\r\n]{{1,64}}\")"
_LITERAL = r"\[[0-9A-Za-z.:-]{2,60}\]"
# An address in a text or URL. A price such as 0.5@60000.15 is not an address.
_ADDRESS = re.compile(
    rf"{_LOCAL}@(?:(?:[\w-]+[.\u3002\uff0e\uff61])+(?!\d)[\w-]{{2,}}|localhost\b|{_LITERAL})", re.IGNORECASE
)
# Anything that may be an address, for text that is only displayed.
_POSSIBLE_ADDRESS = re.compile(rf"{_LOCAL}@(?:{_RUN}+|{_LITERAL})")
_LONG_RUN = re.compile(r"[A-Za-z0-9+/=%_-]{40,}")
_MAX_NAME_LENGTH, _MAX_NAMES = 60, 20


def mask(address: str) -> str:
    """Mask an e-mail address; a masked one is returned as it is.

    At most half of a short name is kept, and nothing of a text that is not an address.
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
    """Mask every address in a text."""
    plain = _AT.sub("@", text)
    masked = _ADDRESS.sub(lambda found: mask(found[0]), plain) if "@" in plain else plain
    return text if masked == plain else masked


def without_secrets(text: str) -> str:
    """Hide everything in a text that may be a key, signature or address; for text that is only displayed."""
    plain = _AT.sub("@", _LONG_RUN.sub(REDACTED, text))
    return _POSSIBLE_ADDRESS.sub("(e-mail)", plain)


def displayable_names(names: Iterable[str]) -> list[str]:
    """Make unknown names displayable: sorted, without secrets, limited in length and number."""
    displayable = sorted({_displayable(name) for name in names})
    if len(displayable) <= _MAX_NAMES + 1:  # "1 more" would take as much space
        return displayable
    return [*displayable[:_MAX_NAMES], f"… and {len(displayable) - _MAX_NAMES} more"]


def _displayable(name: str) -> str:
    name = without_secrets(name)
    name = printable(name)
    return name if len(name) <= _MAX_NAME_LENGTH else f"{name[: _MAX_NAME_LENGTH - 1]}…"


def mask_partial(error: BaseException) -> None:
    """Mask the partial rows of an error, if the toolkit itself asked for clear addresses."""
    partial: Any = getattr(error, "partial", None)
    if partial is not None and "email" in partial:
        partial["email"] = partial["email"].map(mask, na_action="ignore").astype(partial["email"].dtype)
        partial.attrs["emails"] = "masked"


def masked_key(key: str) -> str:
    """Mask an API key as the exchange does in lists; a masked one is returned as it is."""
    return key if "*" in key else key[:_KEY_SHOWN] + _KEY_STARS


class RedactedMapping(Mapping[str, Any]):
    """A mapping whose values are not shown in a `repr`, by debuggers or in tracebacks."""

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
        return f"RedactedMapping({', '.join(self)})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("private arguments cannot be pickled or copied: that would expose them")


def matches_mask(masked: str, key: str) -> bool:
    """Whether a key, masked or not, can be this one."""
    if "*" not in masked:
        return masked == key
    return key.startswith(masked.partition("*")[0]) and key.endswith(masked.rpartition("*")[2])


def redacted_response(write: Write, payload: Mapping[str, Any]) -> dict[str, Any]:
    """A response without private values; undeclared fields count as private."""
    declared = {field for column in write.columns for field in column.fields}
    redacted = {
        name: value if name in declared else REDACTED
        for name, value in payload.items()
        if name != write.handover_field
    }
    for column in write.columns:
        for field in column.fields:
            if not column.masked or redacted.get(field) is None:
                continue
            if not isinstance(redacted[field], str):
                redacted[field] = REDACTED
            elif column.masked == "key":
                redacted[field] = masked_key(redacted[field])
            else:
                redacted[field] = mask(redacted[field])
    return redacted


def redacted_argument(param: Param, value: object) -> object:
    """Redact a private argument."""
    return masked_key(str(value)) if param.kind == "id" else REDACTED
