"""Keys for tests, files and keyrings that hold them, and errors about bad ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keyring.backend
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519
from keyring.errors import PasswordDeleteError

import toolkit
from tests.support.clocks import FakeClock
from toolkit.auth.keys import find_keys
from toolkit.endpoints import BASE_URLS
from toolkit.errors import NoKeyError
from toolkit.sandbox.keys import letters

KEY, SECRET = letters("a key"), letters("a secret")
PASSPHRASE = "correct horse"
PRIVATE = ed25519.Ed25519PrivateKey.generate()
Private = Any  # a private key of any kind


def pem(private: Private, passphrase: str | None = None, form: str = "PKCS8") -> str:
    lock = (
        serialization.BestAvailableEncryption(passphrase.encode())
        if passphrase
        else serialization.NoEncryption()
    )
    return private.private_bytes(
        serialization.Encoding.PEM, getattr(serialization.PrivateFormat, form), lock
    ).decode()


def write(path: Path, text: str, mode: int = 0o600) -> Path:
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)
    return path


def profiles(folder: Path, text: str, mode: int = 0o600) -> Path:
    return write(folder / "profiles.toml", text, mode)


def secretless(error: BaseException) -> str:
    """The text of an error, after a check that nothing in it is secret."""
    text = f"{error} {error!r} {error.__dict__} {error.__context__!r} {error.__cause__!r}"
    for secret in (KEY, SECRET, PASSPHRASE, "MC4CAQ", "PRIVATE KEY-----"):
        assert secret not in text
    return str(error)


def refused(message: str, **arguments: Any) -> None:
    with pytest.raises(NoKeyError, match=message) as caught:
        toolkit.Link(**arguments)
    assert "Nothing was sent" in secretless(caught.value)


def refused_without_key(message: str) -> None:
    """Check the error of a call that needs a key, of a Link that found none."""
    link = toolkit.Link(hosts=dict.fromkeys(BASE_URLS, "http://127.0.0.1:9"), clock=FakeClock())
    with pytest.raises(NoKeyError, match=message) as caught:
        link.exchange.partner()
    text = secretless(caught.value)
    assert text.startswith("exchange.partner needs an API key; public endpoints need none. ")
    assert text.endswith("Nothing was sent.")
    with pytest.raises(NoKeyError, match=message):
        find_keys()


class MemoryKeyring(keyring.backend.KeyringBackend):
    """A keyring in memory, in place of the desktop's."""

    priority = 1  # type: ignore[assignment]

    def __init__(self) -> None:
        super().__init__()
        self.held: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.held.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.held[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        raise PasswordDeleteError
