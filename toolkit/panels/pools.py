"""What the weight panel shows of a budget: pure, a snapshot in and HTML out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from toolkit.panels import svg
from toolkit.panels.base import note
from toolkit.panels.text import clock, left, percent, plural, safe, took, whole

if TYPE_CHECKING:
    from toolkit.link import CallRecord, PoolUse, Snapshot

# Cards for the busiest pools; /sapi has one for each endpoint, so the others are rows.
MOST_CARDS = 4
MOST_CALLS = 8
WINDOWS = 15

_SYSTEMS = {
    "api": "Spot",
    "sapi-ip": "SAPI",
    "sapi-uid": "SAPI",
    "fapi": "Futures",
    "papi": "Portfolio Margin",
}
_CHIPS: Mapping[svg.State, str] = {"ok": "ok", "busy": "busy", "hot": "near limit"}


def pool_title(use: PoolUse) -> tuple[str, str]:
    """Which pool it is, and the door of the endpoint that has it to itself ("" where it is shared)."""
    title = f"{_SYSTEMS.get(use.pool.name, use.pool.name)} · {use.pool.scope}"
    if not use.path:
        return title, ""
    system, _, name = use.door.rpartition(".")
    return f"{system} · {title}" if system else title, name


def recent_shares(use: PoolUse, windows: int = WINDOWS) -> list[float]:
    """Used share of the last windows, oldest first; one in which nothing was asked counts as 0."""
    running = use.history[-1][0]
    used = {round((running - start) / use.pool.seconds): weight for start, weight in use.history}
    return [used.get(ago, 0) / use.limit for ago in range(windows - 1, -1, -1)]


def busiest(pools: tuple[PoolUse, ...], most: int = MOST_CARDS) -> tuple[list[PoolUse], list[PoolUse]]:
    """The pools for the cards and the others, each in the order in which they were first used.

    By the greater of the running window's share and the last one's: at the turn of the minute all
    are at 0, and the cards must not change places then.
    """
    ranked = sorted(pools, key=lambda use: max(use.share, *recent_shares(use, 2)), reverse=True)
    chosen = ranked[:most]
    return [use for use in pools if use in chosen], [use for use in pools if use not in chosen]


def cards(snapshot: Snapshot) -> str:
    """A gauge for each of the busiest pools and a row for each of the others."""
    if not snapshot.pools:
        return (
            '<div class="btk-card btk-empty"><b>Nothing has been sent yet</b>'
            "Each pool shows here with its first request, such as <code>link.exchange.partner()</code></div>"
        )
    shown, others = busiest(snapshot.pools)
    gauges = "".join(_card(use, snapshot) for use in shown)
    grid = f'<div class="btk-grid btk-{len(shown)}">{gauges}</div>'
    if not others:
        return grid
    rows = "".join(_row(use, snapshot) for use in others)
    return (
        f'{grid}<div class="btk-card btk-rows"><table class="btk-table"><tbody>{rows}</tbody></table></div>'
    )


def _chip(use: PoolUse, snapshot: Snapshot) -> str:
    if snapshot.banned_until is not None:
        return '<span class="btk-state btk-hot">banned</span>'
    if use.pool.host in snapshot.paused:
        return '<span class="btk-state btk-busy">paused</span>'
    if not use.share:
        return '<span class="btk-state btk-idle">idle</span>'
    state = svg.state_of(use.share)
    label = "used up" if use.share >= 1 else _CHIPS[state]
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


def _card(use: PoolUse, snapshot: Snapshot) -> str:
    span = WINDOWS * use.pool.seconds // 60
    return (
        f'<div class="btk-card"><div class="btk-row">{_name(use)}{_chip(use, snapshot)}</div>'
        f'<div class="btk-gauge">{svg.gauge(use.used / use.limit, use.in_flight / use.limit)}'
        f"<div>{_used(use)}{svg.minute_bars(recent_shares(use))}"
        f'<div class="btk-foot"><span>{span} min</span><span>{_turn(use, snapshot)}</span></div>'
        "</div></div></div>"
    )


def _row(use: PoolUse, snapshot: Snapshot) -> str:
    state = svg.state_of(use.share)
    width = min(use.share, 1) * 100
    return (
        f'<tr><td class="btk-left" style="width:40%">{_name(use)}</td>'
        f'<td class="btk-wide"><span class="btk-level"><i class="btk-{state}" style="width:{width:.1f}%"></i>'
        f'</span><span class="btk-num">{percent(use.share)}</span></td><td>{_used(use)}</td>'
        f'<td class="btk-wide btk-faint">{_turn(use, snapshot)}</td><td>{_chip(use, snapshot)}</td></tr>'
    )


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
            "Back-off (429)",
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
                "Waiting for the minute",
                f"{snapshot.waiting_for}. The call goes on by itself when the window turns.",
                f"<time>{left(snapshot.waiting_until - now)}</time>",
            )
        )
    return "".join(notes)


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
        f'<td class="btk-left btk-wide btk-faint">{safe(call.method)} {safe(call.path)}</td>'
        f"<td>{_status(call)}</td><td>{whole(call.weight)}</td><td>{took(call.seconds)}</td></tr>"
        for call in newest
    )
    return (
        '<div class="btk-card btk-clipped"><h4>Last calls</h4><table class="btk-table"><thead><tr>'
        '<th class="btk-left">Time, UTC</th><th class="btk-left">Door</th>'
        '<th class="btk-left btk-wide">Request</th><th>Status</th><th>Weight</th><th>Took</th>'
        f"</tr></thead><tbody>{rows}</tbody></table></div>"
    )


def static_pools(snapshot: Snapshot) -> str:
    """The pools as a plain table with drawn bars."""
    if not snapshot.pools:
        return "<p>Nothing has been sent yet.</p>"
    rows = []
    for use in snapshot.pools:
        title, own = pool_title(use)
        label = percent(use.share)
        rows.append(
            f'<tr><td style="text-align:left">{safe(title)}{safe(" · " + own if own else "")}</td>'
            f"<td>{svg.as_image(svg.share_bar(use.share), label)}</td><td><b>{label}</b></td>"
            f"<td>{whole(use.used)} of {whole(use.limit)}</td></tr>"
        )
    return (
        '<table><thead><tr><th style="text-align:left">Pool</th><th></th><th>Share</th><th>Weight used</th>'
        f"</tr></thead><tbody>{''.join(rows)}</tbody></table>"
    )


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
        title, own = pool_title(use)
        name = f"{title} · {own}" if own else title
        parts.append(f"{name} {whole(use.used)} of {whole(use.limit)} ({percent(use.share)})")
    return "; ".join(parts) or "nothing sent yet"
