"""`list_endpoints()`: the declared endpoints as a frame."""

from __future__ import annotations

import pandas as pd

from toolkit.endpoints import ENDPOINTS, WRITES, Endpoint, Write
from toolkit.text.suggestions import suggests_arguments

_TEXTS = (
    *("endpoint", "name", "system", "method", "path", "security", "permission", "rate_limit", "counts"),
    *("arguments", "paging", "confirm", "resolved_by", "summary", "source"),
)

_EVIDENCE = {
    "client_id": "its client id in {read}",
    "new_account": "its suffix in {read}, or no such account there",
    "new_key": "no new key in {read}",
    "gone": "no row left in {read}",
    "in_force": "the state in {read}",
    "changed": "no change in {read}",
}


@suggests_arguments
def list_endpoints() -> pd.DataFrame:
    """List every endpoint of the toolkit, one row each. Nothing is sent.

    Returns:
        A frame with the columns

        - endpoint (text): How to call it: `link.<endpoint>(...)`, and `ops.<endpoint>(...)` where it writes.
        - writes (flag): Whether it changes something.
        - name (text): Name of the method in its namespace.
        - system (text): The namespace, such as "spot".
        - method (text), path (text): HTTP method and path.
        - security (text): Documented security type; SIGNED where none is documented. NONE needs no key, and
            MARKET_DATA a key but no signature.
        - permission (text): Permission the key needs, where the documentation names one.
        - weight (integer): Weight of one request; missing where it depends on the parameters.
        - rate_limit (text): The rate limit that a request is charged to.
        - limit (integer): What the rate limit allows in an interval: weight, or a number of requests.
        - counts (text): What the rate limit counts: weight or requests.
        - seconds (integer): Length of its interval, in seconds.
        - shared (flag): Whether other endpoints are charged to the same counter.
        - arguments (text): Arguments of the method, required ones first and marked with *.
        - window (timedelta): Longest span of one request; longer spans are fetched in several requests.
        - default_window (timedelta): Span fetched when no start is given.
        - retention (timedelta): How far back the exchange keeps rows.
        - paging (text): page, offset, id (each page begins after the last id), limit (no pages: full windows
            are halved) or none.
        - rows (integer): Maximum number of rows in one response.
        - confirm (text): Argument that must be given twice, as the write cannot be undone; missing elsewhere.
        - resolved_by (text): The evidence that resolves an unknown outcome of a write; without it the outcome
            stays unknown. Missing for reads.
        - summary (text): What the rows are, or what the write does.
        - source (text): URL of the documentation.
    """
    frame = pd.DataFrame([_row(endpoint) for endpoint in (*ENDPOINTS, *WRITES)])
    for name in _TEXTS:
        frame[name] = frame[name].astype("string")
    for name in ("weight", "limit", "seconds", "rows"):
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
        "counts": endpoint.rate_limit.counts,
        "seconds": endpoint.rate_limit.seconds,
        "shared": endpoint.rate_limit.shared,
        "arguments": ", ".join([*arguments, *(["start", "end"] if window else [])]),
        "window": window.max_span if window else None,
        "default_window": window.default if window else None,
        "retention": window.retention if window else None,
        "paging": paging.kind,
        "rows": paging.maximum or None,
        "confirm": (endpoint.confirm or None) if isinstance(endpoint, Write) else None,
        "resolved_by": _resolved_by(endpoint) if isinstance(endpoint, Write) else None,
        "summary": endpoint.summary,
        "source": endpoint.source,
    }


def _resolved_by(write: Write) -> str:
    how = write.reconciliation
    return _EVIDENCE[how.kind].format(read=how.read) if how.read else "no read: check manually"
