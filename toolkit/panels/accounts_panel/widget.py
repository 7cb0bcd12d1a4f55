"""The partner's sub-accounts and what they hold, fetched when asked to."""

from __future__ import annotations

import sys
import threading
import time
import uuid
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

import ipywidgets as widgets
import pandas as pd
from IPython import get_ipython
from IPython.display import display

from toolkit.display.formatting import clock, plural, short
from toolkit.fetch.progress import follow
from toolkit.panels.accounts_panel import holdings, view
from toolkit.panels.accounts_panel.holdings import Holding
from toolkit.panels.accounts_panel.model import READS, FetchState, Read, estimate_weight
from toolkit.panels.base import Panel, chips, error_note, header, html, put, static_head
from toolkit.redaction import mask_partial
from toolkit.runtime.interruptions import let_through
from toolkit.text.suggestions import suggests_arguments

if TYPE_CHECKING:
    from markupsafe import Markup

    from toolkit.client import Link

TITLE = "Link partner"
LOOK_EVERY = 0.5

_SORTS: tuple[tuple[str, holdings.Sort], ...] = (
    ("Most spot + margin", "btc"),
    ("Most spot", "spot"),
    ("Most margin net", "margin"),
    ("Most USD-M", "um"),
    ("Most COIN-M", "cm"),
    ("Newest first", "newest"),
)


class _Stopped(Exception):  # noqa: N818 - no error: it ends a fetch
    """The user stopped the fetch, or closed the panel."""

    partial: pd.DataFrame | None = None


class AccountsPanel(Panel):
    """Partner, totals, and each sub-account's balances over spot, margin and futures.

    A fetch has a thread of its own while it lasts, so that the cell ends at once, and filter and progress
    stay live.
    """

    kind: ClassVar[str] = "accounts"

    def __init__(self, link: Link, *, fetch: bool = False, now: Callable[[], float] = time.time) -> None:
        self._fetch_first = fetch
        self._frames: dict[str, pd.DataFrame] = {}
        self._fetched: dict[str, float] = {}
        self._incomplete: dict[str, int] = {}
        self._accounts: list[Holding] = []
        self._fetching = False
        self._was_stopped = False
        self._started = 0.0
        self._left: tuple[Read, ...] = ()  # of the last fetch: what it has not brought
        self._rows = 0
        self._requests_done = 0
        self._display_id = f"accounts-{uuid.uuid4().hex}"
        self._is_displayed = False
        super().__init__(link, now)

    def _make_locks(self) -> None:
        super()._make_locks()
        self._stop_event = threading.Event()
        self._idle = threading.Event()
        self._idle.set()  # in a child, too: the thread that fetches is the parent's

    def _take_over(self, before: Panel) -> None:
        """Keep what the panel had that this one replaces: it was paid for."""
        if isinstance(before, AccountsPanel):
            self._frames, self._fetched = before._frames, before._fetched
            self._incomplete, self._accounts = before._incomplete, before._accounts
            self._left, self._started = before._left, before._started
            self._requests_done, self.error = before._requests_done, before.error
            self._was_stopped = before._was_stopped or before._fetching

    # -- widgets ---------------------------------------------------------------------------------------

    def _build(self) -> list[widgets.Widget]:
        self._title, self._chips = html("", "btk-grow"), html()
        self._button = widgets.Button(icon="refresh")
        self._button.add_class("btk-main")
        self._button.on_click(lambda _: self.refresh())
        head = widgets.HBox([self._title, self._chips, self._button])
        head.add_class("btk-head")

        self._banner = html("", "btk-grow")
        self._stop = widgets.Button(description="Stop", icon="stop", tooltip="Keep what has arrived")
        self._stop.on_click(lambda _: self.stop())
        self._retry = widgets.Button(icon="repeat")
        self._retry.on_click(lambda _: self.retry())
        state = widgets.HBox([self._banner, self._stop, self._retry])
        state.add_class("btk-state-line")

        self._tiles, self._cost = html(), html()
        self._count = html("", "btk-grow")
        self._sort = widgets.Dropdown(options=_SORTS)
        self._filter = widgets.Text(placeholder="Filter by id, tag or e-mail…")
        for control in (self._sort, self._filter):
            control.observe(lambda _: self._notify(), names="value")
        tools = widgets.HBox([self._count, self._sort, self._filter])
        tools.add_class("btk-tools")
        self._table = html()
        self._card = widgets.VBox([tools, self._table])
        self._card.add_class("btk-card")
        return [head, state, self._tiles, self._cost, self._card]

    def _redraw(self) -> None:
        fetch_state = self._fetch_state()
        put(self._title, header("accounts", TITLE, view.bounds(self._frames)))
        put(self._chips, chips(self._link, max(self._fetched.values(), default=None), self._staleness()))
        self._draw_banner(fetch_state)
        put(self._tiles, view.tiles(self._frames, self._accounts, fetch_state, self._incomplete))
        is_blank = self._is_blank
        put(self._cost, view.cost_card(self._link, self._known_accounts()) if is_blank else "")
        self._card.layout.display = "none" if is_blank else None
        if not is_blank:
            shown = holdings.arrange(self._accounts, self._sort.value, self._filter.value)
            put(self._count, view.counted(len(shown), len(self._accounts)))
            put(self._table, view.table(shown, self._fetched, self._started, self._incomplete))
        self._draw_button()  # last: who reads it finds the rest drawn

    def _draw_button(self) -> None:
        verb = "Refresh" if self._fetched else "Fetch"
        cost = estimate_weight(self._link, self._known_accounts())
        self._button.description = "Fetching…" if self._fetching else f"{verb} · {cost}"
        self._button.disabled = self._fetching

    def _fetch_state(self) -> FetchState:
        """How far the fetch is."""
        accounts = self._known_accounts()
        under_way = self._left[0] if self._left else None
        requests = self._requests_done
        if under_way is not None and under_way.is_by_account and self._rows:
            so_far = self._link.estimate_weight(under_way.endpoint, rows=self._rows).requests
            # A full page is known to be the last only by the empty one after it, which has not come yet.
            requests += so_far - (self._rows != accounts)
        return FetchState(
            left=self._left,
            rows=self._rows,
            accounts=accounts,
            requests=requests,
            of=estimate_weight(self._link, accounts),
            is_fetching=self._fetching,
        )

    def _draw_banner(self, fetch_state: FetchState) -> None:
        said = ""
        if self._fetching:
            said = view.progress(fetch_state, self._link.budget.snapshot())
        elif self.error is not None:
            said = error_note(self.error, "panel")
        elif self._was_stopped:
            said = view.stopped(fetch_state)
        self._stop.layout.display = None if self._fetching else "none"
        can_go_on = bool(self._left) and not self._fetching
        self._retry.layout.display = None if can_go_on else "none"
        if can_go_on:
            rest = estimate_weight(self._link, self._known_accounts(), self._left)
            verb = "Continue" if self._was_stopped else "Retry"
            self._retry.description = f"{verb} · {plural(rest.requests, 'request')}" if rest.counted else verb
            self._retry.tooltip = f"Fetch what has not arrived: {rest}"
        put(self._banner, said)  # after its buttons: who reads it may press them

    @property
    def _is_blank(self) -> bool:
        """Whether there is nothing to show yet; a partner may also have no sub-accounts."""
        return not self._accounts and len(self._fetched) < len(READS)

    def _staleness(self) -> str:
        """What is wrong with the data since the last fetch did not come to its end."""
        if self._fetching or not self._left or not self._fetched:
            return ""
        if self._incomplete or len(self._fetched) < len(READS):
            return "incomplete"
        return f"stale · from {clock(min(self._fetched.values()))} UTC"

    def _known_accounts(self) -> int | None:
        partner = self._frames.get("partner")
        if partner is None or partner.empty:
            return len(self._accounts) or None
        return int(partner["sub_account_qty"].iloc[0])

    def _next_tick(self) -> float | None:
        return self._next_second() if self._fetching else None

    def _show_error(self, error: BaseException) -> None:
        put(self._banner, error_note(error, "panel"))

    # -- fetching ---------------------------------------------------------------------------------------

    def refresh(self) -> None:
        """Fetch everything anew, at the price the button says; returns at once."""
        self._begin()
        self._post(partial(self._start, READS))

    def retry(self) -> None:
        """Fetch what the last fetch has not brought; returns at once."""
        self._begin()
        self._post(lambda: self._start(self._left, renewed=False))

    def _begin(self) -> None:
        if self._idle.is_set():
            self._stop_event.clear()
            self._idle.clear()

    def stop(self) -> None:
        """Stop the fetch, if there is one; what has arrived is kept. Returns at once."""
        self._stop_event.set()
        self._notify()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until the fetch has ended. An interrupt stops it.

        Args:
            timeout: Seconds to wait at most; without end when not given.

        Returns:
            Whether it has ended.
        """
        until = None if timeout is None else time.monotonic() + timeout
        try:
            while not self._idle.is_set():
                rest = LOOK_EVERY if until is None else min(LOOK_EVERY, until - time.monotonic())
                if rest <= 0:
                    return False
                self._idle.wait(rest)  # never for ever: on Windows an interrupt shows between two waits
        except KeyboardInterrupt:
            self.stop()
            raise
        if self._is_displayed and not self._closed:
            # A fetch that ended while no cell ran has shown its picture to nobody: whoever runs a notebook
            # takes only what belongs to the cell that is running.
            self._guard(partial(self._display, update=True))
        return True

    def _start(self, reads: tuple[Read, ...], *, renewed: bool = True) -> None:
        if self._fetching:
            return
        if not reads or self._closed:
            self._idle.set()
            return
        self._fetching = True
        self._was_stopped = False
        self.error = None
        self._left, self._rows = reads, 0
        if renewed:
            self._started, self._requests_done = self._now(), 0
        fetching = threading.Thread(
            target=self._fetch, args=(reads,), name="accounts panel's fetch", daemon=True
        )
        try:
            fetching.start()
        except (RuntimeError, MemoryError):  # too many of them, or no room for its stack
            self._fetch_here(reads)

    def _fetch_here(self, reads: tuple[Read, ...]) -> None:
        """Fetch in the calling thread, as there is no other; what arrives is drawn at the end."""
        try:
            self._redraw()
            self._fetch(reads)
        except BaseException:
            self._finish(_Stopped())
            raise

    def _fetch(self, reads: tuple[Read, ...]) -> None:
        """Make the reads one after the other; whatever arrives is handed to the panel's thread."""
        failed: Exception | None = None
        outside = sys.exception()
        for read in reads:
            try:
                self._check()
                frame = self._read(read)
            except Exception as error:  # noqa: BLE001 - shown in the panel
                let_through(error, outside)
                failed = error
                rows: pd.DataFrame | None = getattr(error, "partial", None)
                if rows is not None and len(rows):
                    self._post(partial(self._take_part, read, rows, self._now()))
                break
            self._post(partial(self._take, read, frame, self._now()))
        self._post(partial(self._finish, failed))

    def _check(self) -> None:
        if self._stop_event.is_set() or self._closed:
            raise _Stopped

    def _read(self, read: Read) -> pd.DataFrame:
        system, _, name = read.endpoint.partition(".")
        endpoint: Any = getattr(getattr(self._link, system), name)
        given: dict[str, Any] = {"market": read.market} if read.market else {}
        if read.key == "accounts":  # the filter compares whole addresses; what is shown is masked
            given["emails"] = "clear"

        def notified(rows: int) -> None:
            self._check()
            if rows != self._rows:
                self._rows = rows
                self._notify()

        try:
            with follow(notified):
                frame: pd.DataFrame = endpoint(**given)
        except Exception as error:
            mask_partial(error)
            raise
        return frame

    def _take(self, read: Read, frame: pd.DataFrame, fetch_state: float) -> None:
        self._left, self._rows = self._left[1:], 0
        self._requests_done += int(frame.attrs["requests"])
        self._incomplete = {key: rows for key, rows in self._incomplete.items() if key != read.key}
        self._keep(read, frame, fetch_state)

    def _take_part(self, read: Read, rows: pd.DataFrame, fetch_state: float) -> None:
        """Keep the rows of a read that broke off, unless there are more of it from before."""
        is_complete = read.key in self._frames and read.key not in self._incomplete
        if is_complete or len(rows) < self._incomplete.get(read.key, 0):
            return
        if not rows.attrs.get("complete"):
            self._incomplete = self._incomplete | {read.key: len(rows)}
        self._keep(read, rows, fetch_state)

    def _keep(self, read: Read, frame: pd.DataFrame, fetch_state: float) -> None:
        self._frames = self._frames | {read.key: frame}
        self._fetched = self._fetched | {read.key: fetch_state}
        self._accounts = holdings.holdings(self._frames)

    def _finish(self, failed: Exception | None) -> None:
        self._fetching = False
        self._rows = 0
        self._was_stopped = isinstance(failed, _Stopped)
        self.error = None if self._was_stopped else failed
        try:
            if self._is_displayed and not self._closed:
                self._display(update=True)
        finally:
            self._idle.set()  # last, so that whoever waits finds the picture in the notebook

    def close(self) -> None:
        """End the panel: its fetch, its thread, its watch and every widget. May be called again."""
        super().close()
        self._idle.set()

    # -- the picture that a saved notebook has -------------------------------------------------------------

    def _ipython_display_(self) -> None:
        self._display()

    def _display(self, *, update: bool = False) -> None:
        """Show the panel; or bring the picture in the saved notebook up to date, once a fetch has ended."""
        shell: Any = get_ipython()
        if update and not hasattr(shell, "kernel"):
            return  # a terminal would print it again
        display(  # type: ignore[no-untyped-call]
            self._repr_mimebundle_(), raw=True, display_id=self._display_id, update=update
        )
        self._is_displayed = True

    def _before_display(self) -> None:
        if self._fetch_first:
            self._fetch_first = False
            self.refresh()

    def _static(self) -> Markup:
        head = static_head(self._link, TITLE, max(self._fetched.values(), default=None))
        if self.error is not None:
            head += error_note(self.error, "panel")
        if self._is_blank:
            return head + view.static_cost(self._link, self._known_accounts())
        largest = holdings.arrange(self._accounts, "btc")
        return head + view.static_table(largest, self._frames, self._incomplete)

    def _text(self) -> str:
        made = ", SANDBOX" if self._link.source == "sandbox" else ""
        parts = [f"{len(self._accounts):,} sub-accounts" if self._fetched else "nothing fetched"]
        if self._fetched:
            parts += [
                f"{column.title} {short(holdings.total(self._accounts, wallet).amount)} {column.unit}"
                + " (not of all accounts)" * (column.source in self._incomplete)
                for wallet, column in holdings.COLUMNS.items()
            ]
        if self.error is not None:
            parts.append(f"{type(self.error).__name__}: {self.error}")
        return f"<Accounts panel{made}: {'; '.join(parts)}>"


@suggests_arguments
def accounts(link: Link, *, fetch: bool = False) -> AccountsPanel:
    """Show the partner's sub-accounts and what they hold over spot, margin and futures.

    The panel shows at once, with what a fetch would cost, and fetches when its button is pressed. Then it has
    totals by wallet, and a table of sub-accounts with a filter and a choice of order. Spot and margin are
    in BTC and add up; futures are in USD and USDT and stand apart. Wallets that are switched off say "off".
    E-mail addresses are masked. Filtering and sorting ask the exchange for nothing.

    A fetch goes on while other cells run, and shows how far it is. What goes wrong shows in the panel, with a
    button that fetches the rest; what has arrived is kept. `panel.stop()` stops it, as its button does.

    Running the cell again replaces the panel, which keeps what was fetched; `close()` ends it.

    Args:
        link: The Link to ask.
        fetch: Begin to fetch when it is first shown. `panel.wait()` waits for the end, as in a notebook that
            runs by itself.

    Returns:
        The panel; as the last line of a cell it shows itself.
    """
    return AccountsPanel(link, fetch=fetch)
