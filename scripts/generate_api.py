"""The text of the methods that users call, generated from the declarations in `toolkit.endpoints`.

    python scripts/generate_api.py                    every method, ready to paste
    python scripts/generate_api.py spot.rebates       the read and the write of that name
    python scripts/generate_api.py --check            exit status 1 where the code says something else

The methods themselves are plain Python, so that completion, `?` and type checkers see them; the tests
compare each of them with what is generated here. `ruff format` puts quotes and line breaks right.
"""

from __future__ import annotations

import argparse
import difflib
import inspect
import sys
import textwrap
from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta

from toolkit.api.reads.exchange import ExchangeReads
from toolkit.api.reads.futures import FuturesReads
from toolkit.api.reads.portfolio import PortfolioReads
from toolkit.api.reads.resource import ReadResource
from toolkit.api.reads.spot import SpotReads
from toolkit.api.writes.customers import FuturesWrites, PortfolioWrites, SpotWrites
from toolkit.api.writes.operations import ExchangeWrites
from toolkit.api.writes.resource import WriteResource
from toolkit.endpoints import (
    ENDPOINTS,
    WRITES,
    Endpoint,
    Param,
    System,
    Write,
    link_futures,
    link_portfolio,
    link_spot,
)
from toolkit.endpoints.exchange_link import account_writes, accounts, balances, fees, money_writes, transfers

READS: dict[System, type[ReadResource]] = {
    "exchange": ExchangeReads,
    "spot": SpotReads,
    "futures": FuturesReads,
    "portfolio": PortfolioReads,
}
OPERATIONS: dict[System, type[WriteResource[object]]] = {
    "exchange": ExchangeWrites,
    "spot": SpotWrites,
    "futures": FuturesWrites,
    "portfolio": PortfolioWrites,
}
DECLARED_IN = (
    *(accounts, balances, fees, transfers, account_writes, money_writes),
    *(link_spot, link_futures, link_portfolio),
)

Argument = tuple[str, str, object, str]
"""Name, kind, default and annotation of an argument."""

# -- reads -------------------------------------------------------------------------------------------------

READ_RAISES = (
    "UsageError: An argument cannot be right; nothing was sent.",
    "ApiError: The exchange refused the request; nothing was executed.",
    "ServerError: The exchange's side failed time after time; `partial` is what had arrived.",
    "ContractError: The answer is not as documented; `partial` is what had arrived.",
)


def read_docstring(endpoint: Endpoint) -> str:
    """The docstring of a method that reads."""
    about = " ".join([*_paging_notes(endpoint), *endpoint.notes])
    arguments = [f"{param.name}: {param.doc}" for param in read_params(endpoint)]
    if endpoint.window:
        arguments.append(f"start: First moment, included; {_start(endpoint)}")
        arguments.append("end: Last moment, included; a date means its whole day. Now when not given.")
    arguments.append('numbers: Amounts as "float" or "exact"; as chosen on the Link when not given.')
    if shows_emails(endpoint):
        arguments.append(
            'emails: E-mail addresses "masked" or "clear"; as chosen on the Link when not given. Two may '
            f"have the same mask: tell rows apart, and join them, by `{endpoint.columns[0].name}`."
        )
    return _docstring(
        [endpoint.summary],
        _wrapped(f"{_request(endpoint)}."),
        _wrapped(about),
        ["Args:", *_items(arguments)],
        ["Returns:", "    A frame with the columns", "", *_columns(endpoint)],
        ["Raises:", *_items(READ_RAISES)],
        [f"Source: {endpoint.source}"],
    )


def read_params(endpoint: Endpoint) -> list[Param]:
    """Parameters in the order of the method's arguments: required ones first."""
    return sorted(endpoint.params, key=lambda param: not param.required)


def read_signature(endpoint: Endpoint) -> list[Argument]:
    """The arguments of a method that reads, `self` left out."""
    arguments: list[Argument] = []
    for param in read_params(endpoint):
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


def read_source(endpoint: Endpoint) -> str:
    """The whole text of a method that reads."""
    given = ", ".join(f'"{param.name}": {param.name}' for param in read_params(endpoint))
    span = ", start=start, end=end" if endpoint.window else ""
    emails = ", emails=emails" if shows_emails(endpoint) else ""
    return _method(
        endpoint,
        read_signature(endpoint),
        read_docstring(endpoint),
        returns="pd.DataFrame",
        body=f"self._fetch({_constant(endpoint)}, {{{given}}}{span}, numbers=numbers{emails})",
    )


def shows_emails(endpoint: Endpoint) -> bool:
    """Whether a column holds addresses that are only masked unless asked for."""
    return any(column.kind == "email" and not column.masked for column in endpoint.columns)


def _paging_notes(endpoint: Endpoint) -> list[str]:
    lines: list[str] = []
    window, paging = endpoint.window, endpoint.paging
    if window and window.max_span and not window.retention:
        lines.append(f"One request spans {_length(window.max_span)} at most; longer spans are put together.")
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
    if window is None:
        raise ValueError(f"{endpoint.qualified_name} has no span")
    retention = f" Not more than {_length(window.retention)} ago." if window.retention else ""
    return f"{_length(window.default)} before the end when not given.{retention}"


def _length(length: timedelta) -> str:
    if length % timedelta(days=1):
        return f"less than {(length + timedelta(milliseconds=1)).days} days"
    return f"{length.days} days"


# -- writes ------------------------------------------------------------------------------------------------

WRITE_RAISES = (
    "UsageError: An argument cannot be right; nothing was sent.",
    "PendingWriteError: A call about the same thing is not settled; nothing was sent.",
    "JournalError: It cannot be written down; nothing was sent.",
)
BEFORE = "NotExecutedError: How things are before it could not be read; nothing was sent."
ONCE = (
    "idempotency_key: A name under which it is done once, also after a restart and from another kernel: a second call "
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
    "traceable: Put a mark behind the {}, drawn for this call: where the answer is lost, what it made is known "
    "by that."
)
POSITIONAL = ("id", "text", "email", "amount")


def write_docstring(write: Write) -> str:
    """The docstring of a method that writes."""
    request = f"{_request(write)}."
    if write.permission:
        request += f' The key needs the "{write.permission}" permission.'
    how = write.reconciliation
    resolved = (
        f"An unknown outcome is settled by `{how.read}`, {HOW[how.kind]}."
        if how.read
        else f"No read settles an unknown outcome. Look at {how.manual_check}."
    )
    arguments = [f"{param.name}: {param.doc}" for param in write_params(write)]
    if write.confirm:
        arguments.append(f"confirm: `{write.confirm}` a second time: this cannot be undone.")
    if write.suffixed_argument:
        arguments.append(MARKED.format(write.suffixed_argument))
    arguments.append(ONCE)
    if write.columns:
        returns = "The outcome (of `ops.preview`, a preview). Confirmed, its `frame` has the columns"
        columns = ["", *_columns(write)]
    else:
        returns = "The outcome (of `ops.preview`, a preview). Its `frame` is empty: so is the answer."
        columns = []
    return _docstring(
        [write.summary],
        _wrapped(request),
        _wrapped(" ".join([*write.notes, resolved])),
        ["Args:", *_items(arguments)],
        ["Returns:", *_items([returns]), *columns],
        ["Raises:", *_items([*WRITE_RAISES, *([BEFORE] if how.needs_snapshot else [])])],
        [f"Source: {write.source}"],
    )


def write_params(write: Write) -> list[Param]:
    """Parameters in the order of the method's arguments: positional ones first, then required ones."""
    params = [param for param in write.params if param.fixed is None]
    return sorted(params, key=lambda param: (not _is_positional(param), not param.is_required))


def write_signature(write: Write) -> list[Argument]:
    """The arguments of a method that writes, `self` left out."""
    arguments: list[Argument] = []
    for param in write_params(write):
        how = "POSITIONAL_OR_KEYWORD" if _is_positional(param) else "KEYWORD_ONLY"
        default = inspect.Parameter.empty if param.is_required else None
        arguments.append((param.name, how, default, _write_annotation(param)))
    if write.confirm:
        arguments.append(("confirm", "KEYWORD_ONLY", "", "str | int"))
    if write.suffixed_argument:
        arguments.append(("traceable", "KEYWORD_ONLY", False, "bool"))
    arguments.append(("idempotency_key", "KEYWORD_ONLY", None, "str | None"))
    return arguments


def write_source(write: Write) -> str:
    """The whole text of a method that writes."""
    given = ", ".join(f'"{param.name}": {param.name}' for param in write_params(write))
    options = (
        "CallOptions(idempotency_key, str(confirm))" if write.confirm else "CallOptions(idempotency_key)"
    )
    if write.suffixed_argument:
        options = "CallOptions(idempotency_key, traceable=traceable)"
    return _method(
        write,
        write_signature(write),
        write_docstring(write),
        returns="T",
        body=f"self._run({_constant(write)}, {{{given}}}, {options})",
    )


def _is_positional(param: Param) -> bool:
    return param.is_required and param.kind in POSITIONAL


def _write_annotation(param: Param) -> str:
    if param.kind in ("amount", "rate"):
        kind = "Amount"
    elif param.kind == "addresses":
        kind = "str | Sequence[str]"
    else:
        return annotation(param)
    return kind if param.is_required else f"{kind} | None"


# -- both --------------------------------------------------------------------------------------------------


def annotation(param: Param) -> str:
    """The type that an argument is annotated with."""
    kind = {"choice": "", "flag": "bool", "integer": "int", "id": "str | int"}.get(param.kind, "str")
    if param.choices:
        kind = f"Literal[{', '.join(repr(word) for word in param.choices)}]"
    return kind if param.required or param.default is not None else f"{kind} | None"


def _request(endpoint: Endpoint) -> str:
    rate_limit = endpoint.rate_limit
    whose = "the address" if rate_limit.scope == "IP" else "the account"
    what = f"all of {rate_limit.prefix}*" if rate_limit.shared else "this endpoint alone"
    weight = endpoint.weight if isinstance(endpoint.weight, int) else "by its parameters"
    limit = f"{rate_limit.limit:,} a minute for {whose} on {what}"
    return f"{endpoint.method} {endpoint.path}: weight {weight}, pool {rate_limit.name} ({limit})"


def _columns(endpoint: Endpoint) -> list[str]:
    return _items(f"- {column.name} ({column.kind}): {column.doc}" for column in endpoint.columns)


def _docstring(*paragraphs: list[str]) -> str:
    return "\n\n".join("\n".join(lines) for lines in paragraphs if lines)


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


def _constant(endpoint: Endpoint) -> str:
    """The name that an endpoint is declared under, as the methods write it."""
    for module in DECLARED_IN:
        for name, value in vars(module).items():
            if value is endpoint:
                return f"{module.__name__.rpartition('.')[2]}.{name}"
    raise LookupError(f"{endpoint.qualified_name} is declared in none of the catalogue's modules")


def _method(
    endpoint: Endpoint, arguments: Iterable[Argument], docstring: str, *, returns: str, body: str
) -> str:
    texts = ["self"]
    for name, how, default, kind in arguments:
        if how == "KEYWORD_ONLY" and "*" not in texts:
            texts.append("*")
        texts.append(f"{name}: {kind}" + ("" if default is inspect.Parameter.empty else f" = {default!r}"))
    doc = textwrap.indent(docstring, "        ").strip()
    return (
        f"    def {endpoint.name}({', '.join(texts)}) -> {returns}:\n"
        f'        """{doc}\n        """\n'
        f"        return {body}\n"
    )


# -- the code against it -----------------------------------------------------------------------------------


def found_signature(method: Callable[..., object]) -> list[Argument]:
    """The arguments that a method of the code has, `self` left out."""
    _, *parameters = inspect.signature(method).parameters.values()
    return [
        (each.name, each.kind.name, each.default, str(each.annotation).replace('"', "'"))
        for each in parameters
    ]


def differences() -> Iterator[str]:
    """What the code says otherwise, as diffs; nothing where it is as generated."""
    for endpoint in ENDPOINTS:
        method = getattr(READS[endpoint.system], endpoint.name)
        yield from _difference(endpoint, method, read_signature(endpoint), read_docstring(endpoint))
    for write in WRITES:
        method = getattr(OPERATIONS[write.system], write.name)
        yield from _difference(write, method, write_signature(write), write_docstring(write))


def _difference(
    endpoint: Endpoint, method: Callable[..., object], signature: list[Argument], docstring: str
) -> Iterator[str]:
    wanted = [*map(_shown, signature), "", *docstring.splitlines()]
    found = [*map(_shown, found_signature(method)), "", *(inspect.getdoc(method) or "").splitlines()]
    if found != wanted:
        diff = difflib.unified_diff(found, wanted, "the code", "its declaration", lineterm="")
        yield "\n".join([f"{endpoint.method} {endpoint.qualified_name}", *diff])


def _shown(argument: Argument) -> str:
    name, how, default, kind = argument
    return f"{name}: {kind}" + ("" if default is inspect.Parameter.empty else f" = {default!r}") + f" ({how})"


def main(arguments: list[str] | None = None) -> int:
    """Print the text, or compare the code with it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="compare the code with what is generated")
    parser.add_argument("names", nargs="*", help="such as spot.rebates; all of them when not given")
    options = parser.parse_args(arguments)
    if options.check:
        found = list(differences())
        print("\n\n".join(found) or f"{len(ENDPOINTS) + len(WRITES)} methods are as declared.")
        return 1 if found else 0
    reads = [
        read_source(each) for each in ENDPOINTS if not options.names or each.qualified_name in options.names
    ]
    writes = [
        write_source(each) for each in WRITES if not options.names or each.qualified_name in options.names
    ]
    if not reads and not writes:
        parser.error("there is no endpoint of that name: `toolkit.list_endpoints()` lists them all")
    print("\n".join([*reads, *writes]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
