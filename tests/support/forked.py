"""What happens in a child that is forked, told to the test."""

from __future__ import annotations

import json
import os
import signal
import traceback
import warnings
from collections.abc import Callable
from typing import Any

PATIENCE = 60
"""Seconds after which a child that hangs is ended."""


def in_child(work: Callable[[], object], *, meanwhile: Callable[[], object] = lambda: None) -> Any:
    """What `work` returns in a child of this process, as JSON has it.

    Args:
        work: Done in the child.
        meanwhile: Done in the parent once there is a child.
    """
    told, tell = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # that there are threads is what it is about
        child = os.fork()
    if not child:
        try:
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            signal.alarm(PATIENCE)
            os.close(told)
            try:
                said = {"returned": work()}
            except BaseException:
                said = {"raised": traceback.format_exc()}
            with os.fdopen(tell, "w") as out:
                json.dump(said, out)
        finally:
            os._exit(0)
    os.close(tell)
    meanwhile()
    with os.fdopen(told) as pipe:
        said = json.loads(pipe.read() or '{"raised": "the child hung, or died"}')
    os.waitpid(child, 0)
    assert "returned" in said, said["raised"]
    return said["returned"]
