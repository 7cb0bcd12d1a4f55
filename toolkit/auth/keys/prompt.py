"""Keys typed into a hidden prompt: kept in memory, and nowhere else."""

from __future__ import annotations

import getpass
import warnings
from contextlib import suppress
from pathlib import Path

from toolkit.auth.credentials import Keys
from toolkit.auth.keys.profiles import ProfileEntry
from toolkit.auth.keys.sources import credentials_of, find_keys
from toolkit.auth.signers import is_pem
from toolkit.errors import NoKeyError
from toolkit.runtime.interruptions import forgiving
from toolkit.runtime.tracebacks import without_frames
from toolkit.text.printable import printable


@without_frames
def ask_keys(profile: str | None = None) -> Keys:
    """A key and its secret by a hidden prompt; or a profile, and its passphrases by one.

    Raises:
        NoKeyError: What was typed cannot be a key, or there is nobody to ask.
    """
    if profile is not None:
        return find_keys(profile, ask=ask_passphrase)
    key = ask_hidden("API key: ")
    secret = ask_hidden("Secret, or the file of the private key: ")
    entry = ProfileEntry(where="What was typed", key=key, secret=secret)
    if secret and not is_pem(secret) and _names_a_file(secret):
        entry = ProfileEntry(where="What was typed", key=key, private_key=secret)
    return Keys([credentials_of(entry, None, ask=ask_passphrase)], "a prompt")


def ask_hidden(question: str) -> str:
    """What is typed without being shown, in a notebook or a terminal.

    Raises:
        NoKeyError: There is nobody to ask.
    """
    question = printable(question)  # it may name a file
    # A notebook that runs by itself, or no terminal: some go on where what is typed can be seen, and warn.
    nobody = (getpass.GetPassWarning, EOFError, NotImplementedError, OSError)
    with suppress(*nobody), warnings.catch_warnings():
        warnings.simplefilter("error", getpass.GetPassWarning)
        return getpass.getpass(question)
    raise NoKeyError(
        "There is nobody to ask for a key here: a prompt wants a notebook or a terminal. Use a profile "
        "(`python -m toolkit key add reporting`) or the environment. Nothing was sent."
    )


def ask_passphrase(where: str) -> str:
    """The passphrase of a private key.

    Raises:
        NoKeyError: There is nobody to ask.
    """
    return ask_hidden(f"{where}: passphrase of the private key: ")


def _names_a_file(text: str) -> bool:
    with forgiving(OSError, ValueError, RuntimeError):
        return Path(text).expanduser().is_file()
    return False
