"""Asks for keys with a hidden prompt. They are kept in memory only."""

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
    """Ask for a key and its secret with a hidden prompt, or for the passphrases of a profile.

    Raises:
        NoKeyError: The key cannot be used, or no prompt is possible.
    """
    if profile is not None:
        return find_keys(profile, ask=ask_passphrase)
    key = ask_hidden("API key: ")
    secret = ask_hidden("Secret, or the file of the private key: ")
    entry = ProfileEntry(where="The prompt", key=key, secret=secret)
    if secret and not is_pem(secret) and _names_a_file(secret):
        entry = ProfileEntry(where="The prompt", key=key, private_key=secret)
    return Keys([credentials_of(entry, None, ask=ask_passphrase)], "a prompt")


def ask_hidden(question: str) -> str:
    """Ask with a hidden prompt, in a notebook or a terminal.

    Raises:
        NoKeyError: No prompt is possible.
    """
    question = printable(question)  # it may contain the name of a file
    # Without a terminal or an interactive notebook, getpass may warn and then echo the input.
    no_prompt = (getpass.GetPassWarning, EOFError, NotImplementedError, OSError)
    with suppress(*no_prompt), warnings.catch_warnings():
        warnings.simplefilter("error", getpass.GetPassWarning)
        return getpass.getpass(question)
    raise NoKeyError(
        "A prompt is not possible here: it needs an interactive notebook or a terminal. Use a profile "
        "(`python -m toolkit key add reporting`) or the environment. Nothing was sent."
    )


def ask_passphrase(where: str) -> str:
    """Ask for the passphrase of a private key.

    Raises:
        NoKeyError: No prompt is possible.
    """
    return ask_hidden(f"{where}: passphrase of the private key: ")


def _names_a_file(text: str) -> bool:
    with forgiving(OSError, ValueError, RuntimeError):
        return Path(text).expanduser().is_file()
    return False
