"""Runs code in a forked child and returns its result."""

from __future__ import annotations

import json
import os
import signal
import traceback
import warnings
from collections.abc import Callable
from typing import Any

TIMEOUT_S = 60
"""Seconds after which a child that hangs is killed."""


def in_child(work: Callable[[], object], *, meanwhile: Callable[[], object] = lambda: None) -> Any:
    """Return what `work` returns in a forked child, sent as JSON.

    Args:
        work: Called in the child.
        meanwhile: Called in the parent after the fork.
    """
    receiver, sender = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # it warns about threads
        child = os.fork()
    if not child:
        try:
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            signal.alarm(TIMEOUT_S)
            os.close(receiver)
            try:
                result = {"returned": work()}
            except BaseException:
                result = {"raised": traceback.format_exc()}
            with os.fdopen(sender, "w") as out:
                json.dump(result, out)
        finally:
            os._exit(0)
    os.close(sender)
    meanwhile()
    with os.fdopen(receiver) as pipe:
        result = json.loads(pipe.read() or '{"raised": "the child hung, or died"}')
    os.waitpid(child, 0)
    assert "returned" in result, result["raised"]
    return result["returned"]
