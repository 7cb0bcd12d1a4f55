"""The docstring and the signature that a door for writing must have, read off its declaration."""

from __future__ import annotations

import inspect

from tests.door_text import _items, _price, _wrapped, annotation
from toolkit.catalogue import Param, Write

RAISES = (
    "UsageError: An argument cannot be right; nothing was sent.",
    "UnsettledError: A call about the same thing is not settled; nothing was sent.",
    "JournalError: It cannot be written down; nothing was sent.",
)
BEFORE = "NotExecutedError: How things are before it could not be read; nothing was sent."
ONCE = (
    "once: A name under which it is done once, also after a restart and from another kernel: a second call "
    "of that name sends nothing and returns the first outcome."
)
HOW = {
    "client_id": "by the id that is drawn for it (an id of your own another call may have, too)",
    "new_account": "by its mark; without one anybody may have made it",
    "new_key": "where there is no new key; a new one anybody may have made",
    "gone": "by its absence, whoever deleted it",
    "in_force": "by reading it back, whoever set it",
    "changed": "where nothing has changed; a change anybody may have made",
}
MARKED = (
    "marked: Put a mark behind the {}, drawn for this call: where the answer is lost, what it made is known "
    "by that."
)
POSITIONAL = ("id", "text", "email", "amount")


def docstring(write: Write) -> str:
    """The docstring of a door for writing."""
    request = f"{write.method} {write.path}: {_price(write)}."
    if write.permission:
        request += f' The key needs the "{write.permission}" permission.'
    how = write.reconciliation
    settle = (
        f"An unknown outcome is settled by `{how.read}`, {HOW[how.kind]}."
        if how.read
        else f"No read settles an unknown outcome. Look at {how.look_at}."
    )
    arguments = [f"{param.name}: {param.doc}" for param in ordered(write)]
    if write.confirm:
        arguments.append(f"confirm: `{write.confirm}` a second time: this cannot be undone.")
    if write.marks:
        arguments.append(MARKED.format(write.marks))
    arguments.append(ONCE)
    if write.columns:
        returns = "The outcome (of `ops.preview`, a preview). Confirmed, its `frame` has the columns"
        columns = ["", *_items(f"- {column.name} ({column.kind}): {column.doc}" for column in write.columns)]
    else:
        returns = "The outcome (of `ops.preview`, a preview). Its `frame` is empty: so is the answer."
        columns = []
    parts = [
        [write.summary],
        _wrapped(request),
        _wrapped(" ".join([*write.notes, settle])),
        ["Args:", *_items(arguments)],
        ["Returns:", *_items([returns]), *columns],
        ["Raises:", *_items([*RAISES, *([BEFORE] if how.before else [])])],
        [f"Source: {write.source}"],
    ]
    return "\n\n".join("\n".join(part) for part in parts)


def is_positional(param: Param) -> bool:
    return param.is_needed and param.kind in POSITIONAL


def ordered(write: Write) -> list[Param]:
    """Parameters in the order of the door's arguments."""
    params = [param for param in write.params if param.fixed is None]
    return sorted(params, key=lambda param: (not is_positional(param), not param.is_needed))


def kind_of(param: Param) -> str:
    if param.kind in ("amount", "rate"):
        kind = "Amount"
    elif param.kind == "addresses":
        kind = "str | Sequence[str]"
    else:
        return annotation(param)
    return kind if param.is_needed else f"{kind} | None"


def signature(write: Write) -> list[tuple[str, str, object, str]]:
    """Name, kind, default and annotation of each argument of a door, `self` left out."""
    arguments: list[tuple[str, str, object, str]] = []
    for param in ordered(write):
        how = "POSITIONAL_OR_KEYWORD" if is_positional(param) else "KEYWORD_ONLY"
        default = inspect.Parameter.empty if param.is_needed else None
        arguments.append((param.name, how, default, kind_of(param)))
    if write.confirm:
        arguments.append(("confirm", "KEYWORD_ONLY", "", "str | int"))
    if write.marks:
        arguments.append(("marked", "KEYWORD_ONLY", False, "bool"))
    arguments.append(("once", "KEYWORD_ONLY", None, "str | None"))
    return arguments


def source(write: Write, module: str, constant: str) -> str:
    """A door's whole text, ready to paste; `ruff format` puts quotes and lines right."""
    texts = ["self"]
    star = False
    for name, how, default, kind in signature(write):
        if how == "KEYWORD_ONLY" and not star:
            texts.append("*")
            star = True
        texts.append(f"{name}: {kind}" + ("" if default is inspect.Parameter.empty else f" = {default!r}"))
    doc = "\n".join(f"        {line}".rstrip() for line in docstring(write).splitlines()).strip()
    given = ", ".join(f'"{param.name}": {param.name}' for param in ordered(write))
    terms = "Terms(once, str(confirm))" if write.confirm else "Terms(once)"
    if write.marks:
        terms = "Terms(once, marked=marked)"
    return (
        f"    def {write.name}({', '.join(texts)}) -> T:\n"
        f'        """{doc}\n        """\n'
        f"        return self._run({module}.{constant}, {{{given}}}, {terms})\n"
    )
