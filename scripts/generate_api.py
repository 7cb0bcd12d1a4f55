"""Generates the methods in `toolkit/api` from the declarations in `toolkit/endpoints`.

    python scripts/generate_api.py                    print every method, ready to paste
    python scripts/generate_api.py spot.rebates       print the read and the write of that name
    python scripts/generate_api.py --write            rewrite the methods in toolkit/api
    python scripts/generate_api.py --check            exit with status 1 if toolkit/api is out of date

The methods are stored as plain Python, so that completion, `?` and type checkers see them. The tests
run `--check`.
"""

from __future__ import annotations

import argparse
import ast
import difflib
import inspect
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from pathlib import Path

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
    "UsageError: An argument is invalid. Nothing was sent.",
    "ApiError: The exchange refused the request. Nothing was executed.",
    "ServerError: The exchange failed repeatedly; `partial` has the rows fetched until then.",
    "ContractError: A response is not as documented; `partial` has the rows fetched until then.",
)


def read_docstring(endpoint: Endpoint) -> str:
    """Docstring of a method that reads."""
    about = " ".join([*_paging_notes(endpoint), *endpoint.notes])
    arguments = [f"{param.name}: {param.doc}" for param in read_params(endpoint)]
    if endpoint.window:
        arguments.append(f"start: Start of the span, included; {_start(endpoint)}")
        arguments.append("end: End of the span, included; a date means its whole day. Defaults to now.")
    arguments.append('numbers: Amounts as "float" or "exact" columns; defaults to the setting of the Link.')
    if shows_emails(endpoint):
        arguments.append(
            'emails: E-mail addresses "masked" or "clear"; defaults to the setting of the Link. Different '
            f"addresses can have the same mask: identify and join rows by `{endpoint.columns[0].name}`."
        )
    return _docstring(
        [endpoint.summary],
        _wrapped(f"{_request(endpoint)}."),
        _wrapped(about),
        ["Args:", *_items(arguments)],
        ["Returns:", "    A DataFrame with the columns", "", *_columns(endpoint)],
        ["Raises:", *_items(READ_RAISES)],
        [f"Source: {endpoint.source}"],
    )


def read_params(endpoint: Endpoint) -> list[Param]:
    """Parameters in the order of the method's arguments, required ones first."""
    return sorted(endpoint.params, key=lambda param: not param.required)


def read_signature(endpoint: Endpoint) -> list[Argument]:
    """Arguments of a method that reads, without `self`."""
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
    """Source of a method that reads."""
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
    """Whether a column holds e-mail addresses that the toolkit masks by default."""
    return any(column.kind == "email" and not column.masked for column in endpoint.columns)


def _paging_notes(endpoint: Endpoint) -> list[str]:
    notes: list[str] = []
    window, paging = endpoint.window, endpoint.paging
    if window and window.max_span and not window.retention:
        notes.append(
            f"One request spans {_length(window.max_span)} at most; a longer span is split into several "
            "requests."
        )
    if paging.kind in ("page", "offset"):
        notes.append(f"All pages are fetched, {paging.maximum} rows a request, until a page is empty.")
    if paging.kind == "limit":
        notes.append(
            f"A response of {paging.maximum} rows is full, so its span is fetched again as two half-windows. "
            "The same holds for a response that may have been cut off at a lower limit: 100 rows cost three "
            "requests, 130 rows only one."
        )
    return notes


def _start(endpoint: Endpoint) -> str:
    window = endpoint.window
    if window is None:
        raise ValueError(f"{endpoint.qualified_name} has no window")
    retention = f" At most {_length(window.retention)} ago." if window.retention else ""
    return f"defaults to {_length(window.default)} before `end`.{retention}"


def _length(length: timedelta) -> str:
    if length % timedelta(days=1):
        return f"just under {(length + timedelta(milliseconds=1)).days} days"
    return f"{length.days} days"


# -- writes ------------------------------------------------------------------------------------------------

WRITE_RAISES = (
    "UsageError: An argument is invalid. Nothing was sent.",
    "PendingWriteError: An earlier call about the same thing is unresolved. Nothing was sent.",
    "JournalError: The journal cannot be written. Nothing was sent.",
)
BEFORE_RAISES = "NotExecutedError: The state before the call could not be read. Nothing was sent."
IDEMPOTENCY_KEY = (
    "idempotency_key: Name under which the write is made once, across restarts and kernels: a second call "
    "with the same key sends nothing and returns the first outcome."
)
UNIQUE_SUFFIX = (
    "unique_suffix: Append a random suffix to the {}. If the response is lost, the suffix identifies what "
    "this call created."
)
RESOLVED_BY = {
    "client_id": "An unknown outcome is resolved by the id generated for the call, which `{read}` shows. An "
    "id of your own is not proof: another call may carry it too.",
    "new_account": "An unknown outcome is resolved by the unique suffix, which `{read}` shows. Without one, "
    "the account may have been created by another program.",
    "new_key": "An unknown outcome is resolved only if `{read}` shows no new key: a new key may have been "
    "created by another program.",
    "gone": "An unknown outcome is resolved by absence from `{read}`, no matter who deleted it.",
    "in_force": "An unknown outcome is resolved by reading the value back with `{read}`, no matter who set "
    "it.",
    "changed": "An unknown outcome is resolved only if `{read}` shows no change: a change may have been made "
    "by another program.",
}
POSITIONAL = ("id", "text", "email", "amount")


def write_docstring(write: Write) -> str:
    """Docstring of a method that writes."""
    request = f"{_request(write)}."
    if write.permission:
        request += f' The key needs the "{write.permission}" permission.'
    how = write.reconciliation
    if how.read:
        resolved = RESOLVED_BY[how.kind].format(read=how.read)
    else:
        resolved = f"No read resolves an unknown outcome. Check {how.manual_check}."
    arguments = [f"{param.name}: {param.doc}" for param in write_params(write)]
    if write.confirm:
        arguments.append(f"confirm: `{write.confirm}` again, because this cannot be undone.")
    if write.suffixed_argument:
        arguments.append(UNIQUE_SUFFIX.format(write.suffixed_argument))
    arguments.append(IDEMPOTENCY_KEY)
    if write.columns:
        returns = "An `Outcome`; from `ops.preview`, a `Preview`. When confirmed, its `frame` has the columns"
        columns = ["", *_columns(write)]
    else:
        returns = "An `Outcome`; from `ops.preview`, a `Preview`. Its `frame` is empty, like the response."
        columns = []
    return _docstring(
        [write.summary],
        _wrapped(request),
        _wrapped(" ".join([*write.notes, resolved])),
        ["Args:", *_items(arguments)],
        ["Returns:", *_items([returns]), *columns],
        ["Raises:", *_items([*WRITE_RAISES, *([BEFORE_RAISES] if how.needs_snapshot else [])])],
        [f"Source: {write.source}"],
    )


def write_params(write: Write) -> list[Param]:
    """Parameters in the order of the method's arguments: positional ones, then required ones."""
    params = [param for param in write.params if param.fixed is None]
    return sorted(params, key=lambda param: (not _is_positional(param), not param.is_required))


def write_signature(write: Write) -> list[Argument]:
    """Arguments of a method that writes, without `self`."""
    arguments: list[Argument] = []
    for param in write_params(write):
        how = "POSITIONAL_OR_KEYWORD" if _is_positional(param) else "KEYWORD_ONLY"
        default = inspect.Parameter.empty if param.is_required else None
        arguments.append((param.name, how, default, _write_annotation(param)))
    if write.confirm:
        arguments.append(("confirm", "KEYWORD_ONLY", "", "str | int"))
    if write.suffixed_argument:
        arguments.append(("unique_suffix", "KEYWORD_ONLY", False, "bool"))
    arguments.append(("idempotency_key", "KEYWORD_ONLY", None, "str | None"))
    return arguments


def write_source(write: Write) -> str:
    """Source of a method that writes."""
    given = ", ".join(f'"{param.name}": {param.name}' for param in write_params(write))
    options = (
        "CallOptions(idempotency_key, str(confirm))" if write.confirm else "CallOptions(idempotency_key)"
    )
    if write.suffixed_argument:
        options = "CallOptions(idempotency_key, unique_suffix=unique_suffix)"
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
    """Annotation of an argument."""
    kind = {"choice": "", "flag": "bool", "integer": "int", "id": "str | int"}.get(param.kind, "str")
    if param.choices:
        kind = f"Literal[{', '.join(repr(word) for word in param.choices)}]"
    return kind if param.required or param.default is not None else f"{kind} | None"


def _request(endpoint: Endpoint) -> str:
    rate_limit = endpoint.rate_limit
    subject = "IP address" if rate_limit.scope == "IP" else "account (UID)"
    endpoints = f"shared by {rate_limit.prefix}*" if rate_limit.shared else "for this endpoint alone"
    weight = endpoint.weight if isinstance(endpoint.weight, int) else "by its parameters"
    limit = f"{rate_limit.limit:,} a minute for each {subject}, {endpoints}"
    return f"{endpoint.method} {endpoint.path}: weight {weight}, rate limit {rate_limit.name} ({limit})"


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
    """Name of the constant that declares an endpoint, as the methods write it."""
    for module in DECLARED_IN:
        for name, value in vars(module).items():
            if value is endpoint:
                return f"{module.__name__.rpartition('.')[2]}.{name}"
    raise LookupError(f"{endpoint.qualified_name} is declared in none of the modules of toolkit.endpoints")


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


# -- the code compared with the declarations -------------------------------------------------------------


def found_signature(method: Callable[..., object]) -> list[Argument]:
    """Arguments of a method as it is in the code, without `self`."""
    _, *parameters = inspect.signature(method).parameters.values()
    return [
        (each.name, each.kind.name, each.default, str(each.annotation).replace('"', "'"))
        for each in parameters
    ]


def differences() -> Iterator[str]:
    """Diffs between the code and the declarations; none if the code is up to date."""
    for endpoint in ENDPOINTS:
        method = _method_of(endpoint)
        yield from _difference(endpoint, method, read_signature(endpoint), read_docstring(endpoint))
    for write in WRITES:
        method = _method_of(write)
        yield from _difference(write, method, write_signature(write), write_docstring(write))


def _method_of(endpoint: Endpoint) -> Callable[..., object]:
    resource = OPERATIONS[endpoint.system] if isinstance(endpoint, Write) else READS[endpoint.system]
    method: Callable[..., object] = inspect.unwrap(getattr(resource, endpoint.name))
    return method


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


def rewrite() -> list[Path]:
    """Write every method anew into the file that has it.

    Returns:
        The files.
    """
    sources = {_method_of(each).__code__: read_source(each) for each in ENDPOINTS}
    sources |= {_method_of(each).__code__: write_source(each) for each in WRITES}
    files = {Path(code.co_filename) for code in sources}
    for file in files:
        lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
        at = {
            code.co_firstlineno: source for code, source in sources.items() if code.co_filename == str(file)
        }
        methods = [node for node in ast.walk(ast.parse("".join(lines))) if isinstance(node, ast.FunctionDef)]
        for node in sorted(methods, key=lambda node: -node.lineno):
            if node.lineno in at:
                lines[node.lineno - 1 : node.end_lineno] = [at[node.lineno]]
        file.write_text("".join(lines), encoding="utf-8")
    subprocess.run([sys.executable, "-m", "ruff", "format", "--quiet", *files], check=True)  # noqa: S603
    return sorted(files)


def main(arguments: list[str] | None = None) -> int:
    """Print the methods, rewrite them, or compare the code with them."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    action = parser.add_mutually_exclusive_group()
    action.add_argument("--check", action="store_true", help="compare the code with the declarations")
    action.add_argument("--write", action="store_true", help="rewrite the methods in toolkit/api")
    parser.add_argument("names", nargs="*", help="such as spot.rebates; all endpoints by default")
    options = parser.parse_args(arguments)
    if options.check:
        found = list(differences())
        print("\n\n".join(found) or f"{len(ENDPOINTS) + len(WRITES)} methods are as declared.")
        return 1 if found else 0
    if options.write:
        print("\n".join(map(str, rewrite())))
        return 0
    names = set(options.names)
    reads = [read_source(each) for each in ENDPOINTS if not names or each.qualified_name in names]
    writes = [write_source(each) for each in WRITES if not names or each.qualified_name in names]
    if not reads and not writes:
        parser.error("there is no endpoint of that name: `toolkit.list_endpoints()` lists them all")
    print("\n".join([*reads, *writes]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
