"""Panels with a real Link and a real sandbox; drawings and tables as pure functions."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace

import ipywidgets
import pandas as pd
import pytest
from ipywidgets.widgets.widget import _instances as living_widgets

import toolkit
from tests.support.panels import (
    SPOT,
    TIMEOUT_S,
    panel_threads,
    process,
    seen,
    snapshot,
    tree,
    use,
    wait_for,
    wait_until,
)
from toolkit.demo import DemoLink
from toolkit.display import formatting, svg
from toolkit.endpoints import FAPI, SAPI_IP
from toolkit.errors import CredentialsError
from toolkit.panels import AccountsPanel, Panel, accounts, weight
from toolkit.panels.accounts_panel import holdings, view
from toolkit.panels.base import banner, error_banner
from toolkit.panels.weight_panel import segments, widget
from toolkit.panels.weight_panel import view as limits_view
from toolkit.ratelimit.snapshot import CallRecord, OtherCount, RateLimitUsage
from toolkit.sandbox import SandboxRequest, SandboxResponse

WIDGET = "application/vnd.jupyter.widget-view+json"


@pytest.fixture
def link() -> Iterator[DemoLink]:
    with toolkit.demo(seed=7) as demo:
        yield demo


def button(panel: Panel) -> ipywidgets.Button:
    return next(w for w in tree(panel.widget) if isinstance(w, ipywidgets.Button))


# -- drawings --------------------------------------------------------------------------------------


def arcs(drawing: str) -> list[float]:
    """Lengths of the arcs in percent of the ring: the track, then the segments."""
    return [float(length) for length in re.findall(r'stroke-dasharray="([\d.]+) 200"', drawing)]


@pytest.mark.parametrize(
    ("used", "in_flight", "drawn", "label"),
    [
        (0.0, 0.0, [100.0], "0%"),
        (0.004, 0.0, [100.0, 0.4], "&lt;1%"),
        (0.37, 0.0, [100.0, 37.0], "37%"),
        (0.30, 0.20, [100.0, 30.0, 20.0], "50%"),
        (0.95, 0.10, [100.0, 95.0, 5.0], "105%"),
        (1.3, 0.1, [100.0, 100.0], "140%"),
    ],
)
def test_gauge_shows_used_weight_and_weight_in_flight(
    used: float, in_flight: float, drawn: list[float], label: str
) -> None:
    drawing = svg.gauge(svg.Level(own=used, in_flight=in_flight))
    assert arcs(drawing) == drawn
    assert f">{label}</text>" in drawing


def test_gauge_distinguishes_kernel_machine_and_others() -> None:
    drawing = svg.gauge(svg.Level(own=0.3, machine=0.2, external=0.1, in_flight=0.05))
    parts = re.findall(
        r'stroke-opacity="([\d.]+)" stroke-dasharray="([\d.]+) 200" stroke-dashoffset="(\S+)"', drawing
    )
    assert parts[1:] == [("1", "30.00", "-0"), (".5", "20.00", "-30"), (".25", "5.00", "-60")]
    # Use by others is hatched over its whole length, and no further.
    (hatching,) = re.findall(r'stroke-dasharray="0 50.00 ([\d. ]+) 200"', drawing)
    assert float(hatching.split()[-1]) <= svg._TICK
    assert 10 - svg._SPACE <= sum(map(float, hatching.split())) <= 10
    assert "65%" in drawing
    assert "<b>" not in svg.gauge(svg.Level(own=0.3), '"><b>') + svg.window_bars([], '"><b>')


@pytest.mark.parametrize(
    ("used_fraction", "state"),
    [(0.0, "ok"), (0.599, "ok"), (0.6, "busy"), (0.849, "busy"), (0.85, "hot"), (2.0, "hot")],
)
def test_states_change_at_their_thresholds(used_fraction: float, state: str) -> None:
    assert svg.state_of(used_fraction) == state


@pytest.mark.parametrize(
    ("used", "chip"),
    [(0, "idle"), (1, "ok"), (108_000, "busy"), (153_000, "near limit"), (180_000, "used up")],
)
def test_cards_name_the_state(used: int, chip: str) -> None:
    assert f">{chip}</span>" in limits_view.cards(snapshot(use(used=used)))


def test_bars_show_a_minute_without_requests_as_zero() -> None:
    past = use(history=((780.0, 18_000), (900.0, 36_000), (960.0, 90_000)), own_history=((900.0, 6_000),))
    assert limits_view.recent(past, 5) == [(0, 0), (18_000, 0), (0, 0), (36_000, 6_000), (90_000, 90_000)]


def bars(drawing: str) -> list[tuple[float, str]]:
    """Height and opacity of each block."""
    found = re.findall(r'height="([\d.]+)" rx="1" fill="[^"]+" fill-opacity="([\d.]+)"', drawing)
    return [(float(tall), opacity) for tall, opacity in found]


def test_bars_of_full_minutes_reach_the_limit_line() -> None:
    drawing = svg.window_bars([(0.0, 0.0), (0.5, 0.5), (1.7, 1.7)])
    assert [tall for tall, _ in bars(drawing)] == [1.0, 13.0, 26.0]


def test_bars_mark_use_by_this_process() -> None:
    drawing = svg.window_bars([(0.5, 0.0), (0.5, 0.25), (1.0, 0.75)])
    assert bars(drawing) == [(13.0, ".25"), (6.5, ".25"), (6.5, ".6"), (6.5, ".45"), (19.5, "1")]


@pytest.mark.parametrize(
    ("seconds", "windows"),
    [(60, "15 min"), (10, "2 min 30 s"), (300, "1 h 15 min"), (1, "15 s"), (86_400, "15 days")],
)
def test_bars_state_the_time_they_cover(seconds: int, windows: str) -> None:
    shown = limits_view.cards(snapshot(use(seconds=seconds, history=((0.0, 90_000),))))
    assert f"<span>{windows}</span>" in shown
    assert f"Last {windows}: 90,000 used" in shown


def test_windows_other_than_a_minute_are_named() -> None:
    ten = use(rate_limit=FAPI, path="", limit=300, used=10, seconds=10, history=((950.0, 30), (960.0, 10)))
    assert limits_view.rate_limit_title(ten) == ("Futures · IP · 10 s", "")
    assert limits_view.recent(ten, 2)[0][0] == 30
    for seconds, title in ((60, "Waiting for the next minute"), (10, "Waiting for the next window")):
        waiting = snapshot(replace(ten, seconds=seconds), waiting_for="fapi is used up", waiting_until=1000.0)
        assert title in limits_view.banners(waiting)


# -- the weight panel's parts ----------------------------------------------------------------------------


def test_countdown_uses_the_time_of_the_snapshot() -> None:
    assert "resets in 24 s" in limits_view.cards(snapshot(use()))
    assert "resets in 1 s" in limits_view.cards(snapshot(use(), now=1019.9))
    assert "resets" not in limits_view.cards(snapshot(use(used=0)))


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(-3, "0 s"), (0.2, "1 s"), (99, "99 s"), (124, "2 min 04 s"), (7500, "2 h 05 min"), (260_000, "3 days")],
)
def test_time_left_has_two_units_at_most(seconds: float, text: str) -> None:
    assert formatting.left(seconds) == text


def test_a_rate_limit_of_one_endpoint_is_named_after_it() -> None:
    named = limits_view.cards(snapshot(use()))
    assert "spot_balances <small>exchange · SAPI · UID</small>" in named
    assert "Futures · IP" in limits_view.cards(snapshot(use(rate_limit=FAPI, path="", limit=2400, used=10)))


def test_the_busiest_rate_limits_get_cards_in_the_order_of_first_use() -> None:
    uses = [
        use(rate_limit=SAPI_IP, path=f"/sapi/{at}", limit=100, used=used, history=((960.0, used),))
        for at, used in enumerate((5, 90, 1, 70, 50, 2))
    ]
    shown, rest = limits_view.busiest(tuple(uses))
    assert [each.used for each in shown] == [5, 90, 70, 50]
    assert [each.used for each in rest] == [1, 2]
    # When a new minute begins, all are at 0; the last minute keeps them in their places.
    new_minute = [replace(each, used=0, history=(*each.history, (1020.0, 0))) for each in uses]
    assert [each.path for each in limits_view.busiest(tuple(new_minute))[0]] == [each.path for each in shown]


def test_a_ban_and_a_back_off_count_down() -> None:
    banned = limits_view.banners(snapshot(use(), banned_until=1120.0))
    assert "Banned (418)" in banned
    assert "2 min 04 s" in banned
    paused = limits_view.banners(snapshot(use(), paused={"api": 1001.0}))
    assert "Back-off" in paused
    assert "<time>5 s</time>" in paused
    waiting = limits_view.banners(snapshot(use(), waiting_for="sapi-uid is used up", waiting_until=1020.0))
    assert "sapi-uid is used up" in waiting
    assert "<time>24 s</time>" in waiting
    assert limits_view.banners(snapshot(use())) == ""


def test_last_calls_are_newest_first_and_escaped() -> None:
    calls = tuple(
        CallRecord(
            at=990.0 + at, endpoint=endpoint, method="GET", path="/x", status=status, weight=1, seconds=0.0124
        )
        for at, (endpoint, status) in enumerate((("<b>old</b>", 200), ("new", None)))
    )
    shown = limits_view.calls(snapshot(calls=calls))
    assert shown.index("new") < shown.index("&lt;b&gt;old")
    assert "no response" in shown
    assert "12 ms" in shown


# -- shared with other processes -------------------------------------------------------------------

HOSTILE = "<img src=x onerror=alert(1)>.py"


def futures(**changes: object) -> RateLimitUsage:
    """Futures weight used by this kernel, by a script and by others."""
    shared = use(
        rate_limit=FAPI,
        path="",
        endpoint="futures.overview",
        used=1_240,
        in_flight=60,
        limit=2_400,
        history=((960.0, 1_240),),
        external=140,
        processes=(process("report.py", 300), process("01_tour.ipynb", 800, 4711, here=True, in_flight=60)),
    )
    return replace(shared, **changes)  # type: ignore[arg-type]


def mine(used: int) -> RateLimitUsage:
    """Weight used by this kernel alone."""
    own = (process("01_tour.ipynb", used, 4711, here=True),)
    return futures(used=used, in_flight=0, external=0, processes=own, history=((960.0, used),))


def plain(html: str) -> str:
    return re.sub(r"<[^>]+>|\n", "", html)


def test_cards_show_use_by_kernel_machine_and_others() -> None:
    shown = limits_view.cards(snapshot(futures()))
    assert "1,240 / 2,400 · +60" in plain(shown)
    for text in ("this kernel 800", "machine 300", "others 140"):
        assert text in plain(shown)
    description = "1,240 of 2,400 used (this kernel 800 · machine 300 · others 140), 60 in flight"
    assert f'aria-label="54% of the limit: {description}"' in shown
    assert 'aria-label="Last 15 min: 1,240 used, 800 of it by this kernel"' in shown


def test_the_segments_are_drawn_to_scale() -> None:
    shown = limits_view.cards(snapshot(futures()))
    assert arcs(shown) == [100.0, 33.33, 12.5, 2.5]
    assert [round(tall, 1) for tall, _ in bars(shown)][-2:] == [4.8, 8.7]  # 440 and 800 of 2,400 in 26 pixels


@pytest.mark.parametrize("local_only_reason", ["", "No folder to write in"])
def test_a_kernel_alone_has_no_legend(local_only_reason: str) -> None:
    own = snapshot(mine(1_240), local_only_reason=local_only_reason)
    assert "btk-legend" not in limits_view.cards(own)
    assert "this kernel" not in plain(limits_view.cards(own))
    assert limits_view.by_process(own) == ""
    assert "Used by" not in limits_view.static_rate_limits(own)
    assert "this kernel" not in limits_view.one_line(own)


def test_segments_add_up_to_the_used_weight() -> None:
    whose = segments.segments(futures())
    assert whose == {"own": 800, "machine": 300, "external": 140, "in_flight": 60}
    # The server has counted a request of this kernel before it responds.
    early = replace(mine(800), used=860, in_flight=60)
    assert segments.segments(early) == {"own": 860, "machine": 0, "external": 0, "in_flight": 60}
    # Use that the server has not counted yet is not shown.
    assert segments.segments(futures(used=90)) == {"own": 0, "machine": 0, "external": 90, "in_flight": 60}
    assert segments.segments(futures(used=900)) == {
        "own": 760,
        "machine": 0,
        "external": 140,
        "in_flight": 60,
    }


def test_a_row_has_the_same_segments_as_a_gauge() -> None:
    bar = segments.bar(futures(in_flight=0))
    assert re.findall(r'btk-(\w+) btk-ok" style="width:([\d.]+)%"', bar) == [
        ("own", "33.3"),
        ("machine", "12.5"),
        ("external", "5.8"),
    ]


def test_the_static_bar_has_a_piece_for_each_segment() -> None:
    bar = svg.usage_bar(segments.level(futures()))
    pieces = re.findall(r'<rect x="([\d.]+)" width="([\d.]+)" height="8" fill="(#\w+)"', bar)
    ok, grey = svg.STATIC.ok, svg.STATIC.faint
    assert pieces == [("0.0", "40.0", ok), ("40.0", "15.0", ok), ("55.0", "7.0", grey), ("62.0", "3.0", ok)]


def test_a_kernel_alone_shows_use_by_others() -> None:
    seen_by = snapshot(replace(mine(800), used=940, external=140))
    assert "this kernel 800others 140" in plain(limits_view.cards(seen_by))
    assert limits_view.by_process(seen_by) == ""


def test_a_process_is_listed_as_soon_as_it_has_weight_in_flight() -> None:
    starting = (process("01_tour.ipynb", 800, 4711, here=True), process("new.py", 0, 5, in_flight=60))
    assert "new.py500 %60" in plain(limits_view.by_process(snapshot(futures(external=0, processes=starting))))
    resting = (*starting[:1], process("new.py", 0, 5))
    assert limits_view.by_process(snapshot(futures(external=0, processes=resting))) == ""


def test_a_table_lists_use_by_process() -> None:
    rows = [plain(row) for row in limits_view.by_process(snapshot(futures(), mine(5))).split("<tr>")]
    assert (
        len(rows) == 5
    )  # what precedes the first, the heading, three rows of the shared limit, none of the other
    assert rows[2] == "Futures · IP weight01_tour.ipynb this kernel471180033 %60"
    assert rows[3].startswith("report.py490230012 %")
    assert rows[4].startswith("others other programs, at least")
    assert "1406 %" in rows[4]


def test_processes_beyond_the_maximum_are_added_up() -> None:
    crowd = tuple(process(f"job_{at}.py", 10, at) for at in range(1, 21))
    shown = plain(limits_view.by_process(snapshot(futures(external=0, used=200, processes=crowd))))
    assert "8 more" in shown
    assert shown.endswith("8 more–803 %–")


def test_names_of_processes_are_escaped() -> None:
    seen_by = snapshot(futures(processes=(process(HOSTILE, 300),)), local_only_reason=HOSTILE)
    for html in (
        limits_view.by_process(seen_by),
        limits_view.static_rate_limits(seen_by),
        limits_view.local_only_banner(seen_by),
    ):
        assert "<img src=x" not in html
        assert "&lt;img src=x" in html


def test_order_counts_are_rows_until_their_window_ends() -> None:
    counts = (
        OtherCount(host="api", kind="orders", seconds=10, used=12, limit=50, resets_at=1000.0),
        OtherCount(host="fapi", kind="orders", seconds=86_400, used=7, limit=None, resets_at=9_000.0),
        OtherCount(host="api", kind="sapi-uid", seconds=1, used=99, limit=100, resets_at=996.0),
    )
    reported = snapshot(other_counts=counts)
    shown = plain(limits_view.cards(reported))
    assert "Spot · orders in 10 s24 %12 / 50resets in 4 sok" in shown
    assert "Futures · orders in 1 day7 limit unknown" in shown
    assert "99" not in shown
    assert "Spot · orders in 10 s24 %12 of 50" in plain(limits_view.static_rate_limits(reported))
    assert limits_view.one_line(reported) == "Spot · orders in 10 s 12 of 50; Futures · orders in 1 day 7"


def test_a_local_only_count_is_a_banner_without_alarm() -> None:
    local = snapshot(mine(5), local_only_reason="The folder cannot be written")
    assert 'class="btk-banner btk-idle"' in limits_view.local_only_banner(local)
    assert "The folder cannot be written. Other notebooks and scripts" in plain(
        limits_view.local_only_banner(local)
    )
    assert "The folder cannot be written." in plain(limits_view.static_rate_limits(local))
    assert "local count only: The folder cannot be written" in limits_view.one_line(local)
    assert limits_view.banners(local) == limits_view.local_only_banner(snapshot(mine(5))) == ""


def test_the_static_picture_shows_use_by_process() -> None:
    html = limits_view.static_rate_limits(snapshot(futures(), mine(5)))
    assert "this kernel 800 · machine 300 · others 140" in html
    assert "01_tour.ipynb (this kernel, pid 4711) 800 + 60 in flight, report.py (pid 4902) 300" in plain(html)
    line = limits_view.one_line(snapshot(futures()))
    assert line == "Futures · IP 1,240 of 2,400 (54 %: this kernel 800 · machine 300 · others 140)"


# -- the weight panel ------------------------------------------------------------------------------


def test_weight_panel_has_an_empty_state(link: DemoLink) -> None:
    with weight(link) as panel:
        assert "Nothing has been sent yet" in seen(panel)
        assert {"btk-panel", "btk-weight"} <= set(panel.widget._dom_classes)
        assert "SANDBOX" in seen(panel)


def test_weight_panel_is_updated_by_each_response(link: DemoLink) -> None:
    with weight(link) as panel:
        link.exchange.partner()
        wait_for(panel, "exchange.partner", "<b>1</b> / 12,000", "updated ")


def test_weight_panel_is_redrawn_while_the_main_thread_fetches() -> None:
    with toolkit.demo(seed=7, latency_ms=60) as slow, weight(slow) as panel:
        fetching = True
        writers: list[str] = []

        def written(_: object) -> None:
            if fetching:
                writers.append(threading.current_thread().name)

        panel._cards.observe(written, names="value")
        frame = slow.spot.rebates(start="-14D")
        fetching = False
        assert len(writers) >= 2
        assert set(writers) == {"weight panel"}
        # Bursts are drawn once: far fewer writes than responses.
        assert len(writers) < frame.attrs["requests"]


def test_unchanged_widgets_are_not_assigned(link: DemoLink) -> None:
    written: list[object] = []
    drawn = threading.Event()
    with weight(link) as panel:
        for widget in tree(panel.widget):
            if widget.has_trait("value"):
                widget.observe(written.append, names="value")
        panel._notify()
        panel._submit(drawn.set)
        assert drawn.wait(TIMEOUT_S)
        panel._notify()
    assert written == []


class FakeBudget:
    """Replaces the snapshot of a Link's budget."""

    def __init__(self, link: DemoLink, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = snapshot()
        monkeypatch.setattr(link._connection.budget, "snapshot", lambda: self.now)


def test_use_by_other_kernels_shows_without_a_notification(
    link: DemoLink, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(widget, "IDLE_REDRAW_S", 0.01)
    budget = FakeBudget(link, monkeypatch)
    with weight(link) as panel:
        wait_for(panel, "Nothing has been sent yet")
        budget.now = snapshot(futures(processes=(process("report.py", 300),)))
        wait_for(panel, "By process", "report.py")


def test_the_panel_redraws_each_second_only_while_weight_is_used(
    link: DemoLink, monkeypatch: pytest.MonkeyPatch
) -> None:
    budget = FakeBudget(link, monkeypatch)
    budget.now = snapshot(local_only_reason="No folder to write in")
    with weight(link) as panel:
        wait_for(panel, "No folder to write in")
        assert panel._redraw_delay() == widget.IDLE_REDRAW_S == 5.0
        budget.now = snapshot(futures())
        panel._notify()
        wait_for(panel, "1,240")
        assert panel._redraw_delay() <= 1.02


def test_a_ban_shows_in_the_panel(link: DemoLink) -> None:
    link.sandbox.exchange.faults.add("ban", path="/fapi/v1/apiReferral", seconds=300)
    with weight(link) as panel:
        with pytest.raises(toolkit.errors.BannedError):
            link.futures.overview()
        wait_until(panel, lambda html: bool(re.search(r"Banned \(418\).*(5 min 00 s|4 min 5\d s)", html)))


# -- every panel -----------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [weight, accounts])
def test_running_the_cell_again_replaces_the_panel(link: DemoLink, make: Callable[..., Panel]) -> None:
    first = make(link)
    threads, widgets = len(panel_threads(first.kind)), len(living_widgets)
    panels = [first, *(make(link) for _ in range(3))]
    assert len(panel_threads(first.kind)) == threads
    assert len(living_widgets) == widgets
    panels[-1].close()
    assert panel_threads(first.kind) == []


def test_panels_of_other_links_and_kinds_are_kept(link: DemoLink) -> None:
    with toolkit.demo(seed=8) as other, weight(link), accounts(link, fetch=False), weight(other):
        assert len(panel_threads("weight panel")) == 2
        assert len(panel_threads("accounts panel")) == 1


@pytest.mark.parametrize("make", [weight, accounts])
def test_close_ends_thread_and_widgets_and_may_be_called_twice(
    link: DemoLink, make: Callable[..., Panel]
) -> None:
    before = len(living_widgets)
    panel = make(link)
    panel.close()
    panel.close()
    assert len(living_widgets) == before
    assert panel_threads(panel.kind) == []
    link.exchange.partner()  # notifies no panel


def test_a_panel_can_be_closed_while_it_fetches() -> None:
    with toolkit.demo(seed=7, latency_ms=50) as slow:
        panel = accounts(slow)
        panel.refresh()
        wait_for(panel, "Fetching")
        panel.close()
        for thread in panel_threads("accounts panel"):
            thread.join(TIMEOUT_S)
        assert panel_threads("accounts panel") == []


@pytest.mark.parametrize("make", [weight, accounts])
def test_the_mime_bundle_contains_a_static_picture(link: DemoLink, make: Callable[..., Panel]) -> None:
    link.exchange.spot_balances()
    with make(link) as panel:
        bundle = panel._repr_mimebundle_()
        assert bundle["application/vnd.jupyter.widget-view+json"]["model_id"] == panel.widget.model_id
        html = bundle["text/html"]
        # JupyterLab drops these from notebooks that are not trusted.
        assert not re.search(r"<(script|style|svg)|class=\"?jp|\son\w+=|\sid=", html)
        assert "<table>" in html
        assert "SANDBOX" in html
        assert "SANDBOX" in bundle["text/plain"]


def test_an_exception_in_a_job_is_shown_and_kept(link: DemoLink) -> None:
    def break_down() -> None:
        raise ZeroDivisionError("<i>oh</i>")

    with weight(link) as panel:
        shown: list[str] = []
        panel._banners.observe(lambda change: shown.append(change["new"]), names="value")
        panel._submit(break_down)
        wait_until(panel, lambda _: bool(shown))
        assert "ZeroDivisionError" in shown[0]
        assert "&lt;i&gt;oh" in shown[0]
        assert isinstance(panel.error, ZeroDivisionError)


def test_an_error_says_where_its_partial_rows_are() -> None:
    error = toolkit.errors.ServerError("spot.rebates", 503, None, "Down", 4)
    error.partial = pd.DataFrame({"a": [1, 2]})
    assert "`panel.error.partial`" in error_banner(error, "panel")
    assert "2 rows" in error_banner(error, "panel")


def test_banners_escape_text() -> None:
    assert "<script>" not in banner("hot", "<script>", "<script>")


# -- holdings --------------------------------------------------------------------------------------


@pytest.fixture
def frames() -> dict[str, pd.DataFrame]:
    ids = pd.Series(["900719925474099301", "900719925474099302", "900719925474099303"], dtype="string")
    return {
        "accounts": pd.DataFrame(
            {
                "sub_account_id": ids,
                "tag": pd.Series(["<script>alert(1)</script>", pd.NA, "desk"], dtype="string"),
                "email": pd.Series(['"><img src=x>@evil.example', "dora@example.com", pd.NA], dtype="string"),
            }
        ),
        "spot": pd.DataFrame({"sub_account_id": ids, "total_balance_of_btc": [1.0, 3.0, 2.0]}),
        "margin": pd.DataFrame(
            {
                "sub_account_id": ids,
                "margin_enable": pd.array([True, False, True], dtype="boolean"),
                "total_net_asset_of_btc": [4.0, None, 0.0],
                "total_liability_of_btc": [0.5, None, 0.0],
            }
        ),
    }


def test_a_wallet_that_is_switched_off_shows_off_instead_of_zero(frames: dict[str, pd.DataFrame]) -> None:
    known = holdings.holdings(frames)
    assert known[1].off == {"margin"}
    assert known[1].amounts["margin"] is None
    assert known[1].btc == 3.0
    shown = view.table(known, {"spot": 5.0, "margin": 5.0}, since=0.0)
    assert '<span class="btk-off">off</span>' in shown
    assert "not fetched" in shown
    total = holdings.total(known, "margin")
    assert (total.amount, total.holding, total.off) == (4.0, 1, 1)


def test_accounts_are_sorted_by_spot_plus_margin(frames: dict[str, pd.DataFrame]) -> None:
    known = holdings.holdings(frames)
    by = {
        sort: [account.id[-1] for account in holdings.arrange(known, sort)] for sort in ("btc", "spot", "um")
    }
    assert by == {"btc": ["1", "2", "3"], "spot": ["2", "3", "1"], "um": ["3", "2", "1"]}
    assert [account.id[-1] for account in holdings.arrange(known, "margin")] == ["1", "3", "2"]


def test_hostile_tags_and_addresses_are_escaped(frames: dict[str, pd.DataFrame]) -> None:
    known = holdings.holdings(frames)
    for html in (view.table(known, {}, 0.0), view.static_table(known, frames)):
        assert "<script" not in html
        assert "<img" not in html
        assert "&lt;script&gt;" in html
        assert "dora@" not in html
        assert "do***@***.com" in html


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", 3),
        ("DESK", 1),
        ("99302", 1),
        ("do***@", 1),
        ("dora@example.com", 1),
        ("dora", 0),
        ("desk 303", 1),
        ("desk 301", 0),
    ],
)
def test_filter_searches_id_tag_and_masked_address(
    frames: dict[str, pd.DataFrame], query: str, found: int
) -> None:
    assert len(holdings.arrange(holdings.holdings(frames), "btc", query)) == found


def test_exact_amounts_stay_exact() -> None:
    with toolkit.demo(seed=7, numbers="exact") as exact:
        frame = exact.exchange.spot_balances()
        known = holdings.holdings({"spot": frame})
        assert str(holdings.total(known, "spot").amount) == str(sum(frame["total_balance_of_btc"]))


# -- the accounts panel ----------------------------------------------------------------------------


def shown_with_data(link: DemoLink) -> AccountsPanel:
    panel = accounts(link, fetch=True)
    panel._repr_mimebundle_()
    assert panel.wait(TIMEOUT_S)
    wait_for(panel, "Refresh ·")
    return panel


def named(panel: Panel, *words: str) -> ipywidgets.Button:
    """The visible button with one of these texts."""
    return next(
        w
        for w in tree(panel.widget)
        if isinstance(w, ipywidgets.Button)
        and any(word in w.description for word in words)
        and w.layout.display != "none"
    )


def is_shown(panel: Panel, word: str) -> bool:
    try:
        return bool(named(panel, word))
    except StopIteration:
        return False


def hold(link: DemoLink, monkeypatch: pytest.MonkeyPatch, endpoint: str) -> threading.Event:
    """Hold back the third page of a read until the event is set.

    The event has an attribute `reached`, which is set when that page is requested.
    """
    reached, go_on = threading.Event(), threading.Event()
    exchange = link.sandbox.exchange
    handle = exchange.handle

    def held(request: SandboxRequest) -> SandboxResponse:
        if request.path == endpoint and b"page=3&" in request.query:
            reached.set()
            assert go_on.wait(TIMEOUT_S)
        return handle(request)

    monkeypatch.setattr(exchange, "handle", held)
    go_on.reached = reached  # type: ignore[attr-defined]
    return go_on


def test_the_panel_appears_at_once_with_its_cost_and_sends_nothing(link: DemoLink) -> None:
    with accounts(link) as panel:
        html = panel._repr_mimebundle_()["text/html"]
        assert "Nothing has been fetched" in html
        assert "exchange.spot_balances" in html
        shown = seen(panel)
        assert "What a fetch costs" in shown
        for text in ("spot_balances", "SAPI by account (UID)", "18,000", "of 180,000"):
            assert text in shown
        assert button(panel).description == "Fetch · 11 requests or more"
        assert link.budget.snapshot().calls == ()
        button(panel).click()
        wait_for(panel, "Refresh ·")
        assert "What a fetch costs" not in seen(panel)


def test_with_fetch_the_panel_appears_at_once_and_then_fetches(
    link: DemoLink, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = hold(link, monkeypatch, SPOT)
    with accounts(link, fetch=True) as panel:
        assert link.budget.snapshot().calls == ()
        bundle = panel._repr_mimebundle_()  # while the exchange does not respond
        assert WIDGET in bundle
        assert "SANDBOX" in bundle["text/html"]
        assert held.reached.wait(TIMEOUT_S)  # type: ignore[attr-defined]
        shown = wait_for(panel, "Spot balances: 40 of 240 accounts", "of 55 requests", "Fetching…")
        assert "<progress" in shown
        assert "40 of 240 accounts</span>" in shown  # in the tile of a total that has not arrived
        assert "waiting</span>" in shown
        assert "<b>240 <small>" in shown  # data that has arrived is shown
        assert "No sub-account matches" not in shown
        held.set()
        wait_for(panel, "Refresh ·")
        assert panel.wait(TIMEOUT_S)
        assert {"btk-panel", "btk-accounts"} <= set(panel.widget._dom_classes)
        assert "240 sub-accounts of 1,000 allowed" in panel._repr_mimebundle_()["text/html"]


def test_a_stopped_fetch_keeps_its_data_and_can_continue(
    link: DemoLink, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = hold(link, monkeypatch, SPOT)
    with accounts(link, fetch=True) as panel:
        panel._repr_mimebundle_()
        wait_for(panel, "Spot balances: 40 of 240 accounts")
        assert held.reached.wait(TIMEOUT_S)  # type: ignore[attr-defined]
        named(panel, "Stop").click()
        held.set()
        assert panel.wait(TIMEOUT_S)
        have = sum(account.amounts["spot"] is not None for account in panel._accounts)
        assert 40 <= have < 240
        # A total of some accounts is marked as incomplete.
        marks = f"only {have}", f"only {have} of 240 accounts"
        shown = wait_for(panel, "Stopped", "Continue", "incomplete", "not fetched", *marks)
        assert "Spot balances, Margin balances" in shown
        assert panel.error is None
        assert "(incomplete)" in repr(panel)
        assert f"only {have} accounts" in panel._repr_mimebundle_()["text/html"]
        assert not is_shown(panel, "Stop")
        asked = [call.endpoint for call in link.budget.snapshot().calls]
        named(panel, "Continue").click()
        wait_for(panel, "Refresh · 55 requests")
        assert panel.wait(TIMEOUT_S)
        wait_until(panel, lambda html: "Stopped" not in html and "incomplete" not in html)
        later = [call.endpoint for call in link.budget.snapshot().calls][len(asked) :]
        assert "exchange.sub_accounts" not in later  # data that had arrived is not fetched again
        assert later.count("exchange.spot_balances") == 13
        assert all(account.amounts["spot"] is not None for account in panel._accounts)


def test_a_failed_fetch_shows_its_error_and_retries_the_rest(link: DemoLink) -> None:
    link.sandbox.exchange.faults.add("error", path=SPOT, status=401, code=-2015, message="No.")
    with accounts(link, fetch=True) as panel:
        panel._repr_mimebundle_()
        assert panel.wait(TIMEOUT_S)
        wait_for(panel, "CredentialsError", "incomplete", "not fetched", "240 sub-accounts")
        assert "CredentialsError" in panel._repr_mimebundle_()["text/html"]
        assert isinstance(panel.error, CredentialsError)
        asked = len(link.budget.snapshot().calls)
        retry = named(panel, "Retry")
        said = re.fullmatch(r"Retry · (\d+) requests", retry.description)
        assert said
        retry.click()
        wait_until(panel, lambda html: "Refresh ·" in html and "CredentialsError" not in html)
        assert panel.wait(TIMEOUT_S)
        assert panel.error is None
        assert len(link.budget.snapshot().calls) - asked == int(said[1])
        assert not is_shown(panel, "Retry")


def test_a_read_that_fails_keeps_its_partial_rows(link: DemoLink, monkeypatch: pytest.MonkeyPatch) -> None:
    held = hold(link, monkeypatch, SPOT)
    with accounts(link, fetch=True) as panel:
        panel._repr_mimebundle_()
        assert held.reached.wait(TIMEOUT_S)  # type: ignore[attr-defined]
        link.sandbox.exchange.faults.add("error", path=SPOT, status=401, code=-2015, message="No.")
        held.set()
        assert panel.wait(TIMEOUT_S)
        wait_for(panel, "only 40", "incomplete", "Here: `panel.error.partial`")
        assert sum(account.amounts["spot"] is not None for account in panel._accounts) == 40


def test_an_interrupt_of_wait_stops_the_fetch(link: DemoLink, monkeypatch: pytest.MonkeyPatch) -> None:
    held = hold(link, monkeypatch, SPOT)
    with accounts(link, fetch=True) as panel:
        panel._repr_mimebundle_()
        assert held.reached.wait(TIMEOUT_S)  # type: ignore[attr-defined]
        assert not panel.wait(0.0)

        class Interrupted(threading.Event):
            def wait(self, timeout: float | None = None) -> bool:
                raise KeyboardInterrupt

        idle, panel._idle = panel._idle, Interrupted()
        with pytest.raises(KeyboardInterrupt):
            panel.wait()
        panel._idle = idle
        held.set()
        assert panel.wait(TIMEOUT_S)
        wait_for(panel, "Stopped")


def test_running_the_cell_again_keeps_incomplete_data_marked_as_such(
    link: DemoLink, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = hold(link, monkeypatch, SPOT)
    panel = accounts(link, fetch=True)
    panel._repr_mimebundle_()
    assert held.reached.wait(TIMEOUT_S)  # type: ignore[attr-defined]
    panel.stop()
    held.set()
    assert panel.wait(TIMEOUT_S)
    with accounts(link) as again:
        wait_for(again, "incomplete", "Stopped", " of 240 accounts")
        named(again, "Continue").click()
        wait_until(again, lambda html: "Refresh ·" in html and "incomplete" not in html)


def test_a_panel_that_is_waited_for_before_it_is_shown_has_its_data(link: DemoLink) -> None:
    with accounts(link, fetch=True) as panel:
        assert panel.wait(TIMEOUT_S)
        assert "240 sub-accounts" in repr(panel)
        sent = len(link.budget.snapshot().calls)
        assert "Nothing has been fetched" not in panel._repr_mimebundle_()["text/html"]
        assert panel.wait(TIMEOUT_S)
        assert len(link.budget.snapshot().calls) == sent, "it is fetched once"


def test_a_partner_without_sub_accounts_gets_an_empty_table(link: DemoLink) -> None:
    link.sandbox.world.accounts.clear()
    with shown_with_data(link) as panel:
        assert "What a fetch costs" not in seen(panel)
        assert "0 sub-accounts" in panel._repr_mimebundle_()["text/html"]


def test_running_the_cell_again_keeps_the_data(link: DemoLink) -> None:
    shown_with_data(link)
    sent = len(link.budget.snapshot().calls)
    with accounts(link) as again:
        wait_for(again, "Refresh ·", "240 sub-accounts", "updated ")
        assert len(link.budget.snapshot().calls) == sent


def test_the_cost_on_the_button_is_what_is_charged(link: DemoLink) -> None:
    with shown_with_data(link) as panel:
        said = re.fullmatch(
            r"Refresh · (\d+) requests · ([\d,]+) of ([\d,]+) weight \((\d+) %\)", button(panel).description
        )
        assert said
        log = link.sandbox.exchange.log
        before = len(log)
        button(panel).click()
        wait_for(panel, "Fetching…")
        wait_for(panel, "Refresh ·")
        entries = list(log)[before:]
        assert len(entries) == int(said[1])
        charged = sum(entry.weight for entry in entries if entry.path == SPOT)
        assert f"{charged:,}" == said[2]
        assert round(charged / 180_000 * 100) == int(said[4])


def test_filter_and_sort_send_nothing(link: DemoLink) -> None:
    with shown_with_data(link) as panel:
        sent = len(link.budget.snapshot().calls)
        some = panel._accounts[17]
        panel._filter.value = some.id
        wait_for(panel, f"1 of {len(panel._accounts)} sub-accounts", some.id)
        panel._filter.value = "no such account"
        wait_for(panel, "No sub-account matches")
        panel._filter.value = ""
        panel._sort.value = "newest"
        newest = panel._accounts[-1]
        wait_until(panel, lambda html: newest.id in html.partition("<tbody>")[2].partition("</tr>")[0])
        assert len(link.budget.snapshot().calls) == sent


def test_an_error_is_shown_and_the_old_data_kept(link: DemoLink) -> None:
    message = "Invalid API-key, IP, or permissions for action."
    with shown_with_data(link) as panel:
        kept = [account.amounts for account in panel._accounts]
        link.sandbox.exchange.faults.add("error", path=SPOT, status=401, code=-2015, message=message)
        panel.refresh()
        wait_for(panel, "CredentialsError", message, "stale · from", "as of")
        assert isinstance(panel.error, CredentialsError)
        assert [account.amounts for account in panel._accounts] == kept
        assert "CredentialsError" in panel._repr_mimebundle_()["text/html"]
        panel.refresh()
        gone = ("CredentialsError", "stale", "as of")
        wait_until(panel, lambda html: "Refresh ·" in html and not any(word in html for word in gone))
        assert panel.error is None
