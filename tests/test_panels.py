"""Panels on a real Link and a real sandbox; drawings and tables as the pure functions they are."""

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
from toolkit.catalogue import FAPI, SAPI_IP, SAPI_UID
from toolkit.demo import DemoLink
from toolkit.errors import CredentialsError
from toolkit.link import CallRecord, PoolUse, Snapshot
from toolkit.panels import AccountsPanel, Panel, accounts, holdings, pools, svg, text, weight
from toolkit.panels import accounts_view as view
from toolkit.panels.base import error_note, note

WITHIN = 10.0
SPOT = "/sapi/v1/broker/subAccount/spotSummary"


@pytest.fixture
def link() -> Iterator[DemoLink]:
    with toolkit.demo(seed=7) as demo:
        yield demo


def tree(widget: ipywidgets.Widget) -> Iterator[ipywidgets.Widget]:
    yield widget
    for child in getattr(widget, "children", ()):
        yield from tree(child)


def seen(panel: Panel) -> str:
    """All that the panel shows, as HTML and text; without its style sheet."""
    parts = []
    for widget in tree(panel.widget):
        if isinstance(widget, ipywidgets.HTML) and "<style>" not in widget.value:
            parts.append(widget.value)
        elif isinstance(widget, ipywidgets.Button):
            parts.append(widget.description)
    return "\n".join(parts)


def wait_until(panel: Panel, check: Callable[[str], bool]) -> str:
    """Wait, bounded, until what the panel shows passes; what it shows then."""
    passed = threading.Event()

    def look(_: object = None) -> None:
        if check(seen(panel)):
            passed.set()

    watched = [w for w in tree(panel.widget) if isinstance(w, ipywidgets.HTML | ipywidgets.Button)]
    for widget in watched:
        widget.observe(look)
    look()
    try:
        assert passed.wait(WITHIN), seen(panel)
    finally:
        for widget in watched:
            widget.unobserve(look)
    return seen(panel)


def wait_for(panel: Panel, *words: str) -> str:
    # All of them at once: a redraw writes one widget after the other.
    return wait_until(panel, lambda shown: all(word in shown for word in words))


def button(panel: Panel) -> ipywidgets.Button:
    return next(w for w in tree(panel.widget) if isinstance(w, ipywidgets.Button))


def panel_threads(panel: str) -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith(panel)]


def use(**changes: object) -> PoolUse:
    plain = PoolUse(
        pool=SAPI_UID,
        path=SPOT,
        door="exchange.spot_balances",
        used=90_000,
        in_flight=0,
        limit=180_000,
        turns_at=1020.0,
        history=((960.0, 90_000),),
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


def snapshot(*uses: PoolUse, **changes: object) -> Snapshot:
    plain = Snapshot(
        now=996.0,
        pools=uses,
        calls=(),
        waiting_for="",
        waiting_until=0.0,
        paused={},
        banned_until=None,
        other_counts=(),
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


# -- drawings --------------------------------------------------------------------------------------


def arcs(drawing: str) -> list[float]:
    """Lengths of the arcs in percent of the ring: the track first, what is used last."""
    return [float(length) for length in re.findall(r'stroke-dasharray="([\d.]+) 200"', drawing)]


@pytest.mark.parametrize(
    ("used", "in_flight", "drawn", "label"),
    [
        (0.0, 0.0, [100.0], "0%"),
        (0.004, 0.0, [100.0, 0.4], "&lt;1%"),
        (0.37, 0.0, [100.0, 37.0], "37%"),
        (0.30, 0.20, [100.0, 50.0, 30.0], "50%"),
        (1.0, 0.0, [100.0, 100.0], "100%"),
        (1.3, 0.1, [100.0, 100.0, 100.0], "140%"),
    ],
)
def test_gauge_is_filled_by_what_is_used_and_in_flight(
    used: float, in_flight: float, drawn: list[float], label: str
) -> None:
    drawing = svg.gauge(used, in_flight)
    assert arcs(drawing) == drawn
    assert f">{label}</text>" in drawing


@pytest.mark.parametrize(
    ("share", "state"),
    [(0.0, "ok"), (0.599, "ok"), (0.6, "busy"), (0.849, "busy"), (0.85, "hot"), (2.0, "hot")],
)
def test_states_turn_at_their_thresholds(share: float, state: str) -> None:
    assert svg.state_of(share) == state


@pytest.mark.parametrize(
    ("used", "chip"),
    [(0, "idle"), (1, "ok"), (108_000, "busy"), (153_000, "near limit"), (180_000, "used up")],
)
def test_cards_name_the_state(used: int, chip: str) -> None:
    assert f">{chip}</span>" in pools.cards(snapshot(use(used=used)))


def test_bars_count_a_minute_without_requests_as_nothing() -> None:
    past = use(history=((780.0, 18_000), (900.0, 36_000), (960.0, 90_000)))
    assert pools.recent_shares(past, 5) == [0.0, 0.1, 0.0, 0.2, 0.5]


def test_full_minutes_reach_the_line_of_the_limit() -> None:
    heights = [float(tall) for tall in re.findall(r'height="([\d.]+)" rx', svg.minute_bars([0.0, 0.5, 1.7]))]
    assert heights == [1.0, 13.0, 26.0]


# -- the weight panel's parts ----------------------------------------------------------------------------


def test_countdown_goes_by_the_time_of_the_snapshot() -> None:
    assert "resets in 24 s" in pools.cards(snapshot(use()))
    assert "resets in 1 s" in pools.cards(snapshot(use(), now=1019.9))
    assert "resets" not in pools.cards(snapshot(use(used=0)))


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(-3, "0 s"), (0.2, "1 s"), (99, "99 s"), (124, "2 min 04 s"), (7500, "2 h 05 min"), (260_000, "3 days")],
)
def test_time_left_reads_at_a_glance(seconds: float, words: str) -> None:
    assert text.left(seconds) == words


def test_a_pool_of_one_endpoint_is_called_by_its_door() -> None:
    named = pools.cards(snapshot(use()))
    assert "spot_balances <small>exchange · SAPI · UID</small>" in named
    assert "Futures · IP" in pools.cards(snapshot(use(pool=FAPI, path="", limit=2400, used=10)))


def test_the_busiest_pools_get_cards_in_the_order_of_first_use() -> None:
    uses = [
        use(pool=SAPI_IP, path=f"/sapi/{at}", limit=100, used=used, history=((960.0, used),))
        for at, used in enumerate((5, 90, 1, 70, 50, 2))
    ]
    shown, others = pools.busiest(tuple(uses))
    assert [each.used for each in shown] == [5, 90, 70, 50]
    assert [each.used for each in others] == [1, 2]
    # At the turn of the minute all are at 0; the last minute keeps them in their places.
    turned = [replace(each, used=0, history=(*each.history, (1020.0, 0))) for each in uses]
    assert [each.path for each in pools.busiest(tuple(turned))[0]] == [each.path for each in shown]


def test_a_ban_and_a_back_off_count_down() -> None:
    banned = pools.banners(snapshot(use(), banned_until=1120.0))
    assert "Banned (418)" in banned
    assert "2 min 04 s" in banned
    paused = pools.banners(snapshot(use(), paused={"api": 1001.0}))
    assert "Back-off (429)" in paused
    assert "<time>5 s</time>" in paused
    waiting = pools.banners(snapshot(use(), waiting_for="sapi-uid is used up", waiting_until=1020.0))
    assert "sapi-uid is used up" in waiting
    assert "<time>24 s</time>" in waiting
    assert pools.banners(snapshot(use())) == ""


def test_last_calls_are_newest_first_and_escaped() -> None:
    calls = tuple(
        CallRecord(at=990.0 + at, door=door, method="GET", path="/x", status=status, weight=1, seconds=0.0124)
        for at, (door, status) in enumerate((("<b>old</b>", 200), ("new", None)))
    )
    shown = pools.calls(snapshot(calls=calls))
    assert shown.index("new") < shown.index("&lt;b&gt;old")
    assert "no answer" in shown
    assert "12 ms" in shown


# -- the weight panel ------------------------------------------------------------------------------


def test_weight_panel_has_a_friendly_empty_state(link: DemoLink) -> None:
    with weight(link) as panel:
        assert "Nothing has been sent yet" in seen(panel)
        assert {"btk-panel", "btk-weight"} <= set(panel.widget._dom_classes)
        assert "SANDBOX" in seen(panel)


def test_weight_panel_is_told_of_each_answer(link: DemoLink) -> None:
    with weight(link) as panel:
        link.exchange.partner()
        wait_for(panel, "exchange.partner", "<b>1</b> / 12,000", "updated ")


def test_weight_panel_moves_while_the_main_thread_is_fetching() -> None:
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
        # Bursts are drawn once: far fewer writes than answers.
        assert len(writers) < frame.attrs["requests"]


def test_what_has_not_changed_is_not_written(link: DemoLink) -> None:
    written: list[object] = []
    drawn = threading.Event()
    with weight(link) as panel:
        for widget in tree(panel.widget):
            if widget.has_trait("value"):
                widget.observe(written.append, names="value")
        panel._told()
        panel._post(drawn.set)
        assert drawn.wait(WITHIN)
        panel._told()
    assert written == []


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


def test_panels_of_other_links_and_kinds_stay(link: DemoLink) -> None:
    with toolkit.demo(seed=8) as other, weight(link), accounts(link, fetch=False), weight(other):
        assert len(panel_threads("weight panel")) == 2
        assert len(panel_threads("accounts panel")) == 1


@pytest.mark.parametrize("make", [weight, accounts])
def test_close_ends_everything_and_may_be_called_again(link: DemoLink, make: Callable[..., Panel]) -> None:
    before = len(living_widgets)
    panel = make(link)
    panel.close()
    panel.close()
    assert len(living_widgets) == before
    assert panel_threads(panel.kind) == []
    link.exchange.partner()  # nobody is told any more


def test_a_panel_may_be_closed_while_it_fetches() -> None:
    with toolkit.demo(seed=7, latency_ms=50) as slow:
        panel = accounts(slow)
        panel.refresh()
        wait_for(panel, "Fetching")
        panel.close()
        for thread in panel_threads("accounts panel"):
            thread.join(WITHIN)
        assert panel_threads("accounts panel") == []


@pytest.mark.parametrize("make", [weight, accounts])
def test_the_bundle_has_a_static_picture(link: DemoLink, make: Callable[..., Panel]) -> None:
    link.exchange.spot_balances()
    with make(link) as panel:
        bundle = panel._repr_mimebundle_()
        assert bundle["application/vnd.jupyter.widget-view+json"]["model_id"] == panel.widget.model_id
        html = bundle["text/html"]
        # What JupyterLab drops from notebooks it does not trust.
        assert not re.search(r"<(script|style|svg)|class=\"?jp|\son\w+=|\sid=", html)
        assert "<table>" in html
        assert "SANDBOX" in html
        assert "SANDBOX" in bundle["text/plain"]


def test_an_error_of_a_job_is_shown_and_kept(link: DemoLink) -> None:
    def break_down() -> None:
        raise ZeroDivisionError("<i>oh</i>")

    with weight(link) as panel:
        shown: list[str] = []
        panel._banner.observe(lambda change: shown.append(change["new"]), names="value")
        panel._post(break_down)
        wait_until(panel, lambda _: bool(shown))
        assert "ZeroDivisionError" in shown[0]
        assert "&lt;i&gt;oh" in shown[0]
        assert isinstance(panel.error, ZeroDivisionError)


def test_an_error_says_where_its_partial_is() -> None:
    error = toolkit.errors.ServerError("spot.rebates", 503, None, "Down", 4)
    error.partial = pd.DataFrame({"a": [1, 2]})
    assert "`panel.error.partial`" in error_note(error, "panel")
    assert "2 rows" in error_note(error, "panel")


def test_banners_escape() -> None:
    assert "<script>" not in note("hot", "<script>", "<script>")


# -- holdings --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "masked"),
    [
        ("dora@example.com", "d***@example.com"),
        (" d@example.com ", "d***@example.com"),
        ("odd@name@example.com", "o***@example.com"),
        ("nobody", "n***"),
        ("", ""),
    ],
)
def test_addresses_are_masked(address: str, masked: str) -> None:
    assert text.mask_email(address) == masked


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


def test_accounts_that_are_off_are_off_not_zero(frames: dict[str, pd.DataFrame]) -> None:
    known = holdings.holdings(frames)
    assert known[1].off == {"margin"}
    assert known[1].amounts["margin"] is None
    assert known[1].btc == 3.0
    shown = view.table(known, {"spot": 5.0, "margin": 5.0}, since=0.0)
    assert '<span class="btk-off">off</span>' in shown
    assert "not fetched" in shown
    total = holdings.total(known, "margin")
    assert (total.amount, total.holding, total.off) == (4.0, 1, 1)


def test_order_is_by_spot_and_margin_together(frames: dict[str, pd.DataFrame]) -> None:
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
        assert "d***@example.com" in html


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", 3),
        ("DESK", 1),
        ("99302", 1),
        ("d***@", 1),
        ("dora@example.com", 1),
        ("dora", 0),
        ("desk 303", 1),
        ("desk 301", 0),
    ],
)
def test_filter_looks_at_id_tag_and_masked_address(
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
    panel = accounts(link)
    panel._repr_mimebundle_()
    wait_for(panel, "Refresh ·")
    return panel


def test_accounts_panel_fetches_when_it_is_first_shown(link: DemoLink) -> None:
    with accounts(link) as panel:
        assert link.budget.snapshot().calls == ()
        bundle = panel._repr_mimebundle_()
        there_are = int(link.exchange.partner()["sub_account_qty"].iloc[0])
        assert f"{there_are} sub-accounts of 1,000 allowed" in bundle["text/html"]
        wait_for(panel, "Refresh ·", f"<b>{there_are} <small>")
        assert {"btk-panel", "btk-accounts"} <= set(panel.widget._dom_classes)


def test_without_fetch_it_waits_for_the_button(link: DemoLink) -> None:
    with accounts(link, fetch=False) as panel:
        assert "Nothing has been fetched" in panel._repr_mimebundle_()["text/html"]
        assert button(panel).description == "Fetch · 6 requests or more"
        assert link.budget.snapshot().calls == ()
        button(panel).click()
        wait_for(panel, "Refresh ·")


def test_the_price_on_the_button_is_what_is_charged(link: DemoLink) -> None:
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


def test_progress_counts_the_requests() -> None:
    with toolkit.demo(seed=7, latency_ms=15) as slow, accounts(slow) as panel:
        panel.refresh()
        shown = wait_until(panel, lambda html: bool(re.search(r"[2-9] of 54 requests", html)))
        assert "<progress" in shown
        wait_for(panel, "Refresh ·")


def test_filter_and_order_ask_for_nothing(link: DemoLink) -> None:
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


def test_an_error_shows_in_place_and_the_old_data_stay(link: DemoLink) -> None:
    refusal = "Invalid API-key, IP, or permissions for action."
    with shown_with_data(link) as panel:
        kept = [account.amounts for account in panel._accounts]
        link.sandbox.exchange.faults.add("error", path=SPOT, status=401, code=-2015, message=refusal)
        panel.refresh()
        wait_for(panel, "CredentialsError", refusal, "stale · from", "as of")
        assert isinstance(panel.error, CredentialsError)
        assert [account.amounts for account in panel._accounts] == kept
        assert "CredentialsError" in panel._repr_mimebundle_()["text/html"]
        panel.refresh()
        gone = ("CredentialsError", "stale", "as of")
        wait_until(panel, lambda html: "Refresh ·" in html and not any(word in html for word in gone))
        assert panel.error is None


def test_a_first_fetch_that_fails_shows_what_arrived(link: DemoLink) -> None:
    link.sandbox.exchange.faults.add("error", path=SPOT, status=401, code=-2015, message="No.")
    with accounts(link) as panel:
        html = panel._repr_mimebundle_()["text/html"]
        assert "CredentialsError" in html
        wait_for(panel, "incomplete", "not fetched", "240 sub-accounts")
