"""Keys typed into a hidden prompt: kept in memory, and nowhere else."""

from __future__ import annotations

import getpass
import warnings
from pathlib import Path

from toolkit.errors import NoKeyError
from toolkit.keys.profiles import Entry
from toolkit.keys.sources import credentials_of, find_keys
from toolkit.wire.credentials import Keys
from toolkit.wire.signers import is_pem


def ask_keys(profile: str | None = None) -> Keys:
    """A key and its secret by a hidden prompt; or a profile, and its passphrases by one.

    Raises:
        NoKeyError: What was typed cannot be a key, or there is nobody to ask.
    """
    if profile is not None:
        return find_keys(profile, ask=_ask_passphrase)
    key = ask_hidden("API key: ")
    secret = ask_hidden("Secret, or the file of the private key: ")
    entry = Entry(where="What was typed", key=key, secret=secret)
    if secret and not is_pem(secret) and _names_a_file(secret):
        entry = Entry(where="What was typed", key=key, private_key=secret)
    return Keys([credentials_of(entry, None, ask=_ask_passphrase)], "a prompt")


def ask_hidden(question: str) -> str:
    """What is typed without being shown, in a notebook or a terminal.

    Raises:
        NoKeyError: There is nobody to ask.
    """
    nobody = False
    try:
        with warnings.catch_warnings():
            # It would read on where what is typed can be seen.
            warnings.simplefilter("error", getpass.GetPassWarning)
            return getpass.getpass(question)
    except (getpass.GetPassWarning, EOFError, NotImplementedError, OSError):
        nobody = True  # a notebook that runs by itself, or no terminal
    assert nobody  # noqa: S101 - for the reader: raised out here, with nothing hanging on it
    raise NoKeyError(
        "There is nobody to ask for a key here: a prompt wants a notebook or a terminal. Use a profile "
        "(`python -m toolkit key add desk`) or the environment. Nothing was sent."
    )


def _ask_passphrase(where: str) -> str:
    return ask_hidden(f"{where}: passphrase of the private key: ")


def _names_a_file(text: str) -> bool:
    try:
        return Path(text).expanduser().is_file()
    except (OSError, ValueError, RuntimeError):
        return False
