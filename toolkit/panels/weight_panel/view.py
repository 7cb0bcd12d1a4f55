"""What the rate-limit panel shows. Pure functions: a snapshot of the budget in, HTML out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from toolkit.display import svg
from toolkit.display.formatting import MISSING, clock, left, milliseconds, percent, plural, span, whole
from toolkit.display.html import render
from toolkit.panels.base import banner
from toolkit.panels.weight_panel import segments

if TYPE_CHECKING:
    from markupsafe import Markup

    from toolkit.ratelimit.snapshot import CallRecord, OtherCount, ProcessUsage, RateLimitUsage, Snapshot

# The busiest rate limits get cards; /sapi has one for each endpoint, so the rest get rows.
MAX_CARDS = 4
MAX_CALLS = 8
MAX_PROCESSES = 12
WINDOWS = 15
MINUTE = 60

_SYSTEMS = {
    "api": "Spot",
    "sapi-ip": "SAPI",
    "sapi-uid": "SAPI",
    "fapi": "Futures",
    "papi": "Portfolio Margin",
    "fapi-funding": "Futures funding",
    "futures-data": "Futures data",
}
_COUNTS = {"orders": "orders", "weight": "weight", "sapi-ip": "IP · weight", "sapi-uid": "UID · weight"}
_STATE_LABELS: Mapping[svg.State, str] = {"ok": "ok", "busy": "busy", "hot": "near limit"}


# -- names -----------------------------------------------------------------------------------------


def rate_limit_title(use: RateLimitUsage) -> tuple[str, str]:
    """The title of a rate limit, and the name of the endpoint that has it to itself ("" if it is shared)."""
    title = f"{_SYSTEMS.get(use.rate_limit.name, use.rate_limit.name)} · {use.rate_limit.scope}"
    if use.seconds != MINUTE:
        title += f" · {span(use.seconds)}"
    if not use.path:
        return title, ""
    system, _, name = use.endpoint.rpartition(".")
    return f"{system} · {title}" if system else title, name


def full_title(use: RateLimitUsage) -> str:
    """The title of a rate limit in one text."""
    title, endpoint = rate_limit_title(use)
    return f"{title} · {endpoint}" if endpoint else title


def count_title(count: OtherCount) -> str:
    """The title of another count, with its window: Spot · orders in 10 s."""
    system = _SYSTEMS[count.kind if count.kind in _SYSTEMS else count.host]
    return f"{system} · {_COUNTS[count.kind]} in {span(count.seconds)}"


def _names(use: RateLimitUsage) -> dict[str, str]:
    title, endpoint = rate_limit_title(use)
    if endpoint:
        return {"name": endpoint, "remark": title, "hint": use.path}
    return {"name": title, "remark": use.rate_limit.counts, "hint": ""}


# -- cards and rows --------------------------------------------------------------------------------


def current_counts(snapshot: Snapshot) -> list[OtherCount]:
    """The other counts whose window has not ended since the exchange reported them."""
    return [count for count in snapshot.other_counts if count.resets_at > snapshot.now]


def recent(use: RateLimitUsage, windows: int = WINDOWS) -> list[tuple[int, int]]:
    """Used weight of the last windows and this process's part of it, oldest first.

    A window without requests counts as 0.
    """
    current = use.history[-1][0]
    used, own = (
        {round((current - start) / use.seconds): weight for start, weight in history}
        for history in (use.history, use.own_history)
    )
    past = [(used.get(ago, 0), own.get(ago, 0)) for ago in range(windows - 1, 0, -1)]
    return [*past, (use.used, segments.segments(use)["own"])]


def busiest(
    rate_limits: tuple[RateLimitUsage, ...], most: int = MAX_CARDS
) -> tuple[list[RateLimitUsage], list[RateLimitUsage]]:
    """The rate limits for the cards, and the rest, each in the order of first use.

    They are ranked by the current or the last window, whichever is fuller. All are at 0 when a minute begins,
    and the cards must not change places then.
    """

    def rank(use: RateLimitUsage) -> float:
        return max(use.used_fraction, recent(use, 2)[0][0] / use.limit)

    ranked = sorted(rate_limits, key=rank, reverse=True)
    chosen = ranked[:most]
    return [use for use in rate_limits if use in chosen], [use for use in rate_limits if use not in chosen]


def cards(snapshot: Snapshot) -> Markup:
    """A gauge for each of the busiest rate limits; a row for each of the rest and for each other count."""
    shown, rest = busiest(snapshot.rate_limits)
    rows = [_row(use, snapshot) for use in rest]
    rows += [_count_row(count, snapshot) for count in current_counts(snapshot)]
    gauges = [_gauge(use, snapshot) for use in shown]
    return render("limits.html.jinja", gauges=gauges, columns=len(gauges), rows=rows)


def _badge(use: RateLimitUsage, snapshot: Snapshot) -> dict[str, str]:
    if snapshot.banned_until is not None:
        return {"state": "hot", "label": "banned"}
    if use.rate_limit.host in snapshot.paused:
        return {"state": "busy", "label": "paused"}
    return _state_badge(use.used_fraction)


def _state_badge(used_fraction: float) -> dict[str, str]:
    if not used_fraction:
        return {"state": "idle", "label": "idle"}
    state = svg.state_of(used_fraction)
    return {"state": state, "label": "used up" if used_fraction >= 1 else _STATE_LABELS[state]}


def _reset_text(use: RateLimitUsage, snapshot: Snapshot) -> str:
    if not use.used_fraction:
        return ""
    return f"resets in {left(use.resets_at - snapshot.now)}"


def _gauge(use: RateLimitUsage, snapshot: Snapshot) -> dict[str, object]:
    windows = recent(use)
    total, own_total = (sum(weights) for weights in zip(*windows, strict=True))
    length = span(WINDOWS * use.seconds)
    description = segments.description(use)
    return {
        **_names(use),
        **_badge(use, snapshot),
        "ring": svg.gauge(segments.level(use), description),
        "description": description,
        "used": whole(use.used),
        "limit": whole(use.limit),
        # Short, and after the limit: the end of it may be cut off.
        "in_flight": f" · +{whole(use.in_flight)}" if use.in_flight else "",
        "bars": svg.window_bars(
            [(used / use.limit, own / use.limit) for used, own in windows],
            f"Last {length}: {whole(total)} used, {whole(own_total)} of it by this kernel",
        ),
        "length": length,
        "resets": _reset_text(use, snapshot),
        "legend": segments.legend(use),
    }


def _row(use: RateLimitUsage, snapshot: Snapshot) -> dict[str, object]:
    in_flight = f" · {whole(use.in_flight)} in flight" if use.in_flight else ""
    return {
        **_names(use),
        **_badge(use, snapshot),
        "is_wide": True,
        "level": segments.bar(use),
        "percent": percent(use.used_fraction),
        "used": whole(use.used),
        "limit": f"/ {whole(use.limit)}{in_flight}",
        "resets": _reset_text(use, snapshot),
    }


def _count_row(count: OtherCount, snapshot: Snapshot) -> dict[str, object]:
    row: dict[str, object] = {
        "name": count_title(count),
        "remark": "",
        "hint": "",
        "is_wide": False,
        "used": whole(count.used),
        "resets": f"resets in {left(count.resets_at - snapshot.now)}",
    }
    if not count.limit:
        return row | {"percent": "", "limit": "limit unknown", "state": ""}
    used_fraction = count.used / count.limit
    level = segments.level_bar(svg.Level(used_fraction), svg.state_of(used_fraction))
    return row | {
        **_state_badge(used_fraction),
        "level": level,
        "percent": percent(used_fraction),
        "limit": f"/ {whole(count.limit)}",
    }


# -- by process ------------------------------------------------------------------------------------


def active_processes(use: RateLimitUsage) -> list[ProcessUsage]:
    """The processes that use a counter: this one first, then by weight."""
    active = [process for process in use.processes if process.used or process.in_flight]
    return sorted(active, key=lambda each: (not each.here, -each.used, -each.in_flight, each.name, each.pid))


def by_process(snapshot: Snapshot) -> str:
    """Use by process, for each counter that another process uses too."""
    groups = [
        {**_names(use), "rows": rows, "size": len(rows)}
        for use in snapshot.rate_limits
        if not all(process.here for process in active_processes(use))
        for rows in (_process_rows(use),)
    ]
    return render("processes.html.jinja", groups=groups) if groups else ""


def _process_rows(use: RateLimitUsage) -> list[dict[str, object]]:
    processes = active_processes(use)
    shown, rest = processes[:MAX_PROCESSES], processes[MAX_PROCESSES:]
    rows: list[dict[str, object]] = [
        {
            "name": process.name,
            "remark": "this kernel" if process.here else "",
            "is_process": True,
            "pid": process.pid,
            "used": whole(process.used),
            "percent": percent(process.used / use.limit),
            "in_flight": whole(process.in_flight) if process.in_flight else MISSING,
        }
        for process in shown
    ]
    if rest:
        rows.append(_sum_row(f"{len(rest)} more", "", sum(process.used for process in rest), use))
    if use.external:
        rows.append(_sum_row("others", "other programs, at least", use.external, use))
    return rows


def _sum_row(name: str, remark: str, used: int, use: RateLimitUsage) -> dict[str, object]:
    return {
        "name": name,
        "remark": remark,
        "is_process": False,
        "pid": MISSING,
        "used": whole(used),
        "percent": percent(used / use.limit),
        "in_flight": MISSING,
    }


# -- banners and calls -----------------------------------------------------------------------------


def local_only_banner(snapshot: Snapshot) -> str:
    """Why this process counts for itself, and what that means; "" if the count is shared."""
    if not snapshot.local_only_reason:
        return ""
    return banner("idle", "Local count only", _local_only_text(snapshot))


def _local_only_text(snapshot: Snapshot) -> str:
    reason = snapshot.local_only_reason
    return f"{reason if reason.endswith(('.', '!', '?')) else f'{reason}.'} {_LOCAL_ONLY}"


_LOCAL_ONLY = (
    "Other notebooks and scripts on this machine are not counted here, and they do not count this one: each "
    "may use the whole limit until the exchange reports its own count."
)


def banners(snapshot: Snapshot) -> str:
    """What holds requests back, and for how long."""
    now = snapshot.now
    if snapshot.banned_until is not None:
        end = snapshot.banned_until
        return banner(
            "hot",
            "Banned (418)",
            f"The exchange refuses requests from this address until {clock(end)} UTC. Nothing is sent before "
            "then: requests during a ban make it longer.",
            remaining=left(end - now),
        )
    found = [
        banner(
            "busy",
            "Back-off",
            f"The exchange ({host}) asked to wait until {clock(until)} UTC. Nothing is sent to it before "
            "then; calls continue by themselves.",
            remaining=left(until - now),
        )
        for host, until in snapshot.paused.items()
    ]
    if snapshot.waiting_for and snapshot.waiting_until > now and not found:
        found.append(
            banner(
                "busy",
                _waiting_title(snapshot),
                f"{snapshot.waiting_for}. The call continues by itself in the next window.",
                remaining=left(snapshot.waiting_until - now),
            )
        )
    return "".join(found)


def _waiting_title(snapshot: Snapshot) -> str:
    is_minute = all(use.seconds == MINUTE for use in snapshot.rate_limits)
    return "Waiting for the next minute" if is_minute else "Waiting for the next window"


def _status(call: CallRecord) -> dict[str, str]:
    if call.status is None:
        return {"state": "hot", "status": "no response"}
    state = "ok" if call.status < 300 else "busy" if call.status == 429 else "hot"
    return {"state": state, "status": str(call.status)}


def calls(snapshot: Snapshot) -> str:
    """The last calls, newest first."""
    rows = [
        {
            **_status(call),
            "at": clock(call.at),
            "endpoint": call.endpoint,
            "method": call.method,
            "path": call.path,
            "weight": whole(call.weight),
            "duration": milliseconds(call.seconds),
        }
        for call in reversed(snapshot.calls[-MAX_CALLS:])
    ]
    return render("calls.html.jinja", calls=rows) if rows else ""


# -- for viewers without widgets -------------------------------------------------------------------


def static_rate_limits(snapshot: Snapshot) -> Markup:
    """The rate limits as a plain table with drawn bars, and who uses them."""
    return render(
        "static_limits.html.jinja",
        rows=[*map(_static_row, snapshot.rate_limits), *map(_static_count_row, current_counts(snapshot))],
        is_shared=any(segments.is_shared(use) for use in snapshot.rate_limits),
        processes=_static_processes(snapshot.rate_limits),
        local_only=_local_only_text(snapshot) if snapshot.local_only_reason else "",
    )


def _static_row(use: RateLimitUsage) -> dict[str, str]:
    return {
        "name": full_title(use),
        "bar": svg.data_uri(svg.usage_bar(segments.level(use))),
        "percent": percent(use.used_fraction),
        "used": f"{whole(use.used)} of {whole(use.limit)}",
        "used_by": segments.breakdown(use),
    }


def _static_count_row(count: OtherCount) -> dict[str, str]:
    return {
        "name": count_title(count),
        "bar": "",
        "percent": percent(count.used / count.limit) if count.limit else "",
        "used": whole(count.used) + (f" of {whole(count.limit)}" if count.limit else ""),
        "used_by": "",
    }


def _static_processes(rate_limits: Iterable[RateLimitUsage]) -> list[dict[str, str]]:
    """For each counter that another process uses too: the processes that use it."""
    found = []
    for use in rate_limits:
        processes = active_processes(use)
        if all(process.here for process in processes):
            continue
        names = ", ".join(
            f"{process.name} ({'this kernel, ' * process.here}pid {process.pid}) {whole(process.used)}"
            + (f" + {whole(process.in_flight)} in flight" if process.in_flight else "")
            for process in processes[:MAX_PROCESSES]
        )
        found.append({"name": full_title(use), "used_by": names})
    return found


def static_calls(snapshot: Snapshot) -> str:
    """One line about the last calls."""
    if not snapshot.calls:
        return ""
    last = snapshot.calls[-1]
    return render(
        "static_calls.html.jinja",
        number=plural(len(snapshot.calls), "recent call"),
        endpoint=last.endpoint,
        at=clock(last.at),
        status="no response" if last.status is None else f"HTTP {last.status}",
        duration=milliseconds(last.seconds),
    )


def one_line(snapshot: Snapshot) -> str:
    """All rate limits in one line of plain text."""
    parts = []
    for use in snapshot.rate_limits:
        used_by = f": {segments.breakdown(use)}" if segments.is_shared(use) else ""
        used = f"{whole(use.used)} of {whole(use.limit)}"
        parts.append(f"{full_title(use)} {used} ({percent(use.used_fraction)}{used_by})")
    for count in current_counts(snapshot):
        of = f" of {whole(count.limit)}" if count.limit else ""
        parts.append(f"{count_title(count)} {whole(count.used)}{of}")
    line = "; ".join(parts) or "nothing sent yet"
    return f"{line}; local count only: {snapshot.local_only_reason}" if snapshot.local_only_reason else line
