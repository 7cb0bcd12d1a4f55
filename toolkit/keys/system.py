"""The system's keyring, where the package `keyring` and a backend of it are there."""

from __future__ import annotations

from toolkit.errors import NoKeyError

SERVICE = "binance-link-toolkit"


def stored(name: str) -> tuple[str | None, str]:
    """What the keyring holds under a name, None for nothing; and what is wrong with it, "" for nothing.

    What is wrong goes on after the words "the system's keyring".
    """
    try:
        import keyring
        from keyring.errors import NoKeyringError
    except ImportError:
        return None, "is not looked at, as the package `keyring` is not installed"
    try:
        return keyring.get_password(SERVICE, name), ""
    except NoKeyringError:
        return None, "is not there"
    except Exception as error:  # noqa: BLE001 - backends are others' code, and raise what they like
        return None, f"cannot be read ({type(error).__name__}): unlock it"


def store(name: str, text: str) -> None:
    """Put a text into the keyring.

    Raises:
        NoKeyError: There is no keyring, or it took nothing.
    """
    problem = ""
    try:
        import keyring

        keyring.set_password(SERVICE, name, text)
    except Exception as error:  # noqa: BLE001 - as above
        problem = f"did not take it ({type(error).__name__})"
    if problem:
        raise unusable(problem)


def unusable(problem: str) -> NoKeyError:
    """The error for a keyring that nothing can be stored in."""
    return NoKeyError(
        f"The system's keyring {problem}. Install what it wants (`pip install "
        '"binance-link-toolkit[keyring]"`), unlock it, or leave `--keyring` (`in_keyring=`) out. '
        "Nothing was stored."
    )
