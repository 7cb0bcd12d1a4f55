"""The docstring and the signature that a door must have, read off its declaration.

A new door is written by hand or pasted from what the failing test prints; it stays plain Python either
way, so completion, `?` and type checkers see it.
"""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Iterable
from datetime import timedelta

from toolkit.catalogue import Endpoint, Param

RAISES = (
    "UsageError: An argument cannot be right; nothing was sent.",
    "ApiError: The exchange refused the request; nothing was executed.",
    "ServerError: The exchange's side failed time after time; `partial` is what had arrived.",
    "ContractError: The answer is not as documented; `partial` is what had arrived.",
)


def docstring(endpoint: Endpoint) -> str:
    """The docstring of an endpoint's door."""
    request = f"{endpoint.method} {endpoint.path}: {_price(endpoint)}."
    about = " ".join([*_how(endpoint), *endpoint.notes])
    arguments = [f"{param.name}: {param.doc}" for param in ordered(endpoint)]
    if endpoint.window:
        arguments.append(f"start: First moment, included; {_start(endpoint)}")
        arguments.append("end: Last moment, included; a date means its whole day. Now when not given.")
    arguments.append('numbers: Amounts as "float" or "exact"; as chosen on the Link when not given.')
    if shows_emails(endpoint):
        arguments.append(
            'emails: E-mail addresses "masked" or "clear"; as chosen on the Link when not given. Two may '
            f"have the same mask: tell rows apart, and join them, by `{endpoint.columns[0].name}`."
        )
    columns = [f"- {column.name} ({column.kind}): {column.doc}" for column in endpoint.columns]
    parts = [
        [endpoint.summary],
        _wrapped(request),
        *([_wrapped(about)] if about else []),
        ["Args:", *_items(arguments)],
        ["Returns:", "    A frame with the columns", "", *_items(columns)],
        ["Raises:", *_items(RAISES)],
        [f"Source: {endpoint.source}"],
    ]
    return "\n\n".join("\n".join(part) for part in parts)


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, 98, break_long_words=False, break_on_hyphens=False)


def _items(texts: Iterable[str]) -> list[str]:
    lines = []
    for text in texts:
        lines += textwrap.wrap(
            text,
            98,
            initial_indent="    ",
            subsequent_indent="        ",
            break_long_words=False,
            break_on_hyphens=False,
        )
    return lines


def _price(endpoint: Endpoint) -> str:
    pool = endpoint.pool
    whose = "the address" if pool.scope == "IP" else "the account"
    what = f"all of {pool.prefix}*" if pool.shared else "this endpoint alone"
    weight = endpoint.weight if isinstance(endpoint.weight, int) else "by its parameters"
    return f"weight {weight}, pool {pool.name} ({pool.limit:,} a minute for {whose} on {what})"


def _how(endpoint: Endpoint) -> list[str]:
    lines: list[str] = []
    window, paging = endpoint.window, endpoint.paging
    if window and window.longest and not window.kept:
        lines.append(f"One request spans {_length(window.longest)} at most; longer spans are put together.")
    if paging.kind in ("page", "offset"):
        lines.append(f"Every page is fetched, {paging.maximum} rows a request, up to one that is empty.")
    if paging.kind == "limit":
        lines.append(
            f"An answer of {paging.maximum} rows is full: its span is asked for again in halves. So is that "
            "of one that may have been cut at fewer: 100 rows cost three requests where 130 cost one."
        )
    return lines


def _start(endpoint: Endpoint) -> str:
    window = endpoint.window
    assert window is not None
    kept = f" Not more than {_length(window.kept)} ago." if window.kept else ""
    return f"{_length(window.default)} before the end when not given.{kept}"


def _length(length: timedelta) -> str:
    if length % timedelta(days=1):
        return f"less than {(length + timedelta(milliseconds=1)).days} days"
    return f"{length.days} days"


def ordered(endpoint: Endpoint) -> list[Param]:
    """Parameters in the order of the door's arguments: required ones first."""
    return sorted(endpoint.params, key=lambda param: not param.required)


def shows_emails(endpoint: Endpoint) -> bool:
    """Whether a column holds addresses that are only masked unless asked for."""
    return any(column.kind == "email" and not column.masked for column in endpoint.columns)


def annotation(param: Param) -> str:
    """The type a door's argument is annotated with."""
    kind = {"choice": "", "flag": "bool", "integer": "int", "id": "str | int"}.get(param.kind, "str")
    if param.choices:
        kind = f"Literal[{', '.join(repr(word) for word in param.choices)}]"
    return kind if param.required or param.default is not None else f"{kind} | None"


def signature(endpoint: Endpoint) -> list[tuple[str, str, object, str]]:
    """Name, kind, default and annotation of each argument of a door, `self` left out."""
    arguments: list[tuple[str, str, object, str]] = []
    for param in ordered(endpoint):
        if param.required:
            arguments.append(
                (param.name, "POSITIONAL_OR_KEYWORD", inspect.Parameter.empty, annotation(param))
            )
        else:
            arguments.append((param.name, "KEYWORD_ONLY", param.default, annotation(param)))
    if endpoint.window:
        arguments += [("start", "KEYWORD_ONLY", None, "When"), ("end", "KEYWORD_ONLY", None, "When")]
    arguments.append(("numbers", "KEYWORD_ONLY", None, "Numbers | None"))
    if shows_emails(endpoint):
        arguments.append(("emails", "KEYWORD_ONLY", None, "Emails | None"))
    return arguments


def source(endpoint: Endpoint, module: str, constant: str) -> str:
    """A door's whole text, ready to paste."""
    required = [f"{name}: {kind}" for name, how, _, kind in signature(endpoint) if how != "KEYWORD_ONLY"]
    optional = [
        f"{name}: {kind} = {_literal(default)}"
        for name, how, default, kind in signature(endpoint)
        if how == "KEYWORD_ONLY"
    ]
    arguments = ", ".join(["self", *required, "*", *optional])
    doc = "\n".join(f"        {line}".rstrip() for line in docstring(endpoint).splitlines()).strip()
    given = ", ".join(f'"{param.name}": {param.name}' for param in ordered(endpoint))
    span = ", start=start, end=end" if endpoint.window else ""
    emails = ", emails=emails" if shows_emails(endpoint) else ""
    return (  # `ruff format` puts quotes and lines right
        f"    def {endpoint.name}({arguments}) -> pd.DataFrame:\n"
        f'        """{doc}\n        """\n'
        f"        return self._fetch({module}.{constant}, {{{given}}}{span}, numbers=numbers{emails})\n"
    )


def _literal(default: object) -> str:
    return f'"{default}"' if isinstance(default, str) else repr(default)
