"""The system's keyring, where the package `keyring` and a backend of it are there.

A backend may wait for a password that its owner is to type into a window, and where there is no window it
waits for ever. So it is asked in a thread of its own, and not for longer than a person takes to type.
"""

from __future__ import annotations

import sys
import threading
import weakref
from collections.abc import Callable
from typing import Any

from toolkit.errors import NoKeyError
from toolkit.runtime.interruptions import forgiving, let_through

SERVICE = "binance-link-toolkit"

KEYRING_TIMEOUT_S = 60.0
"""Seconds that the keyring has for an answer: somebody may have to type its password."""

_NOTICE = 2.0
# So often an interrupt is looked for: not every system breaks off a longer wait for it.
_LOOK = 0.2


class _Question(threading.Thread):
    """Asks the keyring something.

    Attributes:
        answer: What it says.
        problem: What went wrong, after the words "the system's keyring"; "" for nothing.
        backend: What is asked, as far as that is known.
    """

    def __init__(self, ask: Callable[[Any], str | None], failed: str) -> None:
        super().__init__(name="keyring", daemon=True)  # one that hangs does not keep the interpreter
        self.answer: str | None = None
        self.problem = ""
        self.backend = "of unknown kind"
        self.over = threading.Event()
        self._ask = ask
        self._failed = failed

    def run(self) -> None:
        """Ask."""
        outside = sys.exception()
        try:
            self.answer = self._answered()
        except BaseException as error:  # backends are others' code, and raise what they like
            if threading.current_thread() is not self:  # there is no thread for it
                if not isinstance(error, Exception):
                    raise
                let_through(error, outside)
            self.problem = self._failed.format(type(error).__name__)
        finally:
            self.over.set()

    def _answered(self) -> str | None:
        try:
            import keyring
            from keyring.errors import NoKeyringError
        except ImportError:
            self.problem = "is not looked at, as the package `keyring` is not installed"
            return None
        with forgiving(Exception):  # some have no name
            self.backend = str(keyring.get_keyring().name)
        try:
            return self._ask(keyring)
        except NoKeyringError:
            self.problem = "is not there"
            return None


# Those that were given up. While one hangs, nothing else is asked: it would hang as well.
_given_up: weakref.WeakSet[_Question] = weakref.WeakSet()


def stored(name: str) -> tuple[str | None, str]:
    """What the keyring holds under a name, None for nothing; and what is wrong with it, "" for nothing.

    What is wrong goes on after the words "the system's keyring".
    """
    return _asked(lambda keyring: keyring.get_password(SERVICE, name), "cannot be read ({}): unlock it")


def store(name: str, text: str) -> None:
    """Put a text into the keyring.

    Raises:
        NoKeyError: There is no keyring, or it took nothing.
    """
    _, problem = _asked(lambda keyring: keyring.set_password(SERVICE, name, text), "did not take it ({})")
    if problem:
        raise unusable(problem)


def unusable(problem: str) -> NoKeyError:
    """The error for a keyring that nothing can be stored in."""
    return NoKeyError(
        f"The system's keyring {problem}. Install what it wants (`python -m pip install keyring`), unlock "
        "it, or leave `--keyring` (`in_keyring=`) out. Nothing was stored."
    )


def _asked(ask: Callable[[Any], str | None], failed: str) -> tuple[str | None, str]:
    """What the keyring says, and what is wrong with it."""
    question = next((each for each in _given_up if each.is_alive()), None)
    if question is None:
        question = _Question(ask, failed)
        try:
            question.start()
        except (RuntimeError, MemoryError):  # no more threads can be had
            question.run()
        if _is_answered(question):
            return question.answer, question.problem
        _given_up.add(question)
    return None, (
        f"({question.backend}) did not answer within {KEYRING_TIMEOUT_S:.0f} s: it may wait for a password that "
        "nobody can type here. Unlock it on the desktop or in a terminal first, keep the key in a file of "
        "profiles or in the environment, or have no keyring asked: "
        "PYTHON_KEYRING_BACKEND=keyring.backends.null.Keyring"
    )


def _is_answered(question: _Question) -> bool:
    """Wait for it, as long as there is patience; said where it takes longer than a moment."""
    waited, deadline_told = 0.0, False
    while not question.over.wait(min(_LOOK, KEYRING_TIMEOUT_S - waited)):
        waited += _LOOK
        if waited >= KEYRING_TIMEOUT_S:
            return False
        if waited >= _NOTICE and not deadline_told:
            deadline_told = True
            with forgiving(Exception):  # there may be nowhere to say it
                print(
                    f"The system's keyring ({question.backend}) is waited for, {KEYRING_TIMEOUT_S:.0f} s at most: it "
                    "may show a window that asks for its password.",
                    file=sys.stderr,
                )
    return True
