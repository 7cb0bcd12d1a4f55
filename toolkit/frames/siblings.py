"""Fields of a response that other endpoints of the same request have columns for."""

from __future__ import annotations

from collections.abc import Iterator

from toolkit.endpoints import ENDPOINTS_BY_ROUTE, Endpoint


def sibling_fields(endpoint: Endpoint) -> frozenset[str]:
    """The fields that are left out of the rows of an endpoint because a sibling has them.

    Siblings send the same request, with the same fixed parameters, and read other rows of its response: the
    balances of an account, and the account itself. Fields are named as undeclared ones are, by the object
    that no column of the endpoint reaches into.
    """
    if endpoint.row_layout == "arrays":  # positions are no names
        return frozenset()
    fixed = _fixed(endpoint)
    own = {step for path in _paths(endpoint) for step in _steps(path)}
    found: set[str] = set()
    for sibling in ENDPOINTS_BY_ROUTE.get((endpoint.method, endpoint.path), ()):
        if sibling.qualified_name != endpoint.qualified_name and _fixed(sibling) == fixed:
            for path in _paths(sibling):
                beyond = next((step for step in _steps(path) if step not in own), None)
                if beyond is not None:
                    found.add(_as_undeclared(endpoint, beyond))
    return frozenset(found)


def fields_left_out(endpoint: Endpoint) -> frozenset[str]:
    """The fields that no column uses and nobody is warned of."""
    return frozenset(endpoint.ignored) | sibling_fields(endpoint)


def _fixed(endpoint: Endpoint) -> dict[str, object]:
    return {param.field: param.fixed for param in endpoint.params if param.fixed is not None}


def _paths(endpoint: Endpoint) -> Iterator[str]:
    """The paths of its columns in the whole response, such as "balances[].asset"."""
    rows = f"{endpoint.rows_field}[]." if endpoint.rows_field else ""
    for column in endpoint.received_columns:
        for field in column.fields:
            yield field if column.outer else f"{rows}{field}"


def _steps(path: str) -> Iterator[str]:
    """The objects and lists on the way to a field: "a", "a[]", "a[].b"."""
    reached = ""
    for name in path.split("."):
        reached = f"{reached}.{name}" if reached else name
        bare = reached[: -len(name)] + name.partition("[")[0]
        yield bare
        if bare != reached:
            yield reached


def _as_undeclared(endpoint: Endpoint, path: str) -> str:
    """What the decoder calls a field of the response: in a row by its path, around the rows by its name."""
    rows = f"{endpoint.rows_field}[]." if endpoint.rows_field else ""
    if rows and not path.startswith(rows):
        return path.rpartition(".")[2]
    return path.removeprefix(rows)
