r"""Text on a chart: what comes from outside is text and never mathematics, in fonts that have its letters.

A customer id or a symbol may hold `$`, and Chinese ones are listed. No font comes with the package: those
of the system are used, and a letter that none of them has is written out, such as \u5e01.
"""

from __future__ import annotations

from typing import Any

from matplotlib import rcParams
from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.text import Text

from toolkit.runtime.interruptions import forgiving
from toolkit.text.printable import printable

# What comes with matplotlib, and wide ones of Linux, Windows and macOS.
FALLBACKS = (
    "DejaVu Sans",
    *("Noto Sans CJK SC", "Noto Sans CJK JP", "Noto Sans SC", "Source Han Sans SC", "Source Han Sans CN"),
    *("WenQuanYi Micro Hei", "WenQuanYi Zen Hei", "Droid Sans Fallback"),
    *("Microsoft YaHei", "SimHei", "SimSun", "Malgun Gothic", "Yu Gothic", "Meiryo", "Segoe UI"),
    *("PingFang SC", "Hiragino Sans GB", "Hiragino Sans", "Heiti SC", "STHeiti", "Apple SD Gothic Neo"),
    *("Arial Unicode MS", "Noto Sans", "Segoe UI Symbol", "Segoe UI Emoji", "Noto Sans Symbols 2"),
)
LONGEST_NAME = 32


def short_name(name: object, longest: int = LONGEST_NAME) -> str:
    """A name in one line that leaves room for the chart."""
    text = printable(str(name))
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def plain(text: str, weight: str = "normal") -> tuple[str, dict[str, Any]]:
    """A text as it can be drawn, and how a matplotlib `Text` has to be set for it.

    Args:
        text: The text; line ends stay.
        weight: The weight it will be drawn in: each has a file of its own, with letters of its own.
    """
    text = printable(text, keep="\n")
    families = list(rcParams["font.family"])
    how: dict[str, Any] = {"parse_math": False, "usetex": False}
    if text.isascii():
        return text, how
    drawn = []
    for letter in text:
        if not any(_has(family, weight, letter) for family in families):
            fallback = next((each for each in FALLBACKS if _has(each, weight, letter)), None)
            if fallback is None:
                drawn.append(letter.encode("unicode_escape").decode("ascii"))
                continue
            families.append(fallback)
        drawn.append(letter)
    return "".join(drawn), {**how, "fontfamily": families}


def put(target: Text, text: str) -> None:
    """Set a text that is on the chart already."""
    drawn, how = plain(text, str(target.get_fontweight()))
    target.set(text=drawn, **how)


def unparsed(text: str) -> str:
    """A label for whoever makes a legend of their own: matplotlib takes it for text, too."""
    return printable(text).replace("$", r"\$")


def _has(family: str, weight: str, letter: str) -> bool:
    """Whether a font of the system has a letter. matplotlib remembers what it has found and opened."""
    if letter == "\n":
        return True
    with forgiving(ValueError, OSError, RuntimeError):  # it is not installed, or cannot be read
        file = findfont(FontProperties(family=[family], weight=weight), fallback_to_default=False)
        return get_font(file).get_char_index(ord(letter)) != 0
    return False
