"""The arguments of `link.get`, checked before anything is sent."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import get_args

from toolkit.endpoints import ENDPOINTS_BY_ROUTE, Endpoint, Security, rate_limit_for, requested
from toolkit.errors import UsageError
from toolkit.frames.infer_rows import MAX_FIELDS
from toolkit.gateway.calls import ReadRequest
from toolkit.redaction import mask_within
from toolkit.text.characters import find_invisible, normalize_email
from toolkit.text.printable import printable
from toolkit.text.suggestions import did_you_mean

MAX_WEIGHT = 10**9  # more than any rate limit

_PATH = re.compile(r"(/[A-Za-z0-9_-]+)+")
_RESERVED = {"timestamp", "recvWindow", "signature"}
_PRIVATE = re.compile(r"(mail|key|secret|token|address)$", re.IGNORECASE)


def declared_read(path: str, parameters: Mapping[str, object]) -> Endpoint | None:
    """The declared read that a GET of a path is, None if there is none."""
    return requested(ENDPOINTS_BY_ROUTE.get(("GET", path), ()), parameters)


def undeclared_request(
    path: str, parameters: Mapping[str, object], *, security: Security, weight: int, limit_by_uid: bool
) -> ReadRequest:
    """A request for a path. What is declared for the path takes precedence over the arguments.

    Raises:
        UsageError: An argument is invalid. Nothing was sent.
    """
    if not isinstance(path, str):
        raise UsageError("`path` must be text. Nothing was sent.")
    declared = declared_read(path, parameters)
    rate_limit = declared.rate_limit if declared else rate_limit_for(path, uid=limit_by_uid)
    if rate_limit is None or not _PATH.fullmatch(path):
        raise UsageError(
            "A path begins with /api/, /sapi/, /fapi/, /papi/ or /futures/data/ and has no query; pass "
            "parameters as keywords. Nothing was sent."
        )
    for name, value in parameters.items():
        texts = [name, *(value if isinstance(value, list | tuple) else [value])]
        if strange := next(filter(None, map(find_invisible, map(str, texts))), ""):
            raise UsageError(f"`{printable(name)}` has {strange} in it: remove it. Nothing was sent.")
    if own := sorted(_RESERVED & parameters.keys()):
        raise UsageError(f"{', '.join(own)}: the toolkit sets this itself. Nothing was sent.")
    if isinstance(weight, bool) or not isinstance(weight, int) or not 1 <= weight <= MAX_WEIGHT:
        raise UsageError(f"`weight` must be a whole number from 1 on, not {weight!r}. Nothing was sent.")
    allowed = get_args(Security)
    if security not in allowed:
        raise UsageError(
            f"`security` must be one of {', '.join(allowed)}, not {security!r}. Nothing was sent."
            f"{did_you_mean(security, allowed)}"
        )
    if declared:
        weight, security = declared.weight_of(parameters), declared.security
    elif rate_limit.counts == "requests":
        weight = 1
    return ReadRequest(
        qualified_name=path,
        path=path,
        parameters={name: _as_sent(name, value) for name, value in parameters.items()},
        rate_limit=rate_limit,
        weight=weight,
        security=security,
        privileged=declared.privileged if declared else False,
    )


def _as_sent(name: str, value: object) -> object:
    """The value of a parameter, by whose name alone an e-mail address is known."""
    return normalize_email(value) if isinstance(value, str) and name.lower().endswith("email") else value


def check_shape(rows: object, columns: object) -> None:
    """Check where the rows are said to be, and the names for their items.

    Raises:
        UsageError: One of them is invalid. Nothing was sent.
    """
    if rows is not None and (isinstance(rows, bool) or not isinstance(rows, str | int) or rows == ""):
        raise UsageError(
            f'`rows` must be the name of a list in the response, such as "assets", not {rows!r}. Nothing was '
            "sent."
        )
    if columns is None:
        return
    if (
        not isinstance(columns, Sequence)
        or isinstance(columns, str)
        or not 1 <= len(columns) <= MAX_FIELDS
        or not all(isinstance(name, str) and name for name in columns)
        or len(set(columns)) < len(columns)
    ):
        raise UsageError(
            '`columns` must be a list of different names, such as ["open_time", "open"]. Nothing was sent.'
        )
    if strange := next(filter(None, map(find_invisible, columns)), ""):
        raise UsageError(f"`columns` has {strange} in it: remove it. Nothing was sent.")


def shown_parameters(parameters: Mapping[str, object]) -> dict[str, object]:
    """The parameters as a frame's attrs show them."""
    return {
        mask_within(name): "(hidden)" if _PRIVATE.search(name) else mask_within(str(value))
        for name, value in parameters.items()
    }
