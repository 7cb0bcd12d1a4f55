"""Profiles: the keys of an account under a name, written in TOML."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from toolkit.auth.credentials import SECURITIES
from toolkit.endpoints import Security
from toolkit.errors import NoKeyError
from toolkit.storage import formats

USUAL = "default"
"""The profile that is opened where none is named."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}")
_FIELDS = ("key", "secret", "private_key", "passphrase", "serves")


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileEntry:
    """One key as somebody wrote it down.

    Attributes:
        where: What errors call its place.
        key: The API key.
        secret: Its secret, or a private key in PEM.
        private_key: The file of a private key, against `folder`.
        passphrase: What that is locked with.
        serves: Security types it may serve.
        folder: Where a relative path begins.
    """

    where: str
    key: str | None = field(default=None, repr=False)
    secret: str | None = field(default=None, repr=False)
    private_key: str | Path | None = field(default=None, repr=False)
    passphrase: str | None = field(default=None, repr=False)
    serves: tuple[Security, ...] = SECURITIES
    folder: Path = Path()

    def __reduce__(self) -> NoReturn:
        raise TypeError("entries are not pickled or copied: they would be written down in clear")


def checked_name(name: object, said_in: str = "") -> str:
    """The name of a profile.

    Args:
        name: The name.
        said_in: The variable that holds it, where one does.

    Raises:
        NoKeyError: It cannot be one. What was given is not shown: it may be a key.
    """
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise NoKeyError(
            f"{said_in}{': ' if said_in else ''}"
            'A profile has a short name of letters, digits, - and _, such as `toolkit.Link("reporting")`. An API '
            "key goes into `key=`, its secret into `secret=`. Nothing was sent."
        )
    return name


def read_profiles(text: str, where: str) -> Mapping[str, Any]:
    """The profiles in a text, by name. It may say which format it has: `format = 1`.

    Raises:
        NoKeyError: It is no TOML, not one of profiles, or one of a newer version of the package.
    """
    place = ""
    try:
        profiles = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:  # which may hold the text, or a piece of it
        found = re.search(r"\(at (line \d+, column \d+|end of document)\)", str(error))
        place = found[1] if found else "some place"
    except (RecursionError, ValueError):  # too deep, or a number of thousands of digits
        place = "some place"
    if place:
        raise NoKeyError(f"{where} is not written in TOML: look at {place}. Nothing was sent.")
    if isinstance(profiles.get("format"), int):
        problem = formats.defect(profiles.pop("format"), formats.PROFILES)
        if problem:
            raise NoKeyError(f"{where} cannot be used: {problem}. Nothing was sent.")
    for name, profile in profiles.items():
        if not isinstance(profile, dict) or not _NAME.fullmatch(name):
            raise NoKeyError(
                f"{where} holds profiles, each under its name in brackets, such as [reporting]; something else "
                "stands there. Nothing was sent."
            )
    return profiles


def entries_of(profile: Mapping[str, Any], where: str, folder: Path) -> list[ProfileEntry]:
    """The keys of a profile: one, or those of its list `keys`.

    Raises:
        NoKeyError: A field is misspelt, or holds what it cannot.
    """
    several = profile.get("keys")
    if several is None:
        return [_entry(profile, where, folder)]
    if len(profile) > 1 or not isinstance(several, list) or not several:
        raise NoKeyError(
            f"{where} has either one key, or several, each under [[name.keys]], and nothing else. "
            "Nothing was sent."
        )
    return [_entry(each, f"{where}, key {number},", folder) for number, each in enumerate(several, start=1)]


def written(name: str, entry: ProfileEntry) -> str:
    """A profile of one key as text."""
    lines = [f"[{name}]"]
    for each in ("key", "secret", "private_key", "passphrase"):
        value = getattr(entry, each)
        if value is not None:
            text = json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007f")
            lines.append(f"{each} = {text}")
    if set(entry.serves) != set(SECURITIES):
        lines.append(f"serves = {json.dumps(list(entry.serves))}")
    return "\n".join([*lines, ""])


def _entry(said: object, where: str, folder: Path) -> ProfileEntry:
    if not isinstance(said, dict):
        raise NoKeyError(f"{where} is no table of {', '.join(_FIELDS)}. Nothing was sent.")
    unknown = sorted(str(name) for name in said.keys() - set(_FIELDS))
    if unknown:
        # A key that was pasted to the left of the = is not shown.
        shown = [name if len(name) <= 20 else "(a long one)" for name in unknown]
        raise NoKeyError(
            f"{where} has a field that is none: {', '.join(shown)}. There are {', '.join(_FIELDS)}. Nothing "
            "was sent."
        )
    for name in _FIELDS[:-1]:
        if name in said and not isinstance(said[name], str):
            raise NoKeyError(f"{where}: `{name}` is text in quotes. Nothing was sent.")
    serves = checked_serves(said.get("serves", list(SECURITIES)), where)
    return ProfileEntry(where=where, folder=folder, **(said | {"serves": serves}))


def checked_serves(serves: object, where: str = "") -> tuple[Security, ...]:
    """The security types that a key may serve.

    Raises:
        NoKeyError: They are no list of such.
    """
    if isinstance(serves, list) and serves and all(each in SECURITIES for each in serves):
        return tuple(dict.fromkeys(serves))
    raise NoKeyError(
        f"{where}{': ' if where else ''}"
        '`serves` is a list of the security types that the key may serve, out of "USER_DATA" '
        '(reading) and "TRADE". Nothing was sent.'
    )
