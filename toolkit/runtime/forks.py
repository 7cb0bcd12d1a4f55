"""Keeps locks and databases usable across forks.

A lock that another thread holds during a fork stays locked forever in the child, where that thread does not
exist. So every lock that outlives a call is created by a function that runs again in each child. After a fork
during a transaction, SQLite would take the child for its parent. So code with an open database delays forks
and closes what must not be inherited.
"""

from __future__ import annotations

import os
import weakref
from collections.abc import Callable
from types import MethodType

Make = Callable[[], None]

_functions: list[Make] = []
_methods: dict[weakref.WeakMethod[MethodType], None] = {}  # a dict, which keeps the order


def renew(make: Make) -> None:
    """Call a function that creates locks: now, and again in every forked child.

    The locks are replaced, not released, so that a thread that forks while it holds one can still release it.

    Args:
        make: Creates the locks. A method is called as long as its object lives; the object is not kept alive.
    """
    make()
    if isinstance(make, MethodType):
        _methods[weakref.WeakMethod(make, _forget)] = None
    else:
        _functions.append(make)


def around(before: Make, after_in_parent: Make) -> None:
    """Call one function before every fork, and another after it in the parent."""
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(before=before, after_in_parent=after_in_parent)


def in_child(function: Make) -> None:
    """Call a function in every forked child."""
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=function)


def _forget(method: weakref.WeakMethod[MethodType]) -> None:
    _methods.pop(method, None)


def _renew_all() -> None:
    methods = [method() for method in tuple(_methods)]
    for make in (*_functions, *methods):
        if make is not None:
            make()


in_child(_renew_all)
