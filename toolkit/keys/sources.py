"""Finds keys where they may be, and says clearly what is wrong with those that cannot be used."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from toolkit.errors import NoKeyError, without_frames
from toolkit.keys import system
from toolkit.keys.files import profiles_file, read_private
from toolkit.keys.profiles import USUAL, Entry, checked_name, entries_of, read_profiles
from toolkit.wire.credentials import Credentials, Keys
from toolkit.wire.signers import is_locked, is_pem, signer_of

KEY, SECRET = "TOOLKIT_KEY", "TOOLKIT_SECRET"
PRIVATE_KEY, PASSPHRASE = "TOOLKIT_PRIVATE_KEY", "TOOLKIT_PASSPHRASE"
PROFILE = "TOOLKIT_PROFILE"

_KEY_FILES = (".pem", ".key", ".p8", ".der")

Ask = Callable[[str], str]
"""Asks for the passphrase of the key at a place."""


@without_frames
def find_keys(
    profile: str | None = None,
    *,
    key: str | None = None,
    secret: str | None = None,
    private_key: str | Path | None = None,
    passphrase: str | None = None,
    ask: Ask | None = None,
) -> Keys:
    """The keys to use.

    Args:
        profile: Name of a profile.
        key: An API key.
        secret: Its secret, or its private key in PEM.
        private_key: The file of its private key.
        passphrase: What that is locked with.
        ask: Asks for a passphrase that is nowhere else.

    Raises:
        NoKeyError: There are none, or they cannot be used.
    """
    if (key, secret, private_key) != (None, None, None):
        if profile is not None:
            raise NoKeyError(
                "Give the name of a profile, or a key with its secret, and not both. Nothing was sent."
            )
        entry = Entry(where="", key=key, secret=secret, private_key=private_key)
        return Keys([credentials_of(entry, passphrase, ask=ask)], "arguments")
    if profile is None:
        if any(os.environ.get(name) for name in (KEY, SECRET, PRIVATE_KEY)):
            return Keys([credentials_of(_in_environment(), passphrase, ask=ask)], "the environment")
        profile = os.environ.get(PROFILE) or None
    name = USUAL if profile is None else checked_name(profile)
    found = _profile(name, named=profile is not None)
    if found is None:
        raise NoKeyError(
            "No key was found. It is looked for in the arguments (`key=`, `secret=`), in the environment "
            f"({KEY} with {SECRET} or {PRIVATE_KEY}), in the profile `{USUAL}` of {profiles_file()}, and in "
            "the system's keyring. `python -m toolkit key add` makes a profile, `toolkit.Link.ask()` asks "
            "for a key, and `toolkit.demo()` needs none. Nothing was sent."
        )
    entries, origin = found
    return Keys([credentials_of(each, passphrase, profile=name, ask=ask) for each in entries], origin)


def credentials_of(
    entry: Entry, passphrase: str | None, *, profile: str = "", ask: Ask | None = None
) -> Credentials:
    """What was written down of a key, fit to be used.

    Args:
        entry: What was written down.
        passphrase: What its private key is locked with, where that was given.
        profile: Name of its profile.
        ask: Asks for a passphrase that is nowhere else.

    Raises:
        NoKeyError: It cannot be used.
    """
    names = _names(entry)
    if not entry.key:
        raise NoKeyError(
            f"{names['key']} is missing: the API key that the exchange gave you. Nothing was sent."
        )
    if (entry.secret is None) == (entry.private_key is None):
        raise NoKeyError(
            f"{names['key']} goes together with {names['secret']}, or with {names['private_key']}: give one "
            "of the two. Nothing was sent."
        )
    if entry.key == entry.secret:
        raise NoKeyError(f"{names['key']} and {names['secret']} are the same text. Nothing was sent.")
    secret, name = entry.secret, names["secret"]
    if entry.private_key is not None:
        secret, name = _private_key(entry, names["private_key"])
    elif str(secret).endswith(_KEY_FILES):
        raise NoKeyError(f"{name} is the name of a file: that is `private_key`. Nothing was sent.")
    locked = isinstance(secret, str) and is_pem(secret) and is_locked(secret)
    # Of the keys of a profile, what is given besides is for those that are locked.
    phrase = entry.passphrase if profile and not locked else passphrase or entry.passphrase
    if phrase is None and locked:
        phrase = os.environ.get(PASSPHRASE) or (profile and system.stored(f"{profile} passphrase")) or None
        if phrase is None and ask is not None:
            phrase = ask(name)
    return Credentials(entry.key, signer_of(name, secret or "", phrase), entry.serves, names["key"])


def _names(entry: Entry) -> dict[str, str]:
    """What errors call the fields."""
    if entry.where == _ENVIRONMENT:
        return {"key": KEY, "secret": SECRET, "private_key": PRIVATE_KEY}
    place = f"{entry.where}: " if entry.where else ""
    return {each: f"{place}`{each}`" for each in ("key", "secret", "private_key")}


def _private_key(entry: Entry, name: str) -> tuple[str, str]:
    """The text of a private key, and what errors call it."""
    given = entry.private_key
    if isinstance(given, str) and is_pem(given):
        return given, name
    if not isinstance(given, str | Path) or not str(given).strip():
        raise NoKeyError(f"{name} is the path of a file in PEM. Nothing was sent.")
    path, text = entry.folder / given, None
    with suppress(RuntimeError):  # nobody has such a home folder
        path = entry.folder / Path(given).expanduser()
    with suppress(FileNotFoundError):
        text = read_private(path)
    if text is None:
        raise NoKeyError(f"{name} names a file that is not there. Nothing was sent.")
    if not is_pem(text):
        raise NoKeyError(f"{name}: {path} holds no key in PEM. Nothing was sent.")
    return text, f"{name} ({path})"


_ENVIRONMENT = "The environment"


def _in_environment() -> Entry:
    def said(name: str) -> str | None:
        return os.environ.get(name) or None

    return Entry(where=_ENVIRONMENT, key=said(KEY), secret=said(SECRET), private_key=said(PRIVATE_KEY))


def _profile(name: str, *, named: bool) -> tuple[list[Entry], str] | None:
    """The keys of a profile and where it is; None where there is none and nobody named it.

    Raises:
        NoKeyError: There is none of a name that was given, or it cannot be used.
    """
    path = profiles_file()
    profiles = None
    with suppress(FileNotFoundError):
        profiles = read_profiles(read_private(path), str(path))
    if profiles is not None and name in profiles:
        where = f"profile {name} in {path}"
        return entries_of(profiles[name], where, path.parent), where
    text = system.stored(name)
    if text is not None:
        where = f"profile {name} in the system's keyring"
        profile = read_profiles(text, where).get(name, {})
        return entries_of(profile, where, path.parent), where
    if not named:
        return None
    there = "is not there" if profiles is None else f"has {', '.join(sorted(profiles)) or 'none'}"
    raise NoKeyError(
        f"There is no profile of this name: {path} {there}, and the system's keyring has not got it. "
        "`python -m toolkit key add NAME` makes one. Nothing was sent."
    )
