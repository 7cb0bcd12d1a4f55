r"""Draw text from outside: never as mathematics, and in fonts that have its letters.

A customer id or a symbol may contain `$`, and the exchange lists Chinese symbols. The toolkit includes no
fonts. It uses those of the system, and writes out a letter that none of them has, such as \u5e01.
"""

from __future__ import annotations

from typing import Any

from matplotlib import rcParams
from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.text import Text

from toolkit.runtime.interruptions import forgiving
from toolkit.text.printable import printable

# The font that comes with matplotlib, then fonts of Linux, Windows and macOS that cover many scripts.
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
    """A name in one line, cut off if it is too long."""
    text = printable(str(name))
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def prepare(text: str, weight: str = "normal") -> tuple[str, dict[str, Any]]:
    """Return the text to draw, and the properties of the matplotlib `Text` that draws it.

    Args:
        text: The text; line breaks are kept.
        weight: The font weight. Each weight is a file of its own, and may have other letters.
    """
    text = printable(text, keep="\n")
    families = list(rcParams["font.family"])
    properties: dict[str, Any] = {"parse_math": False, "usetex": False}
    if text.isascii():
        return text, properties
    letters = []
    for letter in text:
        if not any(_has_letter(family, weight, letter) for family in families):
            fallback = next((each for each in FALLBACKS if _has_letter(each, weight, letter)), None)
            if fallback is None:
                letters.append(letter.encode("unicode_escape").decode("ascii"))
                continue
            families.append(fallback)
        letters.append(letter)
    return "".join(letters), {**properties, "fontfamily": families}


def set_text(target: Text, text: str) -> None:
    """Change a text that is already on the chart."""
    text, properties = prepare(text, str(target.get_fontweight()))
    target.set(text=text, **properties)


def escape_mathtext(text: str) -> str:
    """Escape a label, so that matplotlib shows it as text in a legend that the user makes."""
    return printable(text).replace("$", r"\$")


def _has_letter(family: str, weight: str, letter: str) -> bool:
    """Whether a font of the system has a letter. matplotlib caches the fonts it has found and opened."""
    if letter == "\n":
        return True
    with forgiving(ValueError, OSError, RuntimeError):  # not installed, or not readable
        file = findfont(FontProperties(family=[family], weight=weight), fallback_to_default=False)
        return get_font(file).get_char_index(ord(letter)) != 0
    return False
