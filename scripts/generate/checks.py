"""What is wrong with the declarations, so that it is said before anything is generated from them."""

from __future__ import annotations

import importlib
import json
import pkgutil
import re
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from types import ModuleType

from scripts.generate.methods import docstring
from toolkit.endpoints import Endpoint, Namespace, Write, by_route
from toolkit.errors import ContractError
from toolkit.frames.builder import FrameBuilder

EXAMPLES = "toolkit/sandbox/examples"
_NAME = re.compile(r"[a-z][a-z0-9_]*")


def problems(namespaces: tuple[Namespace, ...], root: Path) -> list[str]:
    """Say what is wrong, one sentence each.

    Args:
        namespaces: The namespaces with the declarations.
        root: The top level, whose folder of examples has the documented responses.
    """
    found: list[str] = []
    sound: set[str] = set()
    for namespace in namespaces:
        found += _unlisted(namespace)
        for endpoint in (*namespace.reads, *namespace.writes):
            said = list(_declared(endpoint, namespace))
            sound |= set() if said else {endpoint.qualified_name}
            found += said
    reads = [read for namespace in namespaces for read in namespace.reads]
    writes = [write for namespace in namespaces for write in namespace.writes]
    found += _repeated([*reads, *writes])
    for read in reads:
        if read.qualified_name in sound:  # otherwise there may be no decoder for it
            found += _example(read, root)
    known = {read.qualified_name for read in reads}
    for file in sorted((root / EXAMPLES).glob("*.json")):
        if file.stem not in known:
            found.append(f"{EXAMPLES}/{file.name}: no read has this name; <system>.<name>.json is expected.")
    return found


def _unlisted(namespace: Namespace) -> Iterator[str]:
    """The endpoints that a module declares and its namespace does not list, or its method cannot read."""
    listed = [*namespace.reads, *namespace.writes]
    for module in _modules(namespace.module):
        last_name = module.__name__.rpartition(".")[2]
        for name, value in vars(module).items():
            if isinstance(value, Endpoint) and last_name in [param.name for param in value.params]:
                yield (
                    f"{value.qualified_name}: {module.__name__} has the name of an argument, which the "
                    "method would read in its place. Rename the module."
                )
            if isinstance(value, Endpoint) and not any(value is each for each in listed):
                tuple_name = "WRITES" if isinstance(value, Write) else "ENDPOINTS"
                yield (
                    f"{value.qualified_name}: {name} of {module.__name__} is not in {tuple_name} of "
                    f"{namespace.module.__name__}, so it has no method."
                )


def _repeated(endpoints: list[Endpoint]) -> Iterator[str]:
    """Names that several declarations have, and routes about whose requests they do not agree."""
    for name, number in Counter(each.qualified_name for each in endpoints).items():
        if number > 1:
            yield f"{name}: declared {number} times."
    for (method, path), declared in by_route(endpoints).items():
        if any(isinstance(each, Write) for each in declared) and len(declared) > 1:
            yield f"{method} {path}: declared {len(declared)} times."
        first, *others = declared
        for other in others:
            if _request(other) != _request(first):
                yield f"{other.qualified_name}: {method} {path} is not declared as in {first.qualified_name}."


def _request(endpoint: Endpoint) -> tuple[object, ...]:
    """What a declaration says about requests, which the endpoints of one route have in common."""
    fields = [param.field for param in endpoint.request_params]
    weight = endpoint.weight_of({})
    return endpoint.security, endpoint.permission, endpoint.rate_limit, weight, endpoint.window, fields


def _modules(module: ModuleType) -> list[ModuleType]:
    """A module, or a package and its modules."""
    names = [each.name for each in pkgutil.iter_modules(getattr(module, "__path__", []))]
    return [module, *(importlib.import_module(f"{module.__name__}.{name}") for name in names)]


def _declared(endpoint: Endpoint, namespace: Namespace) -> Iterator[str]:
    """What contradicts itself within a declaration."""
    called = endpoint.qualified_name
    if endpoint.system != namespace.system:
        yield f"{called}: it is listed among the endpoints of {namespace.system!r}."
    columns = [column.name for column in endpoint.columns]
    for name in (endpoint.name, *columns, *(param.name for param in endpoint.params)):
        if not _NAME.fullmatch(name):
            yield f"{called}: {name!r} is not a name in lowercase letters, digits and underscores."
    named = {
        "identity": endpoint.identity,
        "order_by": (endpoint.order_by,) if endpoint.order_by else (),
        "id_column": (endpoint.paging.id_column,) if endpoint.paging.id_column else (),
        **{f"columns of `{param.name}`": param.columns for param in endpoint.params},
        **{
            f"`of` of `{column.name}`": (column.of,)
            for column in endpoint.columns
            if column.of and column.derived != "requested"
        },
    }
    for what, names in named.items():
        for name in names:
            if name not in columns:
                yield f"{called}: {what} has {name!r}, which is none of its columns: {', '.join(columns)}."
    for column in endpoint.columns:
        if bool(column.derived) == bool(column.field):
            yield f"{called}: the column {column.name!r} needs a field, or it is derived and has none."
        requested = {param.name: param.kind for param in endpoint.params}
        if column.derived == "requested" and requested.get(column.of) != column.kind:
            yield (
                f"{called}: the column {column.name!r} has the value of {column.of!r}, which is no parameter "
                f"of the kind {column.kind!r}."
            )
    if endpoint.steps and (not endpoint.order_by or endpoint.paging.kind != "limit" or not endpoint.window):
        yield f"{called}: rows with `steps` need a window, paging of the kind 'limit', and `order_by`."
    if endpoint.steps and endpoint.steps.param not in {param.name for param in endpoint.params}:
        yield f"{called}: steps has {endpoint.steps.param!r}, which is none of its parameters."
    several = [param.name for param in endpoint.params if param.several]
    alternatives = set(several) <= set(endpoint.at_least_one)
    if (len(several) > 1 and not alternatives) or (
        several and (endpoint.steps or isinstance(endpoint, Write))
    ):
        yield (
            f"{called}: `several` is for one parameter of a read without `steps`, or for those of "
            f"`at_least_one`, not {', '.join(several)}."
        )
    for name in several:
        if not _has_value(endpoint, name):
            yield f"{called}: no column has the value of {name!r}, so its rows could not be told apart."
    if endpoint.paging.by_window and (endpoint.paging.kind != "id" or not endpoint.window):
        yield f"{called}: `by_window` needs a window, and paging of the kind 'id'."
    if endpoint.row_lists and (endpoint.window or endpoint.paging.kind != "none"):
        yield f"{called}: rows in `row_lists` come in one response, without a window or paging."
    try:
        docstring(endpoint)
    except ValueError as error:
        yield f"{error}."


def _has_value(endpoint: Endpoint, name: str) -> bool:
    """Whether a column has the value of a parameter."""
    param = next(param for param in endpoint.params if param.name == name)
    requested = any(column.derived == "requested" and column.of == name for column in endpoint.columns)
    return requested or bool(endpoint.columns_echoing(param))


def _example(read: Endpoint, root: Path) -> Iterator[str]:
    """What is wrong with the documented responses of a read, decoded as those of the exchange."""
    path = f"{EXAMPLES}/{read.qualified_name}.json"
    if not (root / path).exists():
        yield f'{path} is missing: {{"documented": <the example response on the page>}}.'
        return
    try:
        responses = json.loads((root / path).read_text("utf-8"), parse_float=Decimal)
    except ValueError as error:
        yield f"{path} is not JSON: {error}."
        return
    if not isinstance(responses, dict) or next(iter(responses), "") != "documented":
        yield f'{path} does not begin with {{"documented": ...}}.'
        return
    for name, response in responses.items():
        builder = FrameBuilder(read, "exact")
        try:
            builder.add(response)
        except ContractError as error:
            yield f"{path}, {name!r}: {error}"
            continue
        if builder.undeclared:
            fields = ", ".join(sorted(builder.undeclared))
            yield f"{path}, {name!r}: no column for {fields}. Declare one, or add the field to `ignored`."
        if not builder.rows:
            yield f"{path}, {name!r}: it has no row."
