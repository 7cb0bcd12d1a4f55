"""Access to the system's keyring, if the package `keyring` and a backend are installed.

A backend may show a window that asks for the password of the keyring; without a display it waits forever.
So every call runs in a thread of its own, with a time-out that leaves time to type.
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
"""Seconds that a call may take: the user may have to type the password of the keyring."""

NOT_INSTALLED = "is not used, as the package `keyring` is not installed"
NOT_AVAILABLE = "is not available"

_NOTICE_AFTER_S = 2.0
# How often interrupts are checked for: not every system ends a longer wait for them.
_POLL_S = 0.2


class _KeyringCall(threading.Thread):
    """One call to the keyring in a thread.

    Attributes:
        result: What the call returned.
        problem: What went wrong, to follow the words "the system's keyring"; "" if nothing.
        backend: Name of the backend, if known.
        is_done: Set when the call has ended.
    """

    def __init__(self, call: Callable[[Any], str | None], failure: str) -> None:
        super().__init__(name="keyring", daemon=True)  # a call that hangs must not keep the interpreter alive
        self.result: str | None = None
        self.problem = ""
        self.backend = "unknown backend"
        self.is_done = threading.Event()
        self._call = call
        self._failure = failure

    def run(self) -> None:
        """Run the call."""
        handled = sys.exception()
        try:
            self.result = self._run_call()
        except BaseException as error:  # backends may raise anything
            if threading.current_thread() is not self:  # no thread could be started
                if not isinstance(error, Exception):
                    raise
                let_through(error, handled)
            self.problem = self._failure.format(type(error).__name__)
        finally:
            self.is_done.set()

    def _run_call(self) -> str | None:
        try:
            import keyring
            from keyring.errors import NoKeyringError
        except ImportError:
            self.problem = NOT_INSTALLED
            return None
        with forgiving(Exception):  # some have none
            self.backend = str(keyring.get_keyring().name)
        try:
            return self._call(keyring)
        except NoKeyringError:
            self.problem = NOT_AVAILABLE
            return None


# Calls that timed out. While one hangs, no other is made: it would hang as well.
_timed_out: weakref.WeakSet[_KeyringCall] = weakref.WeakSet()


def load(name: str) -> tuple[str | None, str]:
    """Load a text from the keyring.

    Returns:
        The text that is stored under this name, None if there is none; and what went wrong, to follow the
        words "the system's keyring", "" if nothing.
    """
    return _call_keyring(
        lambda keyring: keyring.get_password(SERVICE, name), "cannot be read ({}): unlock it"
    )


def store(name: str, text: str) -> None:
    """Store a text in the keyring.

    Raises:
        NoKeyError: There is no keyring, or it failed.
    """
    _, problem = _call_keyring(
        lambda keyring: keyring.set_password(SERVICE, name, text), "did not accept it ({})"
    )
    if problem:
        raise unusable(problem)


def unusable(problem: str) -> NoKeyError:
    """The error for a keyring that cannot be used."""
    return NoKeyError(
        f"The system's keyring {problem}. Install it (`python -m pip install keyring`), unlock it, or omit "
        "`--keyring` (`in_keyring=`). Nothing was stored."
    )


def _call_keyring(call: Callable[[Any], str | None], failure: str) -> tuple[str | None, str]:
    """Call the keyring: returns its result, and what went wrong."""
    request = next((each for each in _timed_out if each.is_alive()), None)
    if request is None:
        request = _KeyringCall(call, failure)
        try:
            request.start()
        except (RuntimeError, MemoryError):  # no thread can be started
            request.run()
        if _wait_for(request):
            return request.result, request.problem
        _timed_out.add(request)
    return None, (
        f"({request.backend}) did not respond within {KEYRING_TIMEOUT_S:.0f} s: it may be waiting for a "
        "password that cannot be typed here. Unlock it on the desktop or in a terminal first, keep the key "
        "in a file of profiles or in the environment, or disable the keyring: "
        "PYTHON_KEYRING_BACKEND=keyring.backends.null.Keyring"
    )


def _wait_for(request: _KeyringCall) -> bool:
    """Wait for a call until the time-out; if it takes long, print a notice once."""
    waited, is_announced = 0.0, False
    while not request.is_done.wait(min(_POLL_S, KEYRING_TIMEOUT_S - waited)):
        waited += _POLL_S
        if waited >= KEYRING_TIMEOUT_S:
            return False
        if waited >= _NOTICE_AFTER_S and not is_announced:
            is_announced = True
            with forgiving(Exception):  # there may be no standard error
                print(
                    f"Waiting up to {KEYRING_TIMEOUT_S:.0f} s for the system's keyring ({request.backend}): "
                    "it may show a window that asks for its password.",
                    file=sys.stderr,
                )
    return True
