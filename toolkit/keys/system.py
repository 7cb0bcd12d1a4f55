"""The system's keyring, where the package `keyring` and a backend of it are there."""

from __future__ import annotations

from toolkit.errors import NoKeyError

SERVICE = "binance-link-toolkit"


def stored(name: str) -> str | None:
    """What the keyring holds under a name, None where it has nothing or there is none."""
    try:
        import keyring
        from keyring.errors import KeyringError
    except ImportError:
        return None
    try:
        return keyring.get_password(SERVICE, name)
    except (KeyringError, OSError, RuntimeError):  # locked, or no desktop to ask
        return None


def store(name: str, text: str) -> None:
    """Put a text into the keyring.

    Raises:
        NoKeyError: There is no keyring, or it took nothing.
    """
    problem = ""
    try:
        import keyring
        from keyring.errors import KeyringError
    except ImportError:
        raise NoKeyError(
            "The package `keyring` is not installed: `pip install keyring`. Nothing was stored."
        ) from None
    try:
        keyring.set_password(SERVICE, name, text)
    except (KeyringError, OSError, RuntimeError) as error:
        problem = type(error).__name__
    if problem:
        raise NoKeyError(f"The system's keyring did not take it ({problem}). Nothing was stored.")
