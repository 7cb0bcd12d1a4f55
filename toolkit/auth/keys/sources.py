"""Looks up keys in arguments, the environment, profiles and the keyring."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from toolkit.auth.credentials import Credentials, Keys
from toolkit.auth.keys import system_keyring
from toolkit.auth.keys.files import profiles_file, read_private
from toolkit.auth.keys.profiles import DEFAULT_PROFILE, ProfileEntry, checked_name, entries_of, read_profiles
from toolkit.auth.signers import Signer, is_encrypted, is_pem, make_signer
from toolkit.errors import NoKeyError
from toolkit.runtime.tracebacks import without_frames
from toolkit.text.suggestions import did_you_mean

KEY, SECRET = "TOOLKIT_KEY", "TOOLKIT_SECRET"
PRIVATE_KEY, PASSPHRASE = "TOOLKIT_PRIVATE_KEY", "TOOLKIT_PASSPHRASE"
PROFILE = "TOOLKIT_PROFILE"

_KEY_FILES = (".pem", ".key", ".p8", ".der")

Ask = Callable[[str], str]
"""Asks for the passphrase of a private key, given its name."""


@without_frames
def find_keys(
    profile: str | None = None,
    *,
    key: str | None = None,
    secret: str | None = None,
    private_key: str | Path | None = None,
    passphrase: str | None = None,
    ask: Ask | None = None,
    required: bool = True,
) -> Keys:
    """Find the keys to use: those of the arguments, the environment, a profile or the keyring.

    Args:
        profile: Name of a profile.
        key: An API key.
        secret: Its secret, or its private key in PEM.
        private_key: The file of its private key.
        passphrase: Passphrase of the private key.
        ask: Asks for a passphrase that is not stored anywhere.
        required: Whether it is an error that no key is configured. If not, none is returned, for public
            endpoints. A key that is configured and cannot be used is always an error, and so is a keyring
            that cannot be read, as it may hold one.

    Raises:
        NoKeyError: There is no key, or it cannot be used.
    """
    if passphrase is not None and not isinstance(passphrase, str):
        raise NoKeyError("`passphrase` must be text. Nothing was sent.")
    if (key, secret, private_key) != (None, None, None):
        if profile is not None:
            raise NoKeyError(
                "Pass either the name of a profile or a key with its secret, not both. Nothing was sent."
            )
        entry = ProfileEntry(where="", key=key, secret=secret, private_key=private_key)
        return Keys([credentials_of(entry, passphrase, ask=ask)], "arguments")
    if profile is None:
        is_set = [name for name in (KEY, SECRET, PRIVATE_KEY) if os.environ.get(name)]
        profile = os.environ.get(PROFILE, "").rstrip("\r\n") or None  # without the line break of a file
        if is_set and profile is not None:
            raise NoKeyError(
                f"{is_set[0]} and {PROFILE} are both set in the environment: remove one of them, or name a "
                'profile, as in `toolkit.Link("reporting")`. Nothing was sent.'
            )
        if is_set:
            return Keys([credentials_of(_in_environment(), passphrase, ask=ask)], "the environment")
        name = DEFAULT_PROFILE if profile is None else checked_name(profile, PROFILE)
    else:
        name = checked_name(profile)
    entries, origin = _profile(name, named=profile is not None, required=required or passphrase is not None)
    if not entries:
        return Keys([], origin)
    secrets = [_secret_of(each) for each in entries]
    if passphrase is not None and not any(_is_encrypted(secret) for secret, _ in secrets):
        raise NoKeyError(
            f"{origin} has no key that is encrypted with a passphrase: omit `passphrase`. Nothing was sent."
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
    """Make credentials from an entry.

    Args:
        entry: The entry.
        passphrase: Passphrase of its private key, if given as an argument.
        profile: Name of its profile.
        ask: Asks for a passphrase that is not stored anywhere, or stored wrongly.

    Raises:
        NoKeyError: It cannot be used.
    """
    return _credentials(entry, *_secret_of(entry), passphrase, profile=profile, ask=ask)


def _credentials(
    entry: ProfileEntry, secret: str, name: str, passphrase: str | None, *, profile: str, ask: Ask | None
) -> Credentials:
    """As `credentials_of`, given the secret of the entry and its name in errors."""
    if entry.passphrase is not None and not isinstance(entry.passphrase, str):
        raise NoKeyError(f"{_prefix(entry)}`passphrase` must be text. Nothing was sent.")
    if not _is_encrypted(secret):
        # An argument `passphrase` is for the encrypted keys of a profile only.
        given = entry.passphrase if profile or passphrase is None else passphrase
        signer = make_signer(name, secret, given)
    elif passphrase is not None:
        signer = make_signer(f"{name} with `passphrase=`", secret, passphrase)
    elif entry.passphrase is not None:
        signer = make_signer(f"{name} with its `passphrase`", secret, entry.passphrase)
    else:
        signer = _decrypting_signer(name, secret, profile, ask)
    return Credentials(entry.key or "", signer, entry.serves, f"{_prefix(entry)}{_labels(entry)[0]}")


def _decrypting_signer(name: str, secret: str, profile: str, ask: Ask | None) -> Signer:
    """A signer for an encrypted private key whose passphrase is stored elsewhere or asked for."""
    stored_passphrase, problem = system_keyring.load(f"{profile} passphrase") if profile else (None, "")
    source = "the passphrase of the system's keyring"
    if not stored_passphrase:
        stored_passphrase, source = os.environ.get(PASSPHRASE), PASSPHRASE
    if ask is not None:
        if stored_passphrase:
            with suppress(NoKeyError):  # then it is asked for
                return make_signer(name, secret, stored_passphrase)
        return make_signer(name, secret, ask(name))
    if stored_passphrase:
        return make_signer(f"{name} with {source}", secret, stored_passphrase)
    if problem:
        raise NoKeyError(
            f"{name} is encrypted with a passphrase, and the system's keyring {problem}. Pass `passphrase=`, "
            f"set {PASSPHRASE}, or let `toolkit.Link.from_prompt()` ask for it. Nothing was sent."
        )
    return make_signer(name, secret)


def _is_encrypted(secret: str) -> bool:
    return isinstance(secret, str) and is_pem(secret) and is_encrypted(secret)


def _secret_of(entry: ProfileEntry) -> tuple[str, str]:
    """The secret or private key of an entry, and its name in errors.

    Raises:
        NoKeyError: There is none, or both.
    """
    where, (key, secret, private_key) = _prefix(entry), _labels(entry)
    if not entry.key:
        raise NoKeyError(
            f"{where}{key} is missing: the API key that the exchange gave you. Nothing was sent."
        )
    if (entry.secret is None) == (entry.private_key is None):
        raise NoKeyError(
            f"{where}{key} needs either {secret} or {private_key}: give one of the two. Nothing was sent."
        )
    if entry.key == entry.secret:
        raise NoKeyError(f"{where}{key} and {secret} are the same text. Nothing was sent.")
    if entry.private_key is not None:
        return _private_key(entry, f"{where}{private_key}")
    if str(entry.secret).endswith(_KEY_FILES):
        raise NoKeyError(
            f"{where}{secret} is the name of a file: use {private_key} for it. Nothing was sent."
        )
    return entry.secret or "", f"{where}{secret}"


def _prefix(entry: ProfileEntry) -> str:
    """How errors about an entry begin."""
    return f"{entry.where}: " if entry.where not in ("", _ENVIRONMENT) else ""


def _labels(entry: ProfileEntry) -> tuple[str, str, str]:
    """What errors call the key, secret and private key of an entry."""
    if entry.where == _ENVIRONMENT:
        return KEY, SECRET, PRIVATE_KEY
    return "`key`", "`secret`", "`private_key`"


def _private_key(entry: ProfileEntry, name: str) -> tuple[str, str]:
    """The text of a private key, and its name in errors."""
    given = entry.private_key
    if isinstance(given, str) and is_pem(given):
        return given, name
    if not isinstance(given, str | Path) or not str(given).strip():
        raise NoKeyError(f"{name} must be the path of a file in PEM. Nothing was sent.")
    text = None
    for each in _spellings(given):
        path = entry.folder / each
        with suppress(RuntimeError):  # unknown user
            path = entry.folder / Path(each).expanduser()
        with suppress(FileNotFoundError):
            text = read_private(path)
            break
    if text is None:
        raise NoKeyError(f"{name} names a file that does not exist. Nothing was sent.")
    if not is_pem(text):
        raise NoKeyError(f"{name}: {path} contains no key in PEM. Nothing was sent.")
    return text, f"{name} ({path})"


def _spellings(given: str | Path) -> list[str | Path]:
    """A path as given, and without the spaces and quotes that files and variables add to it."""
    plain = str(given).strip().strip("\ufeff\"'")
    return [given] if plain in ("", str(given)) else [given, plain]


_ENVIRONMENT = "The environment"


def _in_environment() -> ProfileEntry:
    def value(name: str) -> str | None:
        return os.environ.get(name) or None

    return ProfileEntry(
        where=_ENVIRONMENT, key=value(KEY), secret=value(SECRET), private_key=value(PRIVATE_KEY)
    )


def _profile(name: str, *, named: bool, required: bool) -> tuple[list[ProfileEntry], str]:
    """The keys of a profile, and where it is stored; if none is required or found, why there is none.

    Raises:
        NoKeyError: There is no such profile, or it cannot be used.
    """
    path = profiles_file()
    profiles = None
    with suppress(FileNotFoundError):
        profiles = read_profiles(read_private(path), str(path))
    if profiles is not None and name in profiles:
        where = f"profile {name} in {path}"
        return entries_of(profiles[name], where, path.parent), where
    text, problem = system_keyring.load(name)
    if text is not None:
        where = f"profile {name} in the system's keyring"
        profile = read_profiles(text, where).get(name, {})
        return entries_of(profile, where, path.parent), where
    others = ", ".join(sorted(profiles or ()))
    if not named:
        hint = '`toolkit.Link("NAME")` uses another profile, ' if others else ""
        reason = (
            "No API key was found in the arguments (`key=`, `secret=`), the environment "
            f"({KEY} with {SECRET} or {PRIVATE_KEY}), the profile `{DEFAULT_PROFILE}` of {path}"
            f"{f', which has {others}' if others else ''}, or the system's keyring"
            f"{f', which {problem}' if problem else ''}. {hint}"
            "`python -m toolkit key add` creates a profile, `toolkit.Link.from_prompt()` asks for a key, and "
            "`toolkit.demo()` needs none. Nothing was sent."
        )
        if required or problem not in ("", system_keyring.NOT_INSTALLED, system_keyring.NOT_AVAILABLE):
            raise NoKeyError(reason)
        return [], reason
    content = "does not exist" if profiles is None else f"has {others or 'none'}"
    question = did_you_mean(name, profiles or ())
    raise NoKeyError(
        f"There is no profile of this name: {path} {content}, and the system's keyring "
        f"{problem or 'does not contain it'}.{question} `python -m toolkit key add NAME` creates one. "
        "Nothing was sent."
    )
