"""Finds keys where they may be, and says clearly what is wrong with those that cannot be used."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from toolkit.auth.credentials import Credentials, Keys
from toolkit.auth.keys import system
from toolkit.auth.keys.files import profiles_file, read_private
from toolkit.auth.keys.profiles import USUAL, ProfileEntry, checked_name, entries_of, read_profiles
from toolkit.auth.signers import Signer, is_locked, is_pem, signer_of
from toolkit.errors import NoKeyError
from toolkit.runtime.tracebacks import without_frames
from toolkit.text.suggestions import did_you_mean

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
    if passphrase is not None and not isinstance(passphrase, str):
        raise NoKeyError("`passphrase` is no text. Nothing was sent.")
    if (key, secret, private_key) != (None, None, None):
        if profile is not None:
            raise NoKeyError(
                "Give the name of a profile, or a key with its secret, and not both. Nothing was sent."
            )
        entry = ProfileEntry(where="", key=key, secret=secret, private_key=private_key)
        return Keys([credentials_of(entry, passphrase, ask=ask)], "arguments")
    if profile is None:
        is_set = [name for name in (KEY, SECRET, PRIVATE_KEY) if os.environ.get(name)]
        profile = os.environ.get(PROFILE, "").rstrip("\r\n") or None  # a file's line end
        if is_set and profile is not None:
            raise NoKeyError(
                f"{is_set[0]} and {PROFILE} are both set in the environment: take one of them out, or name a "
                'profile, `toolkit.Link("reporting")`. Nothing was sent.'
            )
        if is_set:
            return Keys([credentials_of(_in_environment(), passphrase, ask=ask)], "the environment")
        name = USUAL if profile is None else checked_name(profile, PROFILE)
    else:
        name = checked_name(profile)
    entries, origin = _profile(name, named=profile is not None)
    secrets = [_secret_of(each) for each in entries]
    if passphrase is not None and not any(_is_locked(secret) for secret, _ in secrets):
        raise NoKeyError(
            f"{origin}: nothing in it is locked with a passphrase: leave it out. Nothing was sent."
        )
    return Keys(
        [
            _credentials(each, *secret, passphrase, profile=name, ask=ask)
            for each, secret in zip(entries, secrets, strict=True)
        ],
        origin,
    )


def credentials_of(
    entry: ProfileEntry, passphrase: str | None = None, *, profile: str = "", ask: Ask | None = None
) -> Credentials:
    """What was written down of a key, fit to be used.

    Args:
        entry: What was written down.
        passphrase: What its private key is locked with, where that was given.
        profile: Name of its profile.
        ask: Asks for a passphrase that is nowhere else, or wrong where it was found.

    Raises:
        NoKeyError: It cannot be used.
    """
    return _credentials(entry, *_secret_of(entry), passphrase, profile=profile, ask=ask)


def _credentials(
    entry: ProfileEntry, secret: str, name: str, passphrase: str | None, *, profile: str, ask: Ask | None
) -> Credentials:
    """As `credentials_of`, with the secret of the entry and what errors call it."""
    if entry.passphrase is not None and not isinstance(entry.passphrase, str):
        raise NoKeyError(f"{_place(entry)}`passphrase` is no text. Nothing was sent.")
    if not _is_locked(secret):
        # Of the keys of a profile, what is given besides is for those that are locked.
        given = entry.passphrase if profile or passphrase is None else passphrase
        signer = signer_of(name, secret, given)
    elif passphrase is not None:
        signer = signer_of(f"{name} with `passphrase=`", secret, passphrase)
    elif entry.passphrase is not None:
        signer = signer_of(f"{name} with its `passphrase`", secret, entry.passphrase)
    else:
        signer = _unlocked(name, secret, profile, ask)
    return Credentials(entry.key or "", signer, entry.serves, f"{_place(entry)}{_names(entry)[0]}")


def _unlocked(name: str, secret: str, profile: str, ask: Ask | None) -> Signer:
    """What signs with a locked private key, of which the passphrase was not given with it."""
    phrase, problem = system.stored(f"{profile} passphrase") if profile else (None, "")
    whose = "the passphrase of the system's keyring"
    if not phrase:
        phrase, whose = os.environ.get(PASSPHRASE), PASSPHRASE
    if ask is not None:
        if phrase:
            with suppress(NoKeyError):  # it is asked for, then
                return signer_of(name, secret, phrase)
        return signer_of(name, secret, ask(name))
    if phrase:
        return signer_of(f"{name} with {whose}", secret, phrase)
    if problem:
        raise NoKeyError(
            f"{name} is locked with a passphrase, and the system's keyring {problem}. Give `passphrase=`, "
            f"set {PASSPHRASE}, or have `toolkit.Link.from_prompt()` ask for it. Nothing was sent."
        )
    return signer_of(name, secret)


def _is_locked(secret: str) -> bool:
    return isinstance(secret, str) and is_pem(secret) and is_locked(secret)


def _secret_of(entry: ProfileEntry) -> tuple[str, str]:
    """The secret or private key, and what errors call it.

    Raises:
        NoKeyError: There is none, or there is too much.
    """
    where, (key, secret, private_key) = _place(entry), _names(entry)
    if not entry.key:
        raise NoKeyError(
            f"{where}{key} is missing: the API key that the exchange gave you. Nothing was sent."
        )
    if (entry.secret is None) == (entry.private_key is None):
        raise NoKeyError(
            f"{where}{key} goes together with {secret}, or with {private_key}: give one of the two. Nothing "
            "was sent."
        )
    if entry.key == entry.secret:
        raise NoKeyError(f"{where}{key} and {secret} are the same text. Nothing was sent.")
    if entry.private_key is not None:
        return _private_key(entry, f"{where}{private_key}")
    if str(entry.secret).endswith(_KEY_FILES):
        raise NoKeyError(f"{where}{secret} is the name of a file: that is {private_key}. Nothing was sent.")
    return entry.secret or "", f"{where}{secret}"


def _place(entry: ProfileEntry) -> str:
    """What errors begin with."""
    return f"{entry.where}: " if entry.where not in ("", _ENVIRONMENT) else ""


def _names(entry: ProfileEntry) -> tuple[str, str, str]:
    """What errors call key, secret and private key."""
    if entry.where == _ENVIRONMENT:
        return KEY, SECRET, PRIVATE_KEY
    return "`key`", "`secret`", "`private_key`"


def _private_key(entry: ProfileEntry, name: str) -> tuple[str, str]:
    """The text of a private key, and what errors call it."""
    given = entry.private_key
    if isinstance(given, str) and is_pem(given):
        return given, name
    if not isinstance(given, str | Path) or not str(given).strip():
        raise NoKeyError(f"{name} is the path of a file in PEM. Nothing was sent.")
    text = None
    for each in _spellings(given):
        path = entry.folder / each
        with suppress(RuntimeError):  # nobody has such a home folder
            path = entry.folder / Path(each).expanduser()
        with suppress(FileNotFoundError):
            text = read_private(path)
            break
    if text is None:
        raise NoKeyError(f"{name} names a file that is not there. Nothing was sent.")
    if not is_pem(text):
        raise NoKeyError(f"{name}: {path} holds no key in PEM. Nothing was sent.")
    return text, f"{name} ({path})"


def _spellings(given: str | Path) -> list[str | Path]:
    """A path as it was given; and without what files and variables of an environment leave around it."""
    plain = str(given).strip().strip("\ufeff\"'")
    return [given] if plain in ("", str(given)) else [given, plain]


_ENVIRONMENT = "The environment"


def _in_environment() -> ProfileEntry:
    def said(name: str) -> str | None:
        return os.environ.get(name) or None

    return ProfileEntry(where=_ENVIRONMENT, key=said(KEY), secret=said(SECRET), private_key=said(PRIVATE_KEY))


def _profile(name: str, *, named: bool) -> tuple[list[ProfileEntry], str]:
    """The keys of a profile and where it is.

    Raises:
        NoKeyError: There is none, or it cannot be used.
    """
    path = profiles_file()
    profiles = None
    with suppress(FileNotFoundError):
        profiles = read_profiles(read_private(path), str(path))
    if profiles is not None and name in profiles:
        where = f"profile {name} in {path}"
        return entries_of(profiles[name], where, path.parent), where
    text, problem = system.stored(name)
    if text is not None:
        where = f"profile {name} in the system's keyring"
        profile = read_profiles(text, where).get(name, {})
        return entries_of(profile, where, path.parent), where
    others = ", ".join(sorted(profiles or ()))
    if not named:
        opens = '`toolkit.Link("NAME")` opens another profile, ' if others else ""
        raise NoKeyError(
            "No key was found. It is looked for in the arguments (`key=`, `secret=`), in the environment "
            f"({KEY} with {SECRET} or {PRIVATE_KEY}), in the profile `{USUAL}` of {path}"
            f"{f', which has {others}' if others else ''}, and in the system's keyring"
            f"{f', which {problem}' if problem else ''}. {opens}"
            "`python -m toolkit key add` makes a profile, `toolkit.Link.from_prompt()` asks for a key, and "
            "`toolkit.demo()` needs none. Nothing was sent."
        )
    there = "is not there" if profiles is None else f"has {others or 'none'}"
    question = did_you_mean(name, profiles or ())
    raise NoKeyError(
        f"There is no profile of this name: {path} {there}, and the system's keyring "
        f"{problem or 'has not got it'}.{question} `python -m toolkit key add NAME` makes one. Nothing was "
        "sent."
    )
