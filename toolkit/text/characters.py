"""Pure: characters that nobody sees, and characters that look like others.

They come along where text is copied from a spreadsheet or a web page. Two texts that look the same have to be
the same text, or be refused with the character named: else what is to be done once is done twice.
"""

from __future__ import annotations

import re
import unicodedata

# What Unicode calls "default ignorable", besides what is a format character: drawn as nothing at all, though
# some of it counts as letters (the fillers) or as marks (the variation selectors). The Braille blank is drawn
# as a blank and is none.
_IGNORED = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2065\u2800\u3164\ufe00-\ufe0f\uffa0\ufff0-\ufff8"
    "\U000e0000-\U000e0fff]"
)
# Control and format characters, halves of characters, separators of lines and paragraphs.
_UNSEEN = ("Cc", "Cf", "Cs", "Zl", "Zp")
_LINES = "\t\n\r"

# What word processors put in place of what was typed, and signs that are drawn like those on a keyboard.
_TYPED = str.maketrans(
    dict.fromkeys("\u02d7\u2010\u2011\u2012\u2013\u2014\u2015\u2043\u2212", "-")
    | dict.fromkeys("\u00b4\u02b9\u02bb\u02bc\u02c8\u2018\u2019\u201b\u2032", "'")
    | dict.fromkeys("\u02ba\u02ee\u201c\u201d\u201e\u201f\u2033", '"')
    | dict.fromkeys("\u2044\u2215\u29f8", "/")
    | dict.fromkeys("\u02d0\u0589\u05c3\u2236\ua789", ":")
    | {"\u201a": ",", "\u2217": "*", "\u223c": "~", "\u2223": "|", "\u01c0": "|"}
)
# Letters of Cyrillic, Greek, Armenian, phonetics and Cherokee that are drawn like Latin ones, and those.
_TWINS = dict(
    zip(
        "\u0430\u0435\u043e\u0440\u0441\u0443\u0445\u0455\u0456\u0458\u0501\u04bb\u051b\u051d\u04cf"
        "\u0410\u0412\u0415\u041a\u041c\u041d\u041e\u0420\u0421\u0422\u0423\u0425\u0405\u0406\u0408\u04ae\u04c0"
        "\u0391\u0392\u0395\u0396\u0397\u0399\u039a\u039c\u039d\u039f\u03a1\u03a4\u03a5\u03a7\u03bf\u03bd\u03c5"
        "\u0555\u057d\u0578\u0585\u0251\u0261"
        "\u13aa\u13df\u13ac\u13c0\u13bb\u13ab\u13de\u13b7\u13e2\u13da\u13b3",
        "aeopcyxsijdhqwlABEKMHOPCTYXSIJYIABEZHIKMNOPTYXovuOunoagACEGHJLMPSW",
        strict=True,
    )
)
_WORD = re.compile(r"[^\W\d_]+")
_LATIN = re.compile("[A-Za-z]")


def unseen(text: str, *, lines: bool = False) -> str:
    """The first character that nobody sees, or a blank that only looks like one, by its name; "" if none.

    Args:
        text: Where to look.
        lines: Tabs and line ends are meant.
    """
    for character in text:
        if lines and character in _LINES:
            continue
        strange_blank = character.isspace() and character != " "
        if strange_blank or _IGNORED.match(character) or unicodedata.category(character) in _UNSEEN:
            return named(character)
    return ""


def lookalike(text: str) -> str:
    """The first character that looks like another one, by its name; "" if there is none.

    That is a form of a character that has a plain one, or a letter of another alphabet in a Latin word.
    """
    for character in text:
        if unicodedata.normalize("NFKC", character) != character:
            return named(character)
    if unicodedata.normalize("NFKC", text) != text:  # a letter and its accent, apart
        return next((named(each) for each in text if unicodedata.combining(each)), named(text[0]))
    alike = next((word for word in _WORD.findall(text) if _is_all_twins(word)), "")
    return named(alike[0]) if alike else twin(text)


def twin(text: str) -> str:
    """The first letter in a Latin word that is no Latin one and looks like one, by its name; "" if none."""
    for word in _WORD.findall(text):
        if _LATIN.search(word):
            for character in word:
                if character in _TWINS:
                    return named(character)
    return ""


def folded(text: str) -> str:
    """A name as it looks: plain forms of its characters, as typed, with one blank wherever there are any.

    A word that looks like a Latin one from its first letter to its last is that one: nobody can tell them
    apart. In a word that has others besides, the reader sees what alphabet it is of.
    """
    plain = " ".join(unicodedata.normalize("NFKC", text.translate(_TYPED)).translate(_TYPED).split())
    return unicodedata.normalize("NFKC", _WORD.sub(_as_latin, plain))


def _is_all_twins(word: str) -> bool:
    return all(character in _TWINS for character in word)


def _as_latin(found: re.Match[str]) -> str:
    word = found[0]
    return "".join(_TWINS[each] for each in word) if _is_all_twins(word) else word


def named(character: str) -> str:
    """A character by its code point and name, such as "U+200B ZERO WIDTH SPACE"."""
    kind = "a control character" if unicodedata.category(character) == "Cc" else "no name"
    return f"U+{ord(character):04X} {unicodedata.name(character, f'({kind})')}"
