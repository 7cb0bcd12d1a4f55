"""Profiles: the keys of an account under a name, stored in TOML."""

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

DEFAULT_PROFILE = "default"
"""The profile that is used if none is named."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}")
_FIELDS = ("key", "secret", "private_key", "passphrase", "serves")


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileEntry:
    """One key of a profile, of the environment or of the arguments, not yet checked.

    Attributes:
        where: Where it comes from, for errors.
        key: The API key.
        secret: Its secret, or a private key in PEM.
        private_key: The file of its private key; a relative path is resolved against `folder`.
        passphrase: Passphrase of the private key.
        serves: Security types that the key may serve.
        folder: Base of a relative path.
    """

    where: str
    key: str | None = field(default=None, repr=False)
    secret: str | None = field(default=None, repr=False)
    private_key: str | Path | None = field(default=None, repr=False)
    passphrase: str | None = field(default=None, repr=False)
    serves: tuple[Security, ...] = SECURITIES
    folder: Path = Path()

    def __reduce__(self) -> NoReturn:
        raise TypeError("entries cannot be pickled or copied: that would expose the secret")


def checked_name(name: object, variable: str = "") -> str:
    """Check the name of a profile, and return it.

    Args:
        name: The name.
        variable: The environment variable that contains it, if any.

    Raises:
        NoKeyError: The name is invalid. It is not quoted, as it may be a key.
    """
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise NoKeyError(
            f"{variable}{': ' if variable else ''}"
            "The name of a profile is short and consists of letters, digits, - and _, as in "
            '`toolkit.Link("reporting")`. Pass an API key as `key=` and its secret as `secret=`. Nothing was '
            "sent."
        )
    return name


def read_profiles(text: str, where: str) -> Mapping[str, Any]:
    """Parse profiles in TOML. The text may declare its format: `format = 1`.

    Returns:
        The profiles by name.

    Raises:
        NoKeyError: It is not TOML, contains something else, or was written by a newer version.
    """
    location = ""
    try:
        profiles = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:  # whose text may quote a secret
        found = re.search(r"\(at (line \d+, column \d+|end of document)\)", str(error))
        location = found[1] if found else "an unknown position"
    except (RecursionError, ValueError):  # nested too deeply, or a number with thousands of digits
        location = "an unknown position"
    if location:
        raise NoKeyError(f"{where} is not valid TOML: see {location}. Nothing was sent.")
    if isinstance(profiles.get("format"), int):
        problem = formats.defect(profiles.pop("format"), formats.PROFILES)
        if problem:
            raise NoKeyError(f"{where} cannot be used: {problem}. Nothing was sent.")
    for name, profile in profiles.items():
        if not isinstance(profile, dict) or not _NAME.fullmatch(name):
            raise NoKeyError(
                f"{where} must contain only profiles, each under its name in brackets, such as [reporting]. "
                "Nothing was sent."
            )
    return profiles


def entries_of(profile: Mapping[str, Any], where: str, folder: Path) -> list[ProfileEntry]:
    """The keys of a profile: one, or those of its list `keys`.

    Raises:
        NoKeyError: A field is unknown or invalid.
    """
    several = profile.get("keys")
    if several is None:
        return [_entry(profile, where, folder)]
    if len(profile) > 1 or not isinstance(several, list) or not several:
        raise NoKeyError(
            f"{where} must have either one key or several, each under [[name.keys]], and nothing else. "
            "Nothing was sent."
        )
    return [_entry(each, f"{where}, key {number},", folder) for number, each in enumerate(several, start=1)]


def profile_toml(name: str, entry: ProfileEntry) -> str:
    """A profile with one key as TOML."""
    lines = [f"[{name}]"]
    for each in ("key", "secret", "private_key", "passphrase"):
        value = getattr(entry, each)
        if value is not None:
            text = json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007f")
            lines.append(f"{each} = {text}")
    if set(entry.serves) != set(SECURITIES):
        lines.append(f"serves = {json.dumps(list(entry.serves))}")
    return "\n".join([*lines, ""])


def _entry(table: object, where: str, folder: Path) -> ProfileEntry:
    if not isinstance(table, dict):
        raise NoKeyError(f"{where} must be a table with the fields {', '.join(_FIELDS)}. Nothing was sent.")
    unknown = sorted(str(name) for name in table.keys() - set(_FIELDS))
    if unknown:
        # A long name may be a key that was pasted to the left of the =.
        shown = [name if len(name) <= 20 else "(a long one)" for name in unknown]
        raise NoKeyError(
            f"{where} has an unknown field: {', '.join(shown)}. The fields are {', '.join(_FIELDS)}. Nothing "
            "was sent."
        )
    for name in _FIELDS[:-1]:
        if name in table and not isinstance(table[name], str):
            raise NoKeyError(f"{where}: `{name}` must be text in quotes. Nothing was sent.")
    serves = checked_serves(table.get("serves", list(SECURITIES)), where)
    return ProfileEntry(where=where, folder=folder, **(table | {"serves": serves}))


def checked_serves(serves: object, where: str = "") -> tuple[Security, ...]:
    """Check the security types that a key may serve.

    Raises:
        NoKeyError: It is not a list of security types.
    """
    if isinstance(serves, list) and serves and all(each in SECURITIES for each in serves):
        return tuple(dict.fromkeys(serves))
    raise NoKeyError(
        f"{where}{': ' if where else ''}"
        '`serves` must be a list of the security types that the key may serve: "USER_DATA" (reading) and '
        '"TRADE". Nothing was sent.'
    )
