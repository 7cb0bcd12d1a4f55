"""Creates key pairs and profiles."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from toolkit.auth.credentials import SECURITIES
from toolkit.auth.keys import system_keyring
from toolkit.auth.keys.files import profiles_file, read_private
from toolkit.auth.keys.profiles import ProfileEntry, checked_name, checked_serves, profile_toml, read_profiles
from toolkit.auth.keys.sources import Ask, credentials_of
from toolkit.auth.signers import is_pem
from toolkit.endpoints import Security
from toolkit.errors import NoKeyError
from toolkit.runtime.interruptions import forgiving, let_through
from toolkit.runtime.tracebacks import without_frames
from toolkit.storage import files

# The limit of `cryptography`.
_MAX_PASSPHRASE_BYTES = 1023


@without_frames
def make_key_pair(path: str | Path, passphrase: str | None = None) -> str:
    """Create an Ed25519 key pair: write the private key to a file and return the public key in PEM.

    Args:
        path: The file, which must not exist yet.
        passphrase: Passphrase to encrypt the private key with; None to leave it unencrypted.

    Raises:
        NoKeyError: The file exists or cannot be written, or the passphrase is invalid.
    """
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    if not isinstance(path, str | Path) or not str(path).strip():
        raise NoKeyError("`path` must be the path of a file. Nothing was created.")
    path = _expanded(Path(path))
    encryption: serialization.KeySerializationEncryption = serialization.NoEncryption()
    if passphrase is not None:
        encryption = serialization.BestAvailableEncryption(_checked_passphrase(passphrase))
    private = Ed25519PrivateKey.generate()
    text = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption
    ).decode()
    problem, handled = "", sys.exception()
    try:
        files.write(path, text, replace=False)
    except FileExistsError:
        problem = f"{path} already exists, and keys are never overwritten"
    except OSError as error:
        let_through(error, handled)
        problem = f"{path} cannot be written: {error.strerror}"
    except ValueError:  # not a valid path
        problem = "`path` is not a valid file name"
    if problem:
        raise NoKeyError(f"{problem}. Nothing was created.")
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
    """Store a profile with one key, and return where it was stored, in words.

    Args:
        name: Name of the profile.
        key: The API key.
        secret: Its secret, or a private key in PEM.
        private_key: Alternatively, the file of its private key. The file is not moved.
        passphrase: Passphrase of the private key, to be stored in the profile; preferably in the keyring.
        serves: Security types that the key may serve.
        in_keyring: Store it in the system's keyring instead of the file of profiles.
        ask: Asks for a passphrase that is not stored anywhere, to check the private key. It is not stored.

    Raises:
        NoKeyError: The name is taken, the key cannot be used, or nothing can be written.
    """
    unused_name(name, in_keyring=in_keyring)
    path = profiles_file()
    entry = ProfileEntry(
        where="",
        key=key,
        secret=secret,
        private_key=_profile_path(private_key, path.parent),
        passphrase=passphrase,
        serves=checked_serves(list(serves)),
        folder=path.parent,
    )
    for field in ("private_key", "passphrase"):
        if not _is_encodable(str(getattr(entry, field))):
            raise NoKeyError(
                f"`{field}` contains characters that cannot be encoded in UTF-8. Nothing was written."
            )
    credentials_of(entry, profile=name, ask=ask)
    if in_keyring:
        system_keyring.store(name, profile_toml(name, entry))
        return "the system's keyring"
    problem, handled = "", sys.exception()
    try:
        target = files.resolve_links(path)  # write to the target of a link, and keep the link
        files.make_folder(target.parent)
        with files.locked(target):
            text = _not_in_file(name, target)
            before = f"{text.rstrip()}\n\n" if text.strip() else ""
            files.write(target, before + profile_toml(name, entry), replace=True)
    except OSError as error:
        let_through(error, handled)
        problem = f"{path} cannot be written: {error.strerror}"
    if problem:
        raise NoKeyError(f"{problem}. Nothing was written.")
    return str(path)


def unused_name(name: str, *, in_keyring: bool = False) -> str:
    """Check that a name is free in the file of profiles and in the system's keyring, and return it.

    Args:
        name: Name of the profile.
        in_keyring: Whether the profile will be stored in the keyring, which must be available then.

    Raises:
        NoKeyError: The name is invalid or taken, or there is no keyring.
    """
    checked_name(name)
    _not_in_file(name, profiles_file())
    text, problem = system_keyring.load(name)
    if text is not None:
        raise NoKeyError(
            f"The system's keyring already has a profile {name}: remove it first. Nothing was written."
        )
    if in_keyring and problem:
        raise system_keyring.unusable(problem)
    return name


def _not_in_file(name: str, path: Path) -> str:
    """The text of the file of profiles, if it has no profile of this name.

    Raises:
        NoKeyError: It has one, or cannot be read.
    """
    text = ""
    with suppress(FileNotFoundError):
        text = read_private(path)
    if name in read_profiles(text, str(path)):
        raise NoKeyError(f"{path} already has a profile {name}: remove it first. Nothing was written.")
    return text


def _profile_path(given: str | Path | None, folder: Path) -> str | Path | None:
    """The path of a private key for a profile: relative if it lies beside the file of profiles."""
    if not isinstance(given, str | Path) or not str(given).strip() or is_pem(str(given)):
        return given  # reported when it is opened
    path = _expanded(Path(given))
    with forgiving(OSError, ValueError, RuntimeError):
        path = path.resolve()
    return path.name if path.parent == folder.resolve() else path


def _expanded(path: Path) -> Path:
    with suppress(RuntimeError):  # unknown user
        return path.expanduser()
    return path


def _checked_passphrase(passphrase: object) -> bytes:
    problem = ""
    if not isinstance(passphrase, str) or not _is_encodable(passphrase):
        problem = "is not text"
    elif not passphrase:
        problem = "is empty: omit it to leave the key unencrypted"
    elif len(passphrase.encode()) > _MAX_PASSPHRASE_BYTES:
        problem = f"is longer than {_MAX_PASSPHRASE_BYTES:,} bytes"
    if problem:
        raise NoKeyError(f"The passphrase {problem}. Nothing was created.")
    return str(passphrase).encode()


def _is_encodable(text: str) -> bool:
    """Whether a text can be encoded in UTF-8."""
    with suppress(UnicodeEncodeError):
        text.encode()
        return True
    return False
