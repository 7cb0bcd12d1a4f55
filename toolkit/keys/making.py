"""New key pairs, and new profiles."""

from __future__ import annotations

from pathlib import Path

from toolkit.errors import NoKeyError, without_frames
from toolkit.keys import system
from toolkit.keys.files import profiles_file, read_private, write_private
from toolkit.keys.profiles import Entry, checked_name, read_profiles, written
from toolkit.keys.sources import Ask, credentials_of


@without_frames
def make_pair(path: Path, passphrase: str | None = None) -> str:
    """Make an Ed25519 pair: the private part goes into a file, the public part comes back in PEM.

    Raises:
        NoKeyError: The file is there already, or cannot be written.
    """
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    private = Ed25519PrivateKey.generate()
    lock: serialization.KeySerializationEncryption = serialization.NoEncryption()
    if passphrase:
        lock = serialization.BestAvailableEncryption(passphrase.encode())
    text = private.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, lock).decode()
    problem = ""
    try:
        write_private(path, text, replace=False)
    except FileExistsError:
        problem = f"{path} is there already, and a key is never written over"
    except OSError as error:
        problem = f"{path} cannot be written: {error.strerror}"
    if problem:
        raise NoKeyError(f"{problem}. Nothing was made.")
    public = private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return public.decode()


@without_frames
def add_profile(name: str, entry: Entry, *, in_keyring: bool = False, ask: Ask | None = None) -> str:
    """Write a profile of one key down; where it is now, in words.

    Args:
        name: Its name.
        entry: Its key.
        in_keyring: Put it into the system's keyring instead of the file of profiles.
        ask: Asks for the passphrase of its private key, to see that it can be opened.

    Raises:
        NoKeyError: There is one of that name, the key cannot be used, or nothing can be written.
    """
    checked_name(name)
    credentials_of(entry, None, profile=name, ask=ask)
    if in_keyring:
        if system.stored(name) is not None:
            raise NoKeyError(f"The system's keyring has a profile {name} already. Nothing was stored.")
        system.store(name, written(name, entry))
        return "the system's keyring"
    path = profiles_file()
    try:
        text = read_private(path)
    except FileNotFoundError:
        text = ""
    if name in read_profiles(text, str(path)):
        raise NoKeyError(f"{path} has a profile {name} already: take it out first. Nothing was written.")
    before = f"{text.rstrip()}\n\n" if text.strip() else ""
    problem = ""
    try:
        write_private(path, before + written(name, entry), replace=True)
    except OSError as error:
        problem = f"{path} cannot be written: {error.strerror}"
    if problem:
        raise NoKeyError(f"{problem}. Nothing was written.")
    return str(path)
