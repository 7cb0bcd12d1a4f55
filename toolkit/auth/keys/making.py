"""New key pairs, and new profiles."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from toolkit.auth.credentials import SECURITIES
from toolkit.auth.keys import system
from toolkit.auth.keys.files import profiles_file, read_private
from toolkit.auth.keys.profiles import ProfileEntry, checked_name, checked_serves, read_profiles, written
from toolkit.auth.keys.sources import Ask, credentials_of
from toolkit.auth.signers import is_pem
from toolkit.endpoints import Security
from toolkit.errors import NoKeyError
from toolkit.runtime.interruptions import forgiving, let_through
from toolkit.runtime.tracebacks import without_frames
from toolkit.storage import files

# What `cryptography` takes at most.
_LONGEST_PASSPHRASE = 1023


@without_frames
def make_key_pair(path: str | Path, passphrase: str | None = None) -> str:
    """Make an Ed25519 pair: the private part goes into a file, the public part comes back in PEM.

    Args:
        path: The file, which is not there yet.
        passphrase: What the private part is locked with; it is not locked when not given.

    Raises:
        NoKeyError: The file is there already, or cannot be written, or the passphrase cannot be one.
    """
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    if not isinstance(path, str | Path) or not str(path).strip():
        raise NoKeyError("`path` is the path of a file. Nothing was made.")
    path = _expanded(Path(path))
    lock: serialization.KeySerializationEncryption = serialization.NoEncryption()
    if passphrase is not None:
        lock = serialization.BestAvailableEncryption(_checked_passphrase(passphrase))
    private = Ed25519PrivateKey.generate()
    text = private.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, lock).decode()
    problem, outside = "", sys.exception()
    try:
        files.write(path, text, replace=False)
    except FileExistsError:
        problem = f"{path} is there already, and a key is never written over"
    except OSError as error:
        let_through(error, outside)
        problem = f"{path} cannot be written: {error.strerror}"
    except ValueError:  # it has what no name may have
        problem = "`path` is no name that a file can have"
    if problem:
        raise NoKeyError(f"{problem}. Nothing was made.")
    public = private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return public.decode()


@without_frames
def add_profile(
    name: str,
    *,
    key: str,
    secret: str | None = None,
    private_key: str | Path | None = None,
    passphrase: str | None = None,
    serves: Sequence[Security] = SECURITIES,
    in_keyring: bool = False,
    ask: Ask | None = None,
) -> str:
    """Write a profile of one key down; where it is now, in words.

    Args:
        name: Its name.
        key: The API key.
        secret: Its secret, or a private key in PEM.
        private_key: Or the file of its private key, which stays where it is.
        passphrase: What that is locked with, to be written down with it; best in the keyring only.
        serves: Security types it may serve.
        in_keyring: Put it into the system's keyring instead of the file of profiles.
        ask: Asks for a passphrase that is nowhere else, to see that the private key opens. It is not
            written down.

    Raises:
        NoKeyError: There is one of that name, the key cannot be used, or nothing can be written.
    """
    unused_name(name, in_keyring=in_keyring)
    path = profiles_file()
    entry = ProfileEntry(
        where="",
        key=key,
        secret=secret,
        private_key=_as_written(private_key, path.parent),
        passphrase=passphrase,
        serves=checked_serves(list(serves)),
        folder=path.parent,
    )
    for field in ("private_key", "passphrase"):
        if not _is_unicode(str(getattr(entry, field))):
            raise NoKeyError(f"`{field}` has characters that no text in UTF-8 has. Nothing was written.")
    credentials_of(entry, profile=name, ask=ask)
    if in_keyring:
        system.store(name, written(name, entry))
        return "the system's keyring"
    problem, outside = "", sys.exception()
    try:
        target = files.resolve_links(path)  # what a link points to is written, and the link stays
        files.make_folder(target.parent)
        with files.locked(target):
            text = _not_in_file(name, target)
            before = f"{text.rstrip()}\n\n" if text.strip() else ""
            files.write(target, before + written(name, entry), replace=True)
    except OSError as error:
        let_through(error, outside)
        problem = f"{path} cannot be written: {error.strerror}"
    if problem:
        raise NoKeyError(f"{problem}. Nothing was written.")
    return str(path)


def unused_name(name: str, *, in_keyring: bool = False) -> str:
    """The name of a profile that is not there yet, neither in the file nor in the system's keyring.

    Args:
        name: The name.
        in_keyring: The profile is to go into the keyring, which therefore has to be there.

    Raises:
        NoKeyError: It cannot be a name, there is a profile of it, or there is no keyring.
    """
    checked_name(name)
    _not_in_file(name, profiles_file())
    text, problem = system.stored(name)
    if text is not None:
        raise NoKeyError(
            f"The system's keyring has a profile {name} already: take it out first. Nothing was written."
        )
    if in_keyring and problem:
        raise system.unusable(problem)
    return name


def _not_in_file(name: str, path: Path) -> str:
    """The text of a file of profiles, where none has this name.

    Raises:
        NoKeyError: One has, or the file cannot be read.
    """
    text = ""
    with suppress(FileNotFoundError):
        text = read_private(path)
    if name in read_profiles(text, str(path)):
        raise NoKeyError(f"{path} has a profile {name} already: take it out first. Nothing was written.")
    return text


def _as_written(given: str | Path | None, folder: Path) -> str | Path | None:
    """The file of a private key as a profile names it: by its name beside the profiles, else by its path."""
    if not isinstance(given, str | Path) or not str(given).strip() or is_pem(str(given)):
        return given  # what cannot be one is told by who opens it
    path = _expanded(Path(given))
    with forgiving(OSError, ValueError, RuntimeError):
        path = path.resolve()
    return path.name if path.parent == folder.resolve() else path


def _expanded(path: Path) -> Path:
    with suppress(RuntimeError):  # nobody has such a home folder
        return path.expanduser()
    return path


def _checked_passphrase(passphrase: object) -> bytes:
    problem = ""
    if not isinstance(passphrase, str) or not _is_unicode(passphrase):
        problem = "is no text"
    elif not passphrase:
        problem = "is empty: leave it out where the key is not to be locked"
    elif len(passphrase.encode()) > _LONGEST_PASSPHRASE:
        problem = f"is longer than {_LONGEST_PASSPHRASE:,} bytes"
    if problem:
        raise NoKeyError(f"The passphrase {problem}. Nothing was made.")
    return str(passphrase).encode()


def _is_unicode(text: str) -> bool:
    """Whether it can be written in UTF-8."""
    with suppress(UnicodeEncodeError):
        text.encode()
        return True
    return False
