"""Pure: what may be seen of e-mail addresses, which are personal data, and of API keys.

The mask of an address has the shape of the exchange's own in spot rebates, `om***@***.com`: two first
letters, and the end of the domain. The domain goes, as that of a person or of a firm says who it is. Many
addresses have one mask, so nothing is told apart or joined by it.
"""

from __future__ import annotations

import re
from typing import Any, Literal

Emails = Literal["masked", "clear"]

_STARS = "***"
_KEY_SHOWN, _KEY_STARS = 3, "*" * 13
# What is masked already, by us or by the exchange: om***@***.com, test*****@126.com.
_MASKED = re.compile(r"\*{3,}|[^*@]{0,4}\*{3,}@[^\s@]+")
_LETTERS = re.compile(r"[A-Za-z]{2,24}")
# An address within a text, also within one of the web; a price such as 0.5@60000.15 is none. It begins
# where a part does: looked for from every letter on, a long text would take very long.
_PART = r"[^\s@\"<>()\[\],;:\\]"
_ADDRESS = re.compile(rf"(?<!{_PART}){_PART}+(?:@|%40)(?:[\w-]+\.)+(?!\d)[\w-]{{2,}}")


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
    return _ADDRESS.sub(lambda found: mask(found[0].replace("%40", "@")), text)


def mask_partial(error: BaseException) -> None:
    """Mask what an error carries: of a read that asked for clear addresses where the user did not."""
    partial: Any = getattr(error, "partial", None)
    if partial is not None and "email" in partial:
        partial["email"] = partial["email"].map(mask, na_action="ignore").astype(partial["email"].dtype)
        partial.attrs["emails"] = "masked"


def masked_key(key: str) -> str:
    """An API key as lists of the exchange show it; one that is masked stays as it is."""
    return key if "*" in key else key[:_KEY_SHOWN] + _KEY_STARS
