"""What was probably meant by a name or a word that is not there: "did you mean `rebates`?"."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from difflib import SequenceMatcher, get_close_matches
from functools import partial, wraps
from typing import TYPE_CHECKING, Any, NoReturn, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

_PACKAGE = __name__.partition(".")[0] + "."
_LONGEST = 60  # a longer text is no word, and comparing it is slow
_FEW = 20
_MUCH = 0.15  # a word that is so much less alike than the best is not meant
_IN_ORDER = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
_BY_NAME = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
_OWN = ("self", "cls")


def closest(word: object, words: Iterable[object], most: int = 3) -> list[str]:
    """The words that are spelt most like this one, best first; none where none is near."""
    if not isinstance(word, str) or len(word) > _LONGEST:
        return []
    by_letters: dict[str, list[str]] = {}
    for each in (each for each in words if isinstance(each, str)):
        by_letters.setdefault(_letters(each), []).append(each)
    given = _letters(word)
    near = get_close_matches(given, by_letters, n=most)
    alike = [SequenceMatcher(None, letters, given).ratio() for letters in near]
    return [
        each
        for letters, ratio in zip(near, alike, strict=True)
        if ratio > alike[0] - _MUCH
        for each in by_letters[letters]
    ][:most]


def did_you_mean(word: object, words: Iterable[object], mark: str = '"') -> str:
    """A sentence for the end of an error, after a blank; "" where no word is near.

    Args:
        word: What was given.
        words: What there is.
        mark: What stands around a word: a quotation mark, or a backtick for a name.
    """
    return _question([f"{mark}{each}{mark}" for each in closest(word, words)])


def attributes_of_module(module: str, names: Iterable[str]) -> Callable[[str], NoReturn]:
    """A `__getattr__` for a module: raises the error of a name that it has not got."""

    def missing(name: str) -> NoReturn:
        try:
            raise _no_attribute(f"module {module!r}", name, names)
        except AttributeError as error:
            error.__traceback__ = None  # raised again, it does not show this frame
            raise

    return missing


def _no_attribute(
    owner: str, name: str, names: Iterable[str], elsewhere: Sequence[str] = ()
) -> AttributeError:
    """The error of an attribute that does not exist, with the ones that may have been meant.

    Args:
        owner: What was asked for it, as in "module 'toolkit'".
        name: The name that was asked for.
        names: The names that there are.
        elsewhere: Where something of that name is, ready to be shown.
    """
    text = f"{owner} has no attribute {name!r}"
    if not name.startswith("_"):
        names = [each for each in names if not each.startswith("_")]
        question = _question([*(f"`{each}`" for each in closest(name, names)), *elsewhere])
        listed = f" It has {', '.join(names)}." if 0 < len(names) <= _FEW else ""
        text += f".{question or listed}"
    # Python would look for a name that is near in `obj`, and suggest it once more.
    return AttributeError(text, name=name, obj=None)


class _NoAttribute:
    """A `__getattr__` that is found on instances only.

    IPython completes nothing behind an object whose class has a `__getattr__`, which could run anything.
    """

    def __get__(self, instance: Suggests | None, owner: type) -> Callable[[str], Any]:
        if instance is None:
            raise AttributeError("__getattr__")
        return partial(_missing, instance)


def _missing(instance: Suggests, name: str) -> Any:
    if name.startswith("_") or hasattr(type(instance), name):
        return object.__getattribute__(instance, name)  # raises what Python does, or what a property did
    try:
        raise _no_attribute(
            f"'{type(instance).__name__}' object", name, dir(instance), instance._elsewhere(name)
        )
    except AttributeError as error:
        error.__traceback__ = None  # raised again, it does not show this frame
        raise


class Suggests:
    """Asked for an attribute that it has not got, it says which one may have been meant.

    So do its public methods, given an argument that they have not got.
    """

    __slots__ = ()

    def __init_subclass__(cls, **more: object) -> None:
        super().__init_subclass__(**more)
        for name, method in public_methods(cls).items():
            if not hasattr(method, "__wrapped__"):
                setattr(cls, name, suggests_arguments(method))

    if not TYPE_CHECKING:  # or every name would seem to be there
        __getattr__ = _NoAttribute()

    def _elsewhere(self, name: str) -> list[str]:
        """Where else something of that name is, ready to be shown."""
        return []


def public_methods(cls: type) -> dict[str, Callable[..., Any]]:
    """The public methods that a class of this package defines; none of a user's own subclass."""
    return {
        name: method
        for name, method in vars(cls).items()
        if inspect.isfunction(method) and not name.startswith("_") and method.__module__.startswith(_PACKAGE)
    }


def explain_misfit(
    error: BaseException, call: Callable[..., object], args: Sequence[object], kwargs: Mapping[str, object]
) -> bool:
    """Say in the error of a call whose arguments did not fit which ones may have been meant.

    Args:
        error: What calling it has raised.
        call: What was called.
        args: The arguments that were given in order.
        kwargs: The arguments that were given by name.

    Returns:
        Whether it is the error of such a call, in which nothing has run.
    """
    trace = error.__traceback__
    if not isinstance(error, TypeError) or trace is None or trace.tb_next is not None:
        return False  # it comes from within the call
    params = list(inspect.signature(call).parameters.values())
    kinds = {param.kind for param in params}
    in_order = [param.name for param in params if param.kind in _IN_ORDER]
    by_name = [param.name for param in params if param.kind in _BY_NAME and param.name not in _OWN]
    what = f"{call.__qualname__.removesuffix('.__init__').rpartition('.')[2]}()"
    unknown = [name for name in kwargs if name not in by_name]
    if unknown and inspect.Parameter.VAR_KEYWORD not in kinds:
        question = did_you_mean(unknown[0], [name for name in by_name if name not in kwargs], "`")
        takes = f" It takes {', '.join(by_name)}." if by_name else " It takes no arguments."
        error.args = (f"{what} got an unexpected keyword argument {unknown[0]!r}.{question}{takes}",)
    elif len(args) > len(in_order) and inspect.Parameter.VAR_POSITIONAL not in kinds:
        said = [f"`{name}=`" for name in by_name if name not in in_order]
        how = f"; the others are given by name: {', '.join(said)}" if said else ""
        first = [f"`{name}`" for name in in_order if name not in _OWN]
        error.args = (f"{what} takes {', '.join(first) or 'no arguments'} in order{how}.",)
    else:  # one is missing, or was given twice
        error.args = (f"{str(error).replace(f'{call.__qualname__}()', what)}.",)
    return True


def suggests_arguments(call: Callable[P, T]) -> Callable[P, T]:
    """A function that, given an argument it has not got, says which one may have been meant."""

    @wraps(call)
    def called(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return call(*args, **kwargs)
        except BaseException as error:
            explain_misfit(error, call, args, kwargs)
            error.__traceback__ = error.__traceback__ and error.__traceback__.tb_next  # without this frame
            raise

    return called


def _letters(word: str) -> str:
    return "".join(letter for letter in word.casefold() if letter.isalnum())


def _question(words: Sequence[str]) -> str:
    if not words:
        return ""
    *others, last = words
    before = f"{', '.join(others)} or " if others else ""
    return f" Did you mean {before}{last}?"
