"""Suggests what was probably meant by an unknown name or word: "Did you mean `rebates`?"."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from difflib import SequenceMatcher, get_close_matches
from functools import partial, wraps
from typing import TYPE_CHECKING, Any, NoReturn, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

_PACKAGE = __name__.partition(".")[0] + "."
_MAX_LENGTH = 60  # longer texts are not words, and slow to compare
_MAX_LISTED = 20
_MAX_BEHIND = 0.15  # words whose similarity is further behind the best are not suggested
_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
_BY_NAME = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
_SELF = ("self", "cls")


def closest(word: object, words: Iterable[object], most: int = 3) -> list[str]:
    """The words most similar to this one, best first; empty if none is similar."""
    if not isinstance(word, str) or len(word) > _MAX_LENGTH:
        return []
    by_key: dict[str, list[str]] = {}
    for each in (each for each in words if isinstance(each, str)):
        by_key.setdefault(_key(each), []).append(each)
    given = _key(word)
    matches = get_close_matches(given, by_key, n=most)
    ratios = [SequenceMatcher(None, key, given).ratio() for key in matches]
    return [
        each
        for key, ratio in zip(matches, ratios, strict=True)
        if ratio > ratios[0] - _MAX_BEHIND
        for each in by_key[key]
    ][:most]


def did_you_mean(word: object, words: Iterable[object], mark: str = '"') -> str:
    """A sentence to append to an error, with a leading space; "" if no word is similar.

    Args:
        word: The given word.
        words: The valid words.
        mark: The quotation mark for words, or a backtick for names.
    """
    return _question([f"{mark}{each}{mark}" for each in closest(word, words)])


def attributes_of_module(module: str, names: Iterable[str]) -> Callable[[str], NoReturn]:
    """Make a `__getattr__` for a module, which raises an error with a suggestion."""

    def missing(name: str) -> NoReturn:
        try:
            raise _no_attribute(f"module {module!r}", name, names)
        except AttributeError as error:
            error.__traceback__ = None  # so that this frame is not shown
            raise

    return missing


def _no_attribute(
    owner: str, name: str, names: Iterable[str], elsewhere: Sequence[str] = ()
) -> AttributeError:
    """The error for an unknown attribute, with suggestions.

    Args:
        owner: The object, as in "module 'toolkit'".
        name: The unknown name.
        names: The valid names.
        elsewhere: Where else that name exists, quoted for display.
    """
    text = f"{owner} has no attribute {name!r}"
    if not name.startswith("_"):
        names = [each for each in names if not each.startswith("_")]
        question = _question([*(f"`{each}`" for each in closest(name, names)), *elsewhere])
        listed = f" It has {', '.join(names)}." if 0 < len(names) <= _MAX_LISTED else ""
        text += f".{question or listed}"
    # With `obj`, Python would add a suggestion of its own.
    return AttributeError(text, name=name, obj=None)


class _NoAttribute:
    """A `__getattr__` that exists on instances only.

    IPython completes no attributes of objects whose class has a `__getattr__`, as that could run any code.
    """

    def __get__(self, instance: Suggests | None, owner: type) -> Callable[[str], Any]:
        if instance is None:
            raise AttributeError("__getattr__")
        return partial(_missing, instance)


def _missing(instance: Suggests, name: str) -> Any:
    if name.startswith("_") or hasattr(type(instance), name):
        return object.__getattribute__(instance, name)  # raises Python's error, or that of a property
    try:
        raise _no_attribute(
            f"'{type(instance).__name__}' object", name, dir(instance), instance._elsewhere(name)
        )
    except AttributeError as error:
        error.__traceback__ = None  # so that this frame is not shown
        raise


class Suggests:
    """Base class whose instances suggest names for unknown attributes.

    Its public methods suggest names for unknown arguments.
    """

    __slots__ = ()

    def __init_subclass__(cls, **more: object) -> None:
        super().__init_subclass__(**more)
        for name, method in public_methods(cls).items():
            if not hasattr(method, "__wrapped__"):
                setattr(cls, name, suggests_arguments(method))

    if not TYPE_CHECKING:  # otherwise type checkers would accept any name
        __getattr__ = _NoAttribute()

    def _elsewhere(self, name: str) -> list[str]:
        """Where else a name exists, quoted for display."""
        return []


def public_methods(cls: type) -> dict[str, Callable[..., Any]]:
    """The public methods that a class of this package defines; those of a user's subclass are left out."""
    return {
        name: method
        for name, method in vars(cls).items()
        if inspect.isfunction(method) and not name.startswith("_") and method.__module__.startswith(_PACKAGE)
    }


def explain_arguments(
    error: BaseException, call: Callable[..., object], args: Sequence[object], kwargs: Mapping[str, object]
) -> bool:
    """Rewrite the error of a call with wrong arguments to suggest the right ones.

    Args:
        error: The error of the call.
        call: The function.
        args: The positional arguments.
        kwargs: The keyword arguments.

    Returns:
        Whether it is such an error, so that nothing of the function has run.
    """
    trace = error.__traceback__
    if not isinstance(error, TypeError) or trace is None or trace.tb_next is not None:
        return False  # raised within the function
    params = list(inspect.signature(call).parameters.values())
    kinds = {param.kind for param in params}
    positional = [param.name for param in params if param.kind in _POSITIONAL]
    by_name = [param.name for param in params if param.kind in _BY_NAME and param.name not in _SELF]
    what = f"{call.__qualname__.removesuffix('.__init__').rpartition('.')[2]}()"
    unknown = [name for name in kwargs if name not in by_name]
    if unknown and inspect.Parameter.VAR_KEYWORD not in kinds:
        question = did_you_mean(unknown[0], [name for name in by_name if name not in kwargs], "`")
        takes = f" It takes {', '.join(by_name)}." if by_name else " It takes no arguments."
        error.args = (f"{what} got an unexpected keyword argument {unknown[0]!r}.{question}{takes}",)
    elif len(args) > len(positional) and inspect.Parameter.VAR_POSITIONAL not in kinds:
        keyword_only = [f"`{name}=`" for name in by_name if name not in positional]
        first = [f"`{name}`" for name in positional if name not in _SELF]
        takes = f"{', '.join(first)} by position" if first else "no positional arguments"
        others = "the others" if first else "them"
        how = f"; pass {others} by name: {', '.join(keyword_only)}" if keyword_only else ""
        error.args = (f"{what} takes {takes}{how}.",)
    else:  # an argument is missing, or was given twice
        error.args = (f"{str(error).replace(f'{call.__qualname__}()', what)}.",)
    return True


def suggests_arguments(call: Callable[P, T]) -> Callable[P, T]:
    """Decorate a function to suggest names for unknown arguments."""

    @wraps(call)
    def called(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return call(*args, **kwargs)
        except BaseException as error:
            explain_arguments(error, call, args, kwargs)
            error.__traceback__ = error.__traceback__ and error.__traceback__.tb_next  # without this frame
            raise

    return called


def _key(word: str) -> str:
    return "".join(letter for letter in word.casefold() if letter.isalnum())


def _question(words: Sequence[str]) -> str:
    if not words:
        return ""
    *others, last = words
    before = f"{', '.join(others)} or " if others else ""
    return f" Did you mean {before}{last}?"
