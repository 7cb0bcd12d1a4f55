"""Finds invisible characters and characters that look like others.

They come with text that is copied from spreadsheets and web pages. Texts that look equal must be equal, or be
refused with the name of the character: otherwise a write that was meant once could be sent twice.
"""

from __future__ import annotations

import re
import unicodedata

# "Default ignorable" in Unicode, apart from format characters: invisible, although some count as letters
# (fillers) or marks (variation selectors). The Braille blank looks like a space.
_IGNORABLE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2065\u2800\u3164\ufe00-\ufe0f\uffa0\ufff0-\ufff8"
    "\U000e0000-\U000e0fff]"
)
# Control and format characters, surrogates, line and paragraph separators.
_INVISIBLE_CATEGORIES = ("Cc", "Cf", "Cs", "Zl", "Zp")
_LINE_CHARACTERS = "\t\n\r"

# Replacements by word processors, and symbols that look like those on a keyboard.
_KEYBOARD = str.maketrans(
    dict.fromkeys("\u02d7\u2010\u2011\u2012\u2013\u2014\u2015\u2043\u2212", "-")
    | dict.fromkeys("\u00b4\u02b9\u02bb\u02bc\u02c8\u2018\u2019\u201b\u2032", "'")
    | dict.fromkeys("\u02ba\u02ee\u201c\u201d\u201e\u201f\u2033", '"')
    | dict.fromkeys("\u2044\u2215\u29f8", "/")
    | dict.fromkeys("\u02d0\u0589\u05c3\u2236\ua789", ":")
    | {"\u201a": ",", "\u2217": "*", "\u223c": "~", "\u2223": "|", "\u01c0": "|"}
)
# Cyrillic, Greek, Armenian, phonetic and Cherokee letters that look like Latin ones, and those.
_HOMOGLYPHS = dict(
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


def find_invisible(text: str, *, lines: bool = False) -> str:
    """The name of the first invisible character or unusual space in a text, "" if there is none.

    Args:
        text: The text.
        lines: Whether tabs and line breaks are allowed.
    """
    for character in text:
        if lines and character in _LINE_CHARACTERS:
            continue
        is_unusual_space = character.isspace() and character != " "
        if (
            is_unusual_space
            or _IGNORABLE.match(character)
            or unicodedata.category(character) in _INVISIBLE_CATEGORIES
        ):
            return character_name(character)
    return ""


def find_lookalike(text: str) -> str:
    """The name of the first character that looks like another one, "" if there is none.

    That is a variant of a plain character, or a letter of another alphabet that looks Latin.
    """
    for character in text:
        if unicodedata.normalize("NFKC", character) != character:
            return character_name(character)
    if unicodedata.normalize("NFKC", text) != text:  # a letter followed by a combining accent
        return next(
            (character_name(each) for each in text if unicodedata.combining(each)), character_name(text[0])
        )
    homoglyphs = next((word for word in _WORD.findall(text) if _is_all_homoglyphs(word)), "")
    return character_name(homoglyphs[0]) if homoglyphs else find_homoglyph(text)


def find_homoglyph(text: str) -> str:
    """The name of the first letter in a Latin word that only looks Latin, "" if there is none."""
    for word in _WORD.findall(text):
        if _LATIN.search(word):
            for character in word:
                if character in _HOMOGLYPHS:
                    return character_name(character)
    return ""


def fold(text: str) -> str:
    """Fold a name to what it looks like: plain characters as on a keyboard, and single spaces.

    A word in which every letter looks Latin becomes that Latin word, as readers cannot tell them apart. A
    word with other letters shows its alphabet, and is kept.
    """
    plain = " ".join(unicodedata.normalize("NFKC", text.translate(_KEYBOARD)).translate(_KEYBOARD).split())
    return unicodedata.normalize("NFKC", _WORD.sub(_as_latin, plain))


def normalize_email(address: str) -> str:
    """An e-mail address as the exchange keeps and compares it: in small letters, without spaces around it."""
    return address.strip().lower()


def _is_all_homoglyphs(word: str) -> bool:
    return all(character in _HOMOGLYPHS for character in word)


def _as_latin(found: re.Match[str]) -> str:
    word = found[0]
    return "".join(_HOMOGLYPHS[each] for each in word) if _is_all_homoglyphs(word) else word


def character_name(character: str) -> str:
    """The code point and name of a character, such as "U+200B ZERO WIDTH SPACE"."""
    kind = "a control character" if unicodedata.category(character) == "Cc" else "no name"
    return f"U+{ord(character):04X} {unicodedata.name(character, f'({kind})')}"
