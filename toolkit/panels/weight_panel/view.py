"""What the weight panel shows of a budget: pure, a snapshot in and HTML out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from toolkit.display import svg
from toolkit.display.formatting import MISSING, clock, left, percent, plural, span, took, whole
from toolkit.display.html import render
from toolkit.panels.base import note
from toolkit.panels.weight_panel import segments

if TYPE_CHECKING:
    from markupsafe import Markup

    from toolkit.ratelimit.snapshot import CallRecord, OtherCount, ProcessUsage, RateLimitUse, Snapshot

# Cards for the busiest pools; /sapi has one for each endpoint, so the others are rows.
MOST_CARDS = 4
MOST_CALLS = 8
MOST_PROCESSES = 12
WINDOWS = 15
MINUTE = 60

_SYSTEMS = {
    "api": "Spot",
    "sapi-ip": "SAPI",
    "sapi-uid": "SAPI",
    "fapi": "Futures",
    "papi": "Portfolio Margin",
}
_COUNTS = {"orders": "orders", "weight": "weight", "sapi-ip": "IP · weight", "sapi-uid": "UID · weight"}
_CHIPS: Mapping[svg.State, str] = {"ok": "ok", "busy": "busy", "hot": "near limit"}


def rate_limit_title(use: RateLimitUse) -> tuple[str, str]:
    """Which pool it is, and the door of the endpoint that has it to itself ("" where it is shared)."""
    title = f"{_SYSTEMS.get(use.rate_limit.name, use.rate_limit.name)} · {use.rate_limit.scope}"
    if use.seconds != MINUTE:
        title += f" · {span(use.seconds)}"
    if not use.path:
        return title, ""
    system, _, name = use.endpoint.rpartition(".")
    return f"{system} · {title}" if system else title, name


def full_title(use: RateLimitUse) -> str:
    """The same as one text."""
    title, own = rate_limit_title(use)
    return f"{title} · {own}" if own else title


def count_title(count: OtherCount) -> str:
    """What is counted beside the pools, and in which time: Spot · orders in 10 s."""
    system = _SYSTEMS[count.kind if count.kind in _SYSTEMS else count.host]
    return f"{system} · {_COUNTS[count.kind]} in {span(count.seconds)}"


def running_counts(snapshot: Snapshot) -> list[OtherCount]:
    """The other counts that still hold: their window has not turned since they were told."""
    return [count for count in snapshot.other_counts if count.resets_at > snapshot.now]


def recent(use: RateLimitUse, windows: int = WINDOWS) -> list[tuple[int, int]]:
    """Used weight of the last windows and this process's part of it, oldest first.

    A window in which nothing was asked counts as 0.
    """
    running = use.history[-1][0]
    used, own = (
        {round((running - start) / use.seconds): weight for start, weight in history}
        for history in (use.history, use.own_history)
    )
    past = [(used.get(ago, 0), own.get(ago, 0)) for ago in range(windows - 1, 0, -1)]
    return [*past, (use.used, segments.segments(use)["own"])]


def busiest(
    rate_limits: tuple[RateLimitUse, ...], most: int = MOST_CARDS
) -> tuple[list[RateLimitUse], list[RateLimitUse]]:
    """The pools for the cards and the others, each in the order in which they were first used.

    By the greater of the running window's share and the last one's: at the turn of the minute all
    are at 0, and the cards must not change places then.
    """

    def rank(use: RateLimitUse) -> float:
        return max(use.used_fraction, recent(use, 2)[0][0] / use.limit)

    ranked = sorted(rate_limits, key=rank, reverse=True)
    chosen = ranked[:most]
    return [use for use in rate_limits if use in chosen], [use for use in rate_limits if use not in chosen]


def cards(snapshot: Snapshot) -> Markup:
    """A gauge for each of the busiest pools, a row for each of the others and for what else is counted."""
    shown, external = busiest(snapshot.rate_limits)
    rows = [_row(use, snapshot) for use in external]
    rows += [_count_row(count, snapshot) for count in running_counts(snapshot)]
    gauges = [_gauge(use, snapshot) for use in shown]
    return render("limits.html.jinja", gauges=gauges, columns=len(gauges), rows=rows)


def _chip(use: RateLimitUse, snapshot: Snapshot) -> dict[str, str]:
    if snapshot.banned_until is not None:
        return {"state": "hot", "label": "banned"}
    if use.rate_limit.host in snapshot.paused:
        return {"state": "busy", "label": "paused"}
    return _state_chip(use.used_fraction)


def _state_chip(used_fraction: float) -> dict[str, str]:
    if not used_fraction:
        return {"state": "idle", "label": "idle"}
    state = svg.state_of(used_fraction)
    return {"state": state, "label": "used up" if used_fraction >= 1 else _CHIPS[state]}


def _reset_text(use: RateLimitUse, snapshot: Snapshot) -> str:
    if not use.used_fraction:
        return ""
    return f"resets in {left(use.resets_at - snapshot.now)}"


def _name(use: RateLimitUse) -> dict[str, str]:
    title, own = rate_limit_title(use)
    if own:
        return {"name": own, "remark": title, "hint": use.path}
    return {"name": title, "remark": "weight", "hint": ""}


def _gauge(use: RateLimitUse, snapshot: Snapshot) -> dict[str, object]:
    lately = recent(use)
    all_used, own_used = (sum(weights) for weights in zip(*lately, strict=True))
    length = span(WINDOWS * use.seconds)
    said = f"Last {length}: {whole(all_used)} used, {whole(own_used)} of it by this kernel"
    bars = [(used / use.limit, own / use.limit) for used, own in lately]
    return {
        **_name(use),
        **_chip(use, snapshot),
        "ring": svg.gauge(segments.level(use), segments.said(use)),
        "said": segments.said(use),
        "used": whole(use.used),
        "limit": whole(use.limit),
        # Briefly, and after the limit: the end of it may be cut off.
        "in_flight": f" · +{whole(use.in_flight)}" if use.in_flight else "",
        "bars": svg.minute_bars(bars, said),
        "length": length,
        "resets": _reset_text(use, snapshot),
        "legend": segments.legend(use),
    }


def _row(use: RateLimitUse, snapshot: Snapshot) -> dict[str, object]:
    flying = f" · {whole(use.in_flight)} in flight" if use.in_flight else ""
    return {
        **_name(use),
        **_chip(use, snapshot),
        "is_wide": True,
        "level": segments.bar(use),
        "share": percent(use.used_fraction),
        "used": whole(use.used),
        "limit": f"/ {whole(use.limit)}{flying}",
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
        return row | {"share": "", "limit": "limit not told", "state": ""}
    used_fraction = count.used / count.limit
    level = segments.level_bar(svg.Level(used_fraction), svg.state_of(used_fraction))
    return row | {
        **_state_chip(used_fraction),
        "level": level,
        "share": percent(used_fraction),
        "limit": f"/ {whole(count.limit)}",
    }


# -- by process ------------------------------------------------------------------------------------


def processes_of(use: RateLimitUse) -> list[ProcessUsage]:
    """The processes that used a counter: this one first, then by how much."""
    used_it = [process for process in use.processes if process.used or process.in_flight]
    return sorted(used_it, key=lambda each: (not each.here, -each.used, -each.in_flight, each.name, each.pid))


def by_process(snapshot: Snapshot) -> str:
    """Which process used how much of each counter that another one than this uses too."""
    groups = [
        {**_name(use), "rows": rows, "size": len(rows)}
        for use in snapshot.rate_limits
        if not all(process.here for process in processes_of(use))
        for rows in (_process_rows(use),)
    ]
    return render("processes.html.jinja", groups=groups) if groups else ""


def _process_rows(use: RateLimitUse) -> list[dict[str, object]]:
    everyone = processes_of(use)
    shown, left_out = everyone[:MOST_PROCESSES], everyone[MOST_PROCESSES:]
    rows: list[dict[str, object]] = [
        {
            "name": process.name,
            "remark": "this kernel" if process.here else "",
            "is_process": True,
            "pid": process.pid,
            "used": whole(process.used),
            "share": percent(process.used / use.limit),
            "in_flight": whole(process.in_flight) if process.in_flight else MISSING,
        }
        for process in shown
    ]
    if left_out:
        rows.append(_sum_row(f"{len(left_out)} more", "", sum(process.used for process in left_out), use))
    if use.external:
        rows.append(_sum_row("others", "outside this budget, at least", use.external, use))
    return rows


def _sum_row(name: str, remark: str, used: int, use: RateLimitUse) -> dict[str, object]:
    return {
        "name": name,
        "remark": remark,
        "is_process": False,
        "pid": MISSING,
        "used": whole(used),
        "share": percent(used / use.limit),
        "in_flight": MISSING,
    }


# -- banners and calls -----------------------------------------------------------------------------


def local_only_banner(snapshot: Snapshot) -> str:
    """That this process counts for itself, why, and what that means; "" where the machine shares."""
    if not snapshot.local_only_reason:
        return ""
    return note("idle", "Counting alone", f"{_sentence(snapshot.local_only_reason)} {_LOCAL_ONLY}")


_LOCAL_ONLY = (
    "Other notebooks and scripts of this machine are not seen here and do not see this one: each may use "
    "the whole limit, until the exchange's own count says otherwise."
)


def _sentence(text: str) -> str:
    return text if text.endswith((".", "!", "?")) else text + "."


def banners(snapshot: Snapshot) -> str:
    """What keeps requests from going out at this moment, and for how long."""
    now = snapshot.now
    if snapshot.banned_until is not None:
        end = snapshot.banned_until
        return note(
            "hot",
            "Banned (418)",
            f"The exchange refuses this address until {clock(end)} UTC. Nothing is sent before then: "
            "requests during a ban make it longer.",
            remaining=left(end - now),
        )
    notes = [
        note(
            "busy",
            "Back-off",
            f"The exchange ({host}) asked to wait until {clock(until)} UTC. Nothing is sent there before; "
            "calls go on by themselves.",
            remaining=left(until - now),
        )
        for host, until in snapshot.paused.items()
    ]
    if snapshot.waiting_for and snapshot.waiting_until > now and not notes:
        notes.append(
            note(
                "busy",
                _waiting_title(snapshot),
                f"{snapshot.waiting_for}. The call goes on by itself when the window turns.",
                remaining=left(snapshot.waiting_until - now),
            )
        )
    return "".join(notes)


def _waiting_title(snapshot: Snapshot) -> str:
    minutes = all(use.seconds == MINUTE for use in snapshot.rate_limits)
    return "Waiting for the minute" if minutes else "Waiting for the window"


def _status(call: CallRecord) -> dict[str, str]:
    if call.status is None:
        return {"state": "hot", "status": "no answer"}
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
            "took": took(call.seconds),
        }
        for call in reversed(snapshot.calls[-MOST_CALLS:])
    ]
    return render("calls.html.jinja", calls=rows) if rows else ""


def static_rate_limits(snapshot: Snapshot) -> Markup:
    """The pools as a plain table with drawn bars, whose the use is, and what else there is to know."""
    return render(
        "static_limits.html.jinja",
        rows=[*map(_static_row, snapshot.rate_limits), *map(_static_count_row, running_counts(snapshot))],
        by_whom=any(segments.shared(use) for use in snapshot.rate_limits),
        processes=_static_processes(snapshot.rate_limits),
        local_only=f"{_sentence(snapshot.local_only_reason)} {_LOCAL_ONLY}"
        if snapshot.local_only_reason
        else "",
    )


def _static_row(use: RateLimitUse) -> dict[str, str]:
    return {
        "name": full_title(use),
        "bar": svg.data_uri(svg.usage_bar(segments.level(use))),
        "share": percent(use.used_fraction),
        "used": f"{whole(use.used)} of {whole(use.limit)}",
        "by_whom": segments.words(use),
    }


def _static_count_row(count: OtherCount) -> dict[str, str]:
    return {
        "name": count_title(count),
        "bar": "",
        "share": percent(count.used / count.limit) if count.limit else "",
        "used": whole(count.used) + (f" of {whole(count.limit)}" if count.limit else ""),
        "by_whom": "",
    }


def _static_processes(rate_limits: Iterable[RateLimitUse]) -> list[dict[str, str]]:
    """The processes that share a pool with this one."""
    found = []
    for use in rate_limits:
        shown = processes_of(use)
        if all(process.here for process in shown):
            continue
        names = ", ".join(
            f"{process.name} ({'this kernel, ' * process.here}pid {process.pid}) {whole(process.used)}"
            + (f" + {whole(process.in_flight)} in flight" if process.in_flight else "")
            for process in shown[:MOST_PROCESSES]
        )
        found.append({"name": full_title(use), "used_by": names})
    return found


def static_calls(snapshot: Snapshot) -> str:
    """One line about the calls."""
    if not snapshot.calls:
        return ""
    last = snapshot.calls[-1]
    return render(
        "static_calls.html.jinja",
        number=plural(len(snapshot.calls), "call"),
        endpoint=last.endpoint,
        at=clock(last.at),
        status="no answer" if last.status is None else f"HTTP {last.status}",
        took=took(last.seconds),
    )


def one_line(snapshot: Snapshot) -> str:
    """All pools in one line of plain text."""
    parts = []
    for use in snapshot.rate_limits:
        whose = f": {segments.words(use)}" if segments.shared(use) else ""
        used = f"{whole(use.used)} of {whole(use.limit)}"
        parts.append(f"{full_title(use)} {used} ({percent(use.used_fraction)}{whose})")
    for count in running_counts(snapshot):
        of = f" of {whole(count.limit)}" if count.limit else ""
        parts.append(f"{count_title(count)} {whole(count.used)}{of}")
    line = "; ".join(parts) or "nothing sent yet"
    return f"{line}; counting alone: {snapshot.local_only_reason}" if snapshot.local_only_reason else line
