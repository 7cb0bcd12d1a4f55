"""The catalogue as a frame, and as the table in the README."""

from __future__ import annotations

import pandas as pd

from toolkit.catalogue import ENDPOINTS, SYSTEM_TITLES, Endpoint

_TEXTS = (
    *("door", "name", "system", "method", "path", "security", "permission", "pool", "arguments", "paging"),
    *("summary", "source"),
)


def endpoints() -> pd.DataFrame:
    """Every endpoint the toolkit knows, one row each; nothing is sent.

    Returns:
        A frame with the columns

        - door (text): How to call it: `link.<door>(...)`.
        - name (text): Its name in its namespace.
        - system (text): exchange, spot, futures or portfolio.
        - method (text), path (text): The request.
        - security (text): Security type; SIGNED where the documents print none.
        - permission (text): What the key must be allowed, where the documents say so.
        - weight (integer): Weight of one request; missing where it depends on the parameters.
        - pool (text): What the weight is charged to.
        - limit (integer): What the pool allows in a minute.
        - shared (flag): Whether the pool serves all endpoints of its host, or this one alone.
        - arguments (text): Arguments of the door, required ones first and marked with *.
        - window (timedelta): Longest span of one request; longer ones are put together.
        - default_window (timedelta): Span when no start is given.
        - kept (timedelta): How far back the exchange keeps rows.
        - paging (text): page, offset, limit (no pages: windows are halved) or none.
        - rows (integer): Most rows in one answer.
        - summary (text): What the rows are.
        - source (text): Page of the documents.
    """
    frame = pd.DataFrame([_row(endpoint) for endpoint in ENDPOINTS])
    for name in _TEXTS:
        frame[name] = frame[name].astype("string")
    for name in ("weight", "limit", "rows"):
        frame[name] = frame[name].astype("Int64")
    for name in ("window", "default_window", "kept"):
        frame[name] = pd.to_timedelta(frame[name])
    return frame


def _row(endpoint: Endpoint) -> dict[str, object]:
    window, paging = endpoint.window, endpoint.paging
    params = sorted(endpoint.params, key=lambda param: not param.required)
    arguments = [param.name + "*" * param.required for param in params]
    return {
        "door": endpoint.door,
        "name": endpoint.name,
        "system": endpoint.system,
        "method": endpoint.method,
        "path": endpoint.path,
        "security": endpoint.security,
        "permission": endpoint.permission,
        "weight": endpoint.weight if isinstance(endpoint.weight, int) else None,
        "pool": endpoint.pool.name,
        "limit": endpoint.pool.limit,
        "shared": endpoint.pool.shared,
        "arguments": ", ".join([*arguments, *(["start", "end"] if window else [])]),
        "window": window.longest if window else None,
        "default_window": window.default if window else None,
        "kept": window.kept if window else None,
        "paging": paging.kind,
        "rows": paging.maximum or None,
        "summary": endpoint.summary,
        "source": endpoint.source,
    }


def markdown() -> str:
    """The catalogue as Markdown, for the README."""
    lines = []
    for system, title in SYSTEM_TITLES.items():
        lines += [f"**{title}** · `link.{system}`", "", "| door | rows | request | weight | pool |"]
        lines += ["|---|---|---|---|---|"]
        for endpoint in ENDPOINTS:
            if endpoint.system == system:
                lines.append(
                    f"| `{endpoint.name}` | {endpoint.summary} | `{endpoint.method} {endpoint.path}` "
                    f"| {endpoint.weight if isinstance(endpoint.weight, int) else 'by parameters'} "
                    f"| {endpoint.pool.name} |"
                )
        lines.append("")
    return "\n".join(lines).rstrip()
