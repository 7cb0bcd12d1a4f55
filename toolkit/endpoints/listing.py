"""The catalogue as a frame, and as the tables of the documentation."""

from __future__ import annotations

import pandas as pd

from toolkit.endpoints import ENDPOINTS, WRITES, Endpoint, Write
from toolkit.text.suggestions import suggests_arguments

_TEXTS = (
    *(
        "endpoint",
        "name",
        "system",
        "method",
        "path",
        "security",
        "permission",
        "rate_limit",
        "arguments",
        "paging",
    ),
    *("confirm", "resolved_by", "summary", "source"),
)

_HOW = {
    "client_id": "the id drawn for it, in {read}",
    "new_account": "its mark in {read}, or no such account there",
    "new_key": "no new key in {read}",
    "gone": "no row in {read} any more",
    "in_force": "what {read} shows",
    "changed": "no change in {read}",
}


@suggests_arguments
def list_endpoints() -> pd.DataFrame:
    """Every endpoint the toolkit knows, one row each; nothing is sent.

    Returns:
        A frame with the columns

        - endpoint (text): How to call it: `link.<endpoint>(...)`, and `ops.<endpoint>(...)` where it writes.
        - writes (flag): Whether it changes something.
        - name (text): Its name in its namespace.
        - system (text): exchange, spot, futures or portfolio.
        - method (text), path (text): The request.
        - security (text): Security type; SIGNED where the documents print none.
        - permission (text): What the key must be allowed, where the documents say so.
        - weight (integer): Weight of one request; missing where it depends on the parameters.
        - rate_limit (text): What the weight is charged to.
        - limit (integer): What the pool allows in a minute.
        - shared (flag): Whether the pool serves all endpoints of its host, or this one alone.
        - arguments (text): Arguments of the door, required ones first and marked with *.
        - window (timedelta): Longest span of one request; longer ones are put together.
        - default_window (timedelta): Span when no start is given.
        - retention (timedelta): How far back the exchange keeps rows.
        - paging (text): page, offset, limit (no pages: windows are halved) or none.
        - rows (integer): Most rows in one answer.
        - confirm (text): Argument that a write wants said twice, as it cannot be undone; missing elsewhere.
        - resolved_by (text): What settles it where its outcome is unknown; anything else leaves it so. Missing
            for reads.
        - summary (text): What the rows are, or what is done.
        - source (text): Page of the documents.
    """
    frame = pd.DataFrame([_row(endpoint) for endpoint in (*ENDPOINTS, *WRITES)])
    for name in _TEXTS:
        frame[name] = frame[name].astype("string")
    for name in ("weight", "limit", "rows"):
        frame[name] = frame[name].astype("Int64")
    for name in ("window", "default_window", "retention"):
        frame[name] = pd.to_timedelta(frame[name])
    return frame


def _row(endpoint: Endpoint) -> dict[str, object]:
    window, paging = endpoint.window, endpoint.paging
    params = sorted(endpoint.params, key=lambda param: not param.is_required)
    arguments = [param.name + "*" * param.is_required for param in params if param.fixed is None]
    return {
        "endpoint": endpoint.qualified_name,
        "writes": isinstance(endpoint, Write),
        "name": endpoint.name,
        "system": endpoint.system,
        "method": endpoint.method,
        "path": endpoint.path,
        "security": endpoint.security,
        "permission": endpoint.permission,
        "weight": endpoint.weight if isinstance(endpoint.weight, int) else None,
        "rate_limit": endpoint.rate_limit.name,
        "limit": endpoint.rate_limit.limit,
        "shared": endpoint.rate_limit.shared,
        "arguments": ", ".join([*arguments, *(["start", "end"] if window else [])]),
        "window": window.longest if window else None,
        "default_window": window.default if window else None,
        "retention": window.retention if window else None,
        "paging": paging.kind,
        "rows": paging.maximum or None,
        "confirm": (endpoint.confirm or None) if isinstance(endpoint, Write) else None,
        "resolved_by": _resolved_by(endpoint) if isinstance(endpoint, Write) else None,
        "summary": endpoint.summary,
        "source": endpoint.source,
    }


def _resolved_by(write: Write, read: str = "{}") -> str:
    how = write.reconciliation
    return _HOW[how.kind].format(read=read.format(how.read)) if how.read else "no read: look by hand"
