"""What is done about forks, for every module of ours.

A lock that another thread holds at the moment of a fork is held for ever in the child, where that thread
does not exist. So every lock that outlives one call is made by a function that runs again in each child.
A fork in the middle of a transaction would leave the child with half of one: SQLite takes the child for its
parent. So who has a database open has forks wait, and closes what must not be inherited.
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


def around(before: Make, after_in_parent: Make) -> None:
    """Call a function before every fork, and another one after it in the parent."""
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(before=before, after_in_parent=after_in_parent)


def in_child(function: Make) -> None:
    """Call a function in every child that is forked."""
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
