"""Locks after a fork.

A lock that another thread holds at the moment of a fork is held for ever in the child, where that thread
does not exist. So every lock that outlives one call is made by a function that runs again in each child.
"""

from __future__ import annotations

import os
import weakref
from collections.abc import Callable
from types import MethodType

Make = Callable[[], None]

_functions: list[Make] = []
_methods: dict[weakref.WeakMethod[MethodType], None] = {}  # a dict, as it keeps their order


def renew(make: Make) -> None:
    """Call a function that makes locks: now, and again in every child that is forked.

    The locks are replaced rather than released, so that a thread which forks while it holds one can still
    let go of it.

    Args:
        make: Makes the locks. A method is called as long as its object lives, and does not keep it alive.
    """
    make()
    if isinstance(make, MethodType):
        _methods[weakref.WeakMethod(make, _forget)] = None
    else:
        _functions.append(make)


def _forget(method: weakref.WeakMethod[MethodType]) -> None:
    _methods.pop(method, None)


def _renew_all() -> None:
    methods = [method() for method in tuple(_methods)]
    for make in (*_functions, *methods):
        if make is not None:
            make()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_all)
