"""The accounts panel: the partner's sub-accounts and their balances, fetched at the press of a button."""

from __future__ import annotations

import sys
import threading
import time
import uuid
from collections.abc import Callable
from functools import partial
from operator import attrgetter
from typing import TYPE_CHECKING, Any, ClassVar

import ipywidgets as widgets
import pandas as pd
from IPython import get_ipython
from IPython.display import display

from toolkit.display.formatting import clock, plural, short
from toolkit.fetch.progress import follow
from toolkit.panels.accounts_panel import holdings, view
from toolkit.panels.accounts_panel.holdings import Holding
from toolkit.panels.accounts_panel.model import READS, FetchState, Read, refresh_cost
from toolkit.panels.base import Panel, chips, error_banner, header, html, static_header, update
from toolkit.redaction import mask_partial
from toolkit.runtime.interruptions import let_through
from toolkit.text.suggestions import suggests_arguments

if TYPE_CHECKING:
    from markupsafe import Markup

    from toolkit.client import Link

TITLE = "Link partner"
# `wait` checks for interrupts this often.
WAIT_INTERVAL_S = 0.5

_SORTS: tuple[tuple[str, holdings.Sort], ...] = (
    ("Largest spot + margin", "btc"),
    ("Largest spot", "spot"),
    ("Largest margin net", "margin"),
    ("Largest USD-M", "um"),
    ("Largest COIN-M", "cm"),
    ("Newest first", "newest"),
)


class _Stopped(Exception):  # noqa: N818 - not an error: it ends a fetch
    """The user stopped the fetch, or closed the panel."""

    partial: pd.DataFrame | None = None


class AccountsPanel(Panel):
    """The partner, totals, and each sub-account's balances on spot, margin and futures.

    A fetch runs in a thread of its own, so that the cell ends at once and the filter and the progress stay
    live.
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
        self._remaining: tuple[Read, ...] = ()  # the reads that the last fetch has not done
        self._rows = 0
        self._requests_done = 0
        self._display_id = f"accounts-{uuid.uuid4().hex}"
        self._is_displayed = False
        super().__init__(link, now)

    def _make_locks(self) -> None:
        super()._make_locks()
        self._stop_event = threading.Event()
        self._idle = threading.Event()
        self._idle.set()  # in a forked child too: the thread that fetches is the parent's

    def _take_over(self, previous: Panel) -> None:
        """Keep the data of the panel that this one replaces: it has cost weight."""
        if isinstance(previous, AccountsPanel):
            self._frames, self._fetched = previous._frames, previous._fetched
            self._incomplete, self._accounts = previous._incomplete, previous._accounts
            self._remaining, self._started = previous._remaining, previous._started
            self._requests_done, self.error = previous._requests_done, previous.error
            self._was_stopped = previous._was_stopped or previous._fetching

    # -- widgets ---------------------------------------------------------------------------------------

    def _build(self) -> list[widgets.Widget]:
        self._title, self._chips = html("", "btk-grow"), html()
        self._button = widgets.Button(icon="refresh")
        self._button.add_class("btk-main")
        self._button.on_click(lambda _: self.refresh())
        head = widgets.HBox([self._title, self._chips, self._button])
        head.add_class("btk-head")

        self._banner = html("", "btk-grow")
        self._stop_button = widgets.Button(
            description="Stop", icon="stop", tooltip="Stop and keep the data that has arrived"
        )
        self._stop_button.on_click(lambda _: self.stop())
        self._retry_button = widgets.Button(icon="repeat")
        self._retry_button.on_click(lambda _: self.retry())
        state = widgets.HBox([self._banner, self._stop_button, self._retry_button])
        state.add_class("btk-state-line")

        self._tiles, self._cost = html(), html()
        self._count = html("", "btk-grow")
        self._sort = widgets.Dropdown(options=_SORTS)
        self._filter = widgets.Text(placeholder="Filter by name, id, tag or e-mail…")
        for control in (self._sort, self._filter):
            control.observe(lambda _: self._notify(), names="value")
        tools = widgets.HBox([self._count, self._sort, self._filter])
        tools.add_class("btk-tools")
        self._table = html()
        self._card = widgets.VBox([tools, self._table])
        self._card.add_class("btk-card")
        return [head, state, self._tiles, self._cost, self._card]

    def _redraw(self) -> None:
        state = self._fetch_state()
        update(self._title, header("accounts", TITLE, view.commission_range(self._frames)))
        last = max(self._fetched.values(), default=None)
        update(self._chips, chips(self._link, last, self._staleness(), self._account()))
        self._draw_banner(state)
        update(self._tiles, view.tiles(self._frames, self._accounts, state, self._incomplete))
        is_blank = self._is_blank
        update(self._cost, view.cost_card(self._link, self._account_count()) if is_blank else "")
        self._card.layout.display = "none" if is_blank else None
        if not is_blank:
            shown = holdings.arrange(self._accounts, self._sort.value, self._filter.value)
            update(self._count, view.table_heading(len(shown), len(self._accounts)))
            update(self._table, view.table(shown, self._fetched, self._started, self._incomplete))
        self._draw_button()  # last: when its text has changed, the rest is drawn

    def _draw_button(self) -> None:
        verb = "Refresh" if self._fetched else "Fetch"
        cost = refresh_cost(self._link, self._account_count())
        self._button.description = "Fetching…" if self._fetching else f"{verb} · {cost}"
        self._button.disabled = self._fetching

    def _fetch_state(self) -> FetchState:
        accounts = self._account_count()
        current = self._remaining[0] if self._remaining else None
        requests = self._requests_done
        if current is not None and current.is_by_account and self._rows:
            estimate = self._link.estimate_weight(current.endpoint, rows=self._rows).requests
            # The estimate includes the empty page that shows a full page to be the last; it has not come yet.
            requests += estimate - (self._rows != accounts)
        return FetchState(
            remaining=self._remaining,
            rows=self._rows,
            accounts=accounts,
            requests=requests,
            cost=refresh_cost(self._link, accounts),
            is_fetching=self._fetching,
        )

    def _draw_banner(self, state: FetchState) -> None:
        banner = ""
        if self._fetching:
            banner = view.progress(state, self._link.budget.snapshot())
        elif self.error is not None:
            banner = error_banner(self.error, "panel")
        elif self._was_stopped:
            banner = view.stopped(state)
        self._stop_button.layout.display = None if self._fetching else "none"
        can_continue = bool(self._remaining) and not self._fetching
        self._retry_button.layout.display = None if can_continue else "none"
        if can_continue:
            cost = refresh_cost(self._link, self._account_count(), self._remaining)
            verb = "Continue" if self._was_stopped else "Retry"
            requests = plural(cost.requests, "request")
            self._retry_button.description = f"{verb} · {requests}" if cost.is_exact else verb
            self._retry_button.tooltip = f"Fetch what has not arrived: {cost}"
        update(self._banner, banner)  # after its buttons, which must work by the time it shows

    @property
    def _is_blank(self) -> bool:
        """Whether there is nothing to show yet. A complete fetch may also return no sub-accounts."""
        return not self._accounts and len(self._fetched) < len(READS)

    def _staleness(self) -> str:
        """What is wrong with the data if the last fetch did not finish; "" otherwise."""
        if self._fetching or not self._remaining or not self._fetched:
            return ""
        if self._incomplete or len(self._fetched) < len(READS):
            return "incomplete"
        return f"stale · from {clock(min(self._fetched.values()))} UTC"

    def _account_count(self) -> int | None:
        """Number of sub-accounts, None if unknown."""
        partner = self._frames.get("partner")
        if partner is None or partner.empty:
            return len(self._accounts) or None
        return int(partner["sub_account_qty"].iloc[0])

    def _account(self) -> str:
        """Id of the account that the data is of, "" if it is not known."""
        known = (frame.attrs.get("account") for frame in self._frames.values())
        return next(filter(None, known), "")

    def _redraw_delay(self) -> float | None:
        return self._until_next_second() if self._fetching else None

    def _show_error(self, error: BaseException) -> None:
        update(self._banner, error_banner(error, "panel"))

    # -- fetching ---------------------------------------------------------------------------------------

    def refresh(self) -> None:
        """Start to fetch everything again, at the cost shown on the button, and return at once."""
        self._begin()
        self._submit(partial(self._start, READS))

    def retry(self) -> None:
        """Start to fetch what the last fetch did not, and return at once."""
        self._begin()
        self._submit(lambda: self._start(self._remaining, is_new=False))

    def _begin(self) -> None:
        if self._idle.is_set():
            self._stop_event.clear()
            self._idle.clear()

    def stop(self) -> None:
        """Stop a running fetch and return at once. Data that has arrived is kept."""
        self._stop_event.set()
        self._notify()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until the fetch has ended. The one of `fetch=True` begins now if it has not yet.

        An interrupt stops the fetch.

        Args:
            timeout: Seconds to wait at most; no limit when not given.

        Returns:
            Whether the fetch has ended.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        self._fetch_if_asked()
        try:
            while not self._idle.is_set():
                step = (
                    WAIT_INTERVAL_S if deadline is None else min(WAIT_INTERVAL_S, deadline - time.monotonic())
                )
                if step <= 0:
                    return False
                self._idle.wait(step)  # in steps: on Windows an interrupt arrives only between two waits
        except KeyboardInterrupt:
            self.stop()
            raise
        if self._is_displayed and not self._closed:
            # If the fetch ended while no cell ran, its update was lost: programs that execute notebooks take
            # only the output that belongs to the running cell.
            self._run_job(partial(self._display, is_update=True))
        return True

    def _start(self, reads: tuple[Read, ...], *, is_new: bool = True) -> None:
        if self._fetching:
            return
        if not reads or self._closed:
            self._idle.set()
            return
        self._fetching = True
        self._was_stopped = False
        self.error = None
        self._remaining, self._rows = reads, 0
        if is_new:
            self._started, self._requests_done = self._now(), 0
        thread = threading.Thread(
            target=self._fetch, args=(reads,), name="accounts panel's fetch", daemon=True
        )
        try:
            thread.start()
        except (RuntimeError, MemoryError):  # too many threads, or no memory for a stack
            self._fetch_inline(reads)

    def _fetch_inline(self, reads: tuple[Read, ...]) -> None:
        """Fetch in this thread, because no other can be started. Data is drawn when the fetch has ended."""
        try:
            self._redraw()
            self._fetch(reads)
        except BaseException:
            self._finish(_Stopped())
            raise

    def _fetch(self, reads: tuple[Read, ...]) -> None:
        """Make the reads in turn, and pass the results to the panel's thread."""
        failure: Exception | None = None
        outside = sys.exception()
        for read in reads:
            try:
                self._raise_if_stopped()
                frame = self._read(read)
            except Exception as error:  # noqa: BLE001 - shown in the panel
                let_through(error, outside)
                failure = error
                rows: pd.DataFrame | None = getattr(error, "partial", None)
                if rows is not None and len(rows):
                    self._submit(partial(self._store_partial, read, rows, self._now()))
                break
            self._submit(partial(self._store_complete, read, frame, self._now()))
        self._submit(partial(self._finish, failure))

    def _raise_if_stopped(self) -> None:
        if self._stop_event.is_set() or self._closed:
            raise _Stopped

    def _read(self, read: Read) -> pd.DataFrame:
        method: Any = attrgetter(read.endpoint)(self._link)
        arguments: dict[str, Any] = {"market": read.market} if read.market else {}
        if read.key == "accounts":  # the filter compares whole addresses; the table masks them
            arguments["emails"] = "clear"

        def on_rows(rows: int) -> None:
            self._raise_if_stopped()
            if rows != self._rows:
                self._rows = rows
                self._notify()

        try:
            with follow(on_rows):
                frame: pd.DataFrame = method(**arguments)
        except Exception as error:
            mask_partial(error)
            raise
        return frame

    def _store_complete(self, read: Read, frame: pd.DataFrame, at: float) -> None:
        self._remaining, self._rows = self._remaining[1:], 0
        self._requests_done += int(frame.attrs["requests"])
        self._incomplete = {key: rows for key, rows in self._incomplete.items() if key != read.key}
        self._store(read, frame, at)

    def _store_partial(self, read: Read, rows: pd.DataFrame, at: float) -> None:
        """Store the rows of a read that broke off, unless an earlier read returned more."""
        is_complete = read.key in self._frames and read.key not in self._incomplete
        if is_complete or len(rows) < self._incomplete.get(read.key, 0):
            return
        if not rows.attrs.get("complete"):
            self._incomplete = self._incomplete | {read.key: len(rows)}
        self._store(read, rows, at)

    def _store(self, read: Read, frame: pd.DataFrame, at: float) -> None:
        self._frames = self._frames | {read.key: frame}
        self._fetched = self._fetched | {read.key: at}
        self._accounts = holdings.holdings(self._frames)

    def _finish(self, failure: Exception | None) -> None:
        self._fetching = False
        self._rows = 0
        self._was_stopped = isinstance(failure, _Stopped)
        self.error = None if self._was_stopped else failure
        try:
            if self._is_displayed and not self._closed:
                self._display(is_update=True)
        finally:
            self._idle.set()  # last: when `wait` returns, the picture is in the notebook

    def close(self) -> None:
        """Close the panel: its fetch, its thread, its subscription to the budget and every widget.

        It may be called twice.
        """
        super().close()
        self._idle.set()

    # -- display -------------------------------------------------------------------------------------------

    def _ipython_display_(self) -> None:
        self._display()

    def _display(self, *, is_update: bool = False) -> None:
        """Display the panel, or update the static picture in the saved notebook after a fetch."""
        shell: Any = get_ipython()
        if is_update and not hasattr(shell, "kernel"):
            return  # a terminal would print it again
        display(  # type: ignore[no-untyped-call]
            self._repr_mimebundle_(), raw=True, display_id=self._display_id, update=is_update
        )
        self._is_displayed = True

    def _before_display(self) -> None:
        self._fetch_if_asked()

    def _fetch_if_asked(self) -> None:
        """Begin the fetch of `fetch=True`, once."""
        if self._fetch_first:
            self._fetch_first = False
            self.refresh()

    def _static(self) -> Markup:
        updated = max(self._fetched.values(), default=None)
        head = static_header(self._link, TITLE, updated, self._account())
        if self.error is not None:
            head += error_banner(self.error, "panel")
        if self._is_blank:
            return head + view.static_cost(self._link, self._account_count())
        largest = holdings.arrange(self._accounts, "btc")
        return head + view.static_table(largest, self._frames, self._incomplete)

    def _text(self) -> str:
        source = ", SANDBOX" if self._link.source == "sandbox" else ""
        parts = [f"{len(self._accounts):,} sub-accounts" if self._fetched else "nothing fetched"]
        if self._fetched:
            parts += [
                f"{column.title} {short(holdings.total(self._accounts, wallet).amount)} {column.unit}"
                + " (incomplete)" * (column.source in self._incomplete)
                for wallet, column in holdings.COLUMNS.items()
            ]
        if self.error is not None:
            parts.append(f"{type(self.error).__name__}: {self.error}")
        return f"<Accounts panel{source}: {'; '.join(parts)}>"


@suggests_arguments
def accounts(link: Link, *, fetch: bool = False) -> AccountsPanel:
    """Show the partner's sub-accounts and their balances on spot, margin and futures.

    The panel appears at once, with the cost of a fetch, and fetches when its button is pressed. Then it shows
    totals by wallet, and a table of sub-accounts with a filter and a choice of order. Spot and margin are
    in BTC and are added up; futures are in USD and USDT and are not. Wallets that are switched off say
    "off". Sub-accounts have your own names, where the Link was given `names`, or their tags. E-mail addresses
    are masked. Filtering and sorting send nothing to the exchange.

    A fetch continues while other cells run, and shows its progress. If it fails, the panel shows the error
    and a button that fetches the rest; data that has arrived is kept. `panel.stop()` stops the fetch, as does
    its button.

    Running the cell again replaces the panel and keeps its data. `close()` closes it.

    Args:
        link: The Link to fetch with.
        fetch: Start to fetch when the panel is first shown or waited for. `panel.wait()` waits for the end,
            in notebooks that run unattended.

    Returns:
        The panel. As the last line of a cell, it displays itself.
    """
    return AccountsPanel(link, fetch=fetch)
