"""What the weight panel shows of a budget: pure, a snapshot in and HTML out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from toolkit.panels import sharing, svg
from toolkit.panels.base import note
from toolkit.panels.text import MISSING, clock, left, percent, plural, span, took, whole
from toolkit.printable import safe

if TYPE_CHECKING:
    from toolkit.wire.snapshot import CallRecord, OtherCount, PoolUse, ProcessUse, Snapshot

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


def pool_title(use: PoolUse) -> tuple[str, str]:
    """Which pool it is, and the door of the endpoint that has it to itself ("" where it is shared)."""
    title = f"{_SYSTEMS.get(use.pool.name, use.pool.name)} · {use.pool.scope}"
    if use.seconds != MINUTE:
        title += f" · {span(use.seconds)}"
    if not use.path:
        return title, ""
    system, _, name = use.door.rpartition(".")
    return f"{system} · {title}" if system else title, name


def full_title(use: PoolUse) -> str:
    """The same as one text."""
    title, own = pool_title(use)
    return f"{title} · {own}" if own else title


def count_title(count: OtherCount) -> str:
    """What is counted beside the pools, and in which time: Spot · orders in 10 s."""
    system = _SYSTEMS[count.kind if count.kind in _SYSTEMS else count.host]
    return f"{system} · {_COUNTS[count.kind]} in {span(count.seconds)}"


def running_counts(snapshot: Snapshot) -> list[OtherCount]:
    """The other counts that still hold: their window has not turned since they were told."""
    return [count for count in snapshot.other_counts if count.turns_at > snapshot.now]


def recent(use: PoolUse, windows: int = WINDOWS) -> list[tuple[int, int]]:
    """Used weight of the last windows and this process's part of it, oldest first.

    A window in which nothing was asked counts as 0.
    """
    running = use.history[-1][0]
    used, own = (
        {round((running - start) / use.seconds): weight for start, weight in history}
        for history in (use.history, use.own_history)
    )
    past = [(used.get(ago, 0), own.get(ago, 0)) for ago in range(windows - 1, 0, -1)]
    return [*past, (use.used, sharing.parts(use)["own"])]


def busiest(pools: tuple[PoolUse, ...], most: int = MOST_CARDS) -> tuple[list[PoolUse], list[PoolUse]]:
    """The pools for the cards and the others, each in the order in which they were first used.

    By the greater of the running window's share and the last one's: at the turn of the minute all
    are at 0, and the cards must not change places then.
    """

    def rank(use: PoolUse) -> float:
        return max(use.share, recent(use, 2)[0][0] / use.limit)

    ranked = sorted(pools, key=rank, reverse=True)
    chosen = ranked[:most]
    return [use for use in pools if use in chosen], [use for use in pools if use not in chosen]


def cards(snapshot: Snapshot) -> str:
    """A gauge for each of the busiest pools, a row for each of the others and for what else is counted."""
    counts = running_counts(snapshot)
    if not snapshot.pools and not counts:
        return (
            '<div class="btk-card btk-empty"><b>Nothing has been sent yet</b>'
            "Each pool shows here with its first request, such as <code>link.exchange.partner()</code></div>"
        )
    shown, others = busiest(snapshot.pools)
    gauges = "".join(_card(use, snapshot) for use in shown)
    grid = f'<div class="btk-grid btk-{len(shown)}">{gauges}</div>' if shown else ""
    rows = [_row(use, snapshot) for use in others] + [_count_row(count, snapshot) for count in counts]
    if not rows:
        return grid
    return (
        f'{grid}<div class="btk-card btk-rows"><table class="btk-table"><tbody>{"".join(rows)}</tbody>'
        "</table></div>"
    )


def _chip(use: PoolUse, snapshot: Snapshot) -> str:
    if snapshot.banned_until is not None:
        return '<span class="btk-state btk-hot">banned</span>'
    if use.pool.host in snapshot.paused:
        return '<span class="btk-state btk-busy">paused</span>'
    return _state_chip(use.share)


def _state_chip(share: float) -> str:
    if not share:
        return '<span class="btk-state btk-idle">idle</span>'
    state = svg.state_of(share)
    label = "used up" if share >= 1 else _CHIPS[state]
    return f'<span class="btk-state btk-{state}">{label}</span>'


def _turn(use: PoolUse, snapshot: Snapshot) -> str:
    if not use.share:
        return ""
    return f"resets in {left(use.turns_at - snapshot.now)}"


def _name(use: PoolUse) -> str:
    title, own = pool_title(use)
    hint = f' title="{safe(use.path)}"' if use.path else ""
    if own:
        return f'<span class="btk-name"{hint}>{safe(own)} <small>{safe(title)}</small></span>'
    return f'<span class="btk-name">{safe(title)} <small>weight</small></span>'


def _used(use: PoolUse) -> str:
    flying = f" · {whole(use.in_flight)} in flight" if use.in_flight else ""
    return f'<span class="btk-used"><b>{whole(use.used)}</b> / {whole(use.limit)}{flying}</span>'


def _used_briefly(use: PoolUse) -> str:
    """For a card, where the end of it may be cut off: the limit comes before what is in flight."""
    flying = f" · +{whole(use.in_flight)}" if use.in_flight else ""
    used = f"<b>{whole(use.used)}</b> / {whole(use.limit)}{flying}"
    return f'<span class="btk-used" title="{safe(sharing.said(use))}">{used}</span>'


def _card(use: PoolUse, snapshot: Snapshot) -> str:
    lately = recent(use)
    all_used, own_used = (sum(weights) for weights in zip(*lately, strict=True))
    length = span(WINDOWS * use.seconds)
    said = f"Last {length}: {whole(all_used)} used, {whole(own_used)} of it by this kernel"
    bars = [(used / use.limit, own / use.limit) for used, own in lately]
    return (
        f'<div class="btk-card"><div class="btk-row">{_name(use)}{_chip(use, snapshot)}</div>'
        f'<div class="btk-gauge">{svg.gauge(sharing.level(use), sharing.said(use))}'
        f"<div>{_used_briefly(use)}{svg.minute_bars(bars, said)}"
        f'<div class="btk-foot"><span>{length}</span><span>{_turn(use, snapshot)}</span></div>'
        f"</div></div>{sharing.legend(use)}</div>"
    )


def _row(use: PoolUse, snapshot: Snapshot) -> str:
    return (
        f'<tr><td class="btk-left" style="width:40%">{_name(use)}</td>'
        f'<td class="btk-wide">{sharing.bar(use)}<span class="btk-num">{percent(use.share)}</span></td>'
        f"<td>{_used(use)}</td>"
        f'<td class="btk-wide btk-faint">{_turn(use, snapshot)}</td><td>{_chip(use, snapshot)}</td></tr>'
    )


def _count_row(count: OtherCount, snapshot: Snapshot) -> str:
    share = count.used / count.limit if count.limit else None
    level = chip = ""
    limit = "limit not told"
    if share is not None:
        width = min(share, 1) * 100
        level = (
            f'<span class="btk-level"><i class="btk-{svg.state_of(share)}" style="width:{width:.1f}%"></i>'
            f'</span><span class="btk-num">{percent(share)}</span>'
        )
        limit = f"/ {whole(count.limit or 0)}"
        chip = _state_chip(share)
    return (
        f'<tr><td class="btk-left"><span class="btk-name">{safe(count_title(count))}</span></td>'
        f'<td class="btk-wide">{level}</td>'
        f'<td><span class="btk-used"><b>{whole(count.used)}</b> {limit}</span></td>'
        f'<td class="btk-wide btk-faint">resets in {left(count.turns_at - snapshot.now)}</td>'
        f"<td>{chip}</td></tr>"
    )


# -- by process ------------------------------------------------------------------------------------


def takers(use: PoolUse) -> list[ProcessUse]:
    """The processes that used a counter: this one first, then by how much."""
    used_it = [process for process in use.processes if process.used or process.in_flight]
    return sorted(used_it, key=lambda each: (not each.here, -each.used, -each.in_flight, each.name, each.pid))


def by_process(snapshot: Snapshot) -> str:
    """Which process used how much of each counter that another one than this uses too."""
    groups = [use for use in snapshot.pools if not all(process.here for process in takers(use))]
    if not groups:
        return ""
    rows = "".join(_group(use) for use in groups)
    return (
        '<div class="btk-card btk-clipped"><h4>By process <small>in the running window</small></h4>'
        '<table class="btk-table btk-grouped"><thead><tr><th class="btk-left">Pool</th>'
        '<th class="btk-left">Process</th><th class="btk-wide">pid</th><th>Weight</th>'
        '<th class="btk-wide">Share</th><th>In flight</th>'
        f"</tr></thead>{rows}</table></div>"
    )


def _group(use: PoolUse) -> str:
    shown = takers(use)
    shown, left_out = shown[:MOST_PROCESSES], len(shown) - MOST_PROCESSES
    rows = [
        _process_row(
            _process_name(process),
            str(process.pid),
            process.used,
            use.limit,
            whole(process.in_flight) if process.in_flight else MISSING,
        )
        for process in shown
    ]
    if left_out > 0:
        used = sum(process.used for process in takers(use)[MOST_PROCESSES:])
        rows.append(_process_row(f"{left_out} more", MISSING, used, use.limit, MISSING))
    if use.others:
        name = "others <small>outside this budget, at least</small>"
        rows.append(_process_row(name, MISSING, use.others, use.limit, MISSING))
    first = f'<td class="btk-left btk-pool" rowspan="{len(rows)}">{_name(use)}</td>'
    return f"<tbody><tr>{first}{'</tr><tr>'.join(rows)}</tr></tbody>"


def _process_name(process: ProcessUse) -> str:
    name = safe(process.name)
    return f'<b title="{name}">{name}</b>' + (" <small>this kernel</small>" if process.here else "")


def _process_row(name: str, pid: str, used: int, limit: int, in_flight: str) -> str:
    return (
        f'<td class="btk-left btk-clip">{name}</td><td class="btk-wide btk-faint">{pid}</td>'
        f'<td>{whole(used)}</td><td class="btk-wide">{percent(used / limit)}</td><td>{in_flight}</td>'
    )


# -- banners and calls -----------------------------------------------------------------------------


def alone(snapshot: Snapshot) -> str:
    """That this process counts for itself, why, and what that means; "" where the machine shares."""
    if not snapshot.alone:
        return ""
    return note("idle", "Counting alone", f"{_sentence(snapshot.alone)} {_ALONE}")


_ALONE = (
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
            f"<time>{left(end - now)}</time>",
        )
    notes = [
        note(
            "busy",
            "Back-off",
            f"The exchange ({host}) asked to wait until {clock(until)} UTC. Nothing is sent there before; "
            "calls go on by themselves.",
            f"<time>{left(until - now)}</time>",
        )
        for host, until in snapshot.paused.items()
    ]
    if snapshot.waiting_for and snapshot.waiting_until > now and not notes:
        notes.append(
            note(
                "busy",
                _waiting_title(snapshot),
                f"{snapshot.waiting_for}. The call goes on by itself when the window turns.",
                f"<time>{left(snapshot.waiting_until - now)}</time>",
            )
        )
    return "".join(notes)


def _waiting_title(snapshot: Snapshot) -> str:
    minutes = all(use.seconds == MINUTE for use in snapshot.pools)
    return "Waiting for the minute" if minutes else "Waiting for the window"


def _status(call: CallRecord) -> str:
    if call.status is None:
        return '<span class="btk-state btk-hot">no answer</span>'
    state = "ok" if call.status < 300 else "busy" if call.status == 429 else "hot"
    return f'<span class="btk-state btk-{state}">{call.status}</span>'


def calls(snapshot: Snapshot) -> str:
    """The last calls, newest first."""
    if not snapshot.calls:
        return ""
    newest = list(reversed(snapshot.calls[-MOST_CALLS:]))
    rows = "".join(
        f'<tr><td class="btk-left btk-faint">{clock(call.at)}</td>'
        f'<td class="btk-left btk-clip"><b>{safe(call.door)}</b></td>'
        f'<td class="btk-left btk-path btk-faint">{safe(call.method)} {safe(call.path)}</td>'
        f"<td>{_status(call)}</td><td>{whole(call.weight)}</td><td>{took(call.seconds)}</td></tr>"
        for call in newest
    )
    return (
        '<div class="btk-card btk-clipped"><h4>Last calls</h4><table class="btk-table"><thead><tr>'
        '<th class="btk-left">Time, UTC</th><th class="btk-left">Door</th>'
        '<th class="btk-left btk-path">Request</th><th>Status</th><th>Weight</th><th>Took</th>'
        f"</tr></thead><tbody>{rows}</tbody></table></div>"
    )


def static_pools(snapshot: Snapshot) -> str:
    """The pools as a plain table with drawn bars, whose the use is, and what else there is to know."""
    why = (
        f"<p><b>Counting alone.</b> {safe(_sentence(snapshot.alone))} {_ALONE}</p>" if snapshot.alone else ""
    )
    counts = running_counts(snapshot)
    if not snapshot.pools and not counts:
        return "<p>Nothing has been sent yet.</p>" + why
    told_apart = any(sharing.shared(use) for use in snapshot.pools)
    rows = []
    for use in snapshot.pools:
        title, own = pool_title(use)
        label = percent(use.share)
        whose = f'<td style="text-align:left">{safe(sharing.words(use))}</td>' if told_apart else ""
        rows.append(
            f'<tr><td style="text-align:left">{safe(title)}{safe(" · " + own if own else "")}</td>'
            f"<td>{svg.as_image(svg.share_bar(sharing.level(use)), label)}</td><td><b>{label}</b></td>"
            f"<td>{whole(use.used)} of {whole(use.limit)}</td>{whose}</tr>"
        )
    for count in counts:
        of = f" of {whole(count.limit)}" if count.limit else ""
        label = percent(count.used / count.limit) if count.limit else ""
        rows.append(
            f'<tr><td style="text-align:left">{safe(count_title(count))}</td><td></td><td><b>{label}</b></td>'
            f"<td>{whole(count.used)}{of}</td>{'<td></td>' if told_apart else ''}</tr>"
        )
    whose = '<th style="text-align:left">By whom</th>' if told_apart else ""
    return (
        '<table><thead><tr><th style="text-align:left">Pool</th><th></th><th>Share</th><th>Used</th>'
        f"{whose}</tr></thead><tbody>{''.join(rows)}</tbody></table>{_static_processes(snapshot)}{why}"
    )


def _static_processes(snapshot: Snapshot) -> str:
    """The processes that share a pool with this one, a line a pool."""
    lines = []
    for use in snapshot.pools:
        shown = takers(use)
        if all(process.here for process in shown):
            continue
        names = ", ".join(
            f"{process.name} ({'this kernel, ' * process.here}pid {process.pid}) {whole(process.used)}"
            + (f" + {whole(process.in_flight)} in flight" if process.in_flight else "")
            for process in shown[:MOST_PROCESSES]
        )
        lines.append(f"<li>{safe(full_title(use))}: {safe(names)}</li>")
    return f"<ul>{''.join(lines)}</ul>" if lines else ""


def static_calls(snapshot: Snapshot) -> str:
    """One line about the calls."""
    if not snapshot.calls:
        return ""
    last = snapshot.calls[-1]
    status = "no answer" if last.status is None else f"HTTP {last.status}"
    return (
        f"<p>{plural(len(snapshot.calls), 'call')} remembered; the last one was {safe(last.door)} at "
        f"{clock(last.at)} UTC ({status}, {took(last.seconds)}).</p>"
    )


def one_line(snapshot: Snapshot) -> str:
    """All pools in one line of plain text."""
    parts = []
    for use in snapshot.pools:
        whose = f": {sharing.words(use)}" if sharing.shared(use) else ""
        used = f"{whole(use.used)} of {whole(use.limit)}"
        parts.append(f"{full_title(use)} {used} ({percent(use.share)}{whose})")
    for count in running_counts(snapshot):
        of = f" of {whole(count.limit)}" if count.limit else ""
        parts.append(f"{count_title(count)} {whole(count.used)}{of}")
    line = "; ".join(parts) or "nothing sent yet"
    return f"{line}; counting alone: {snapshot.alone}" if snapshot.alone else line
