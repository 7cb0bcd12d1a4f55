"""The partner's sub-accounts and what they hold, fetched when asked to."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

import ipywidgets as widgets
import pandas as pd

from toolkit.panels import accounts_view as view
from toolkit.panels import holdings
from toolkit.panels.base import Panel, chips, error_note, header, html, put, static_head
from toolkit.panels.holdings import Holding
from toolkit.panels.style import ACCOUNTS_MARK
from toolkit.panels.text import clock, short
from toolkit.privacy import mask_partial

if TYPE_CHECKING:
    from toolkit.link import CallRecord, Link

TITLE = "Link partner"
# How long a cell waits for the first fetch, so that a saved notebook has its picture. A longer one
# goes on under the panel.
FIRST_FETCH_WITHIN = 20.0

_SORTS: tuple[tuple[str, holdings.Sort], ...] = (
    ("Most spot + margin", "btc"),
    ("Most spot", "spot"),
    ("Most margin net", "margin"),
    ("Most USD-M", "um"),
    ("Most COIN-M", "cm"),
    ("Newest first", "newest"),
)


class AccountsPanel(Panel):
    """Partner, totals, and each sub-account's balances over spot, margin and futures.

    A fetch has a thread of its own while it lasts, so that filter and progress stay live.
    """

    kind: ClassVar[str] = "accounts"

    def __init__(self, link: Link, *, fetch: bool = True, now: Callable[[], float] = time.time) -> None:
        self._fetch_first = fetch
        self._frames: dict[str, pd.DataFrame] = {}
        self._fetched: dict[str, float] = {}
        self._accounts: list[Holding] = []
        self._fetching = False
        self._started = 0.0
        self._requests_done = 0
        self._last_call: CallRecord | None = None
        super().__init__(link, now)

    def _make_locks(self) -> None:
        super()._make_locks()
        before: threading.Event | None = getattr(self, "_settled", None)
        self._settled = threading.Event()
        if before is not None and before.is_set():  # in a child
            self._settled.set()

    # -- widgets ---------------------------------------------------------------------------------------

    def _build(self) -> list[widgets.Widget]:
        self._title, self._chips = html("", "btk-grow"), html()
        self._button = widgets.Button(icon="refresh")
        self._button.add_class("btk-main")
        self._button.on_click(lambda _: self.refresh())
        head = widgets.HBox([self._title, self._chips, self._button])
        head.add_class("btk-head")

        self._banner, self._tiles = html(), html()
        self._count = html("", "btk-grow")
        self._sort = widgets.Dropdown(options=_SORTS)
        self._filter = widgets.Text(placeholder="Filter by id, tag or e-mail…")
        for control in (self._sort, self._filter):
            control.observe(lambda _: self._told(), names="value")
        tools = widgets.HBox([self._count, self._sort, self._filter])
        tools.add_class("btk-tools")
        self._table = html()
        self._card = widgets.VBox([tools, self._table])
        self._card.add_class("btk-card")
        return [head, self._banner, self._tiles, self._card]

    def _redraw(self) -> None:
        self._price = view.price(self._link, self._known_accounts())
        put(self._title, header(ACCOUNTS_MARK, TITLE, view.bounds(self._frames)))
        put(self._chips, chips(self._link, max(self._fetched.values(), default=None), self._shortfall()))
        self._button.description = "Fetching…" if self._fetching else f"{self._verb} · {self._price}"
        self._button.disabled = self._fetching
        self._draw_banner()
        if not self._fetched:
            put(self._tiles, "" if self._fetching or self.error else self._invitation())
            self._card.layout.display = "none"
            return
        shown = holdings.arrange(self._accounts, self._sort.value, self._filter.value)
        put(self._tiles, view.tiles(self._frames, self._accounts))
        put(self._count, view.counted(len(shown), len(self._accounts)))
        put(self._table, view.table(shown, self._fetched, self._started))
        self._card.layout.display = None

    def _draw_banner(self) -> None:
        if self._fetching:
            snapshot = self._link.budget.snapshot()
            self._requests_done += self._new_calls(snapshot.calls)
            put(self._banner, view.progress(self._requests_done, self._price.requests, snapshot))
        else:
            put(self._banner, error_note(self.error, "panel") if self.error else "")

    def _shortfall(self) -> str:
        """What is wrong with the data since the last refresh failed."""
        if not self.error or not self._fetched:
            return ""
        if len(self._fetched) < len(view.READS):
            return "incomplete"
        return f"stale · from {clock(min(self._fetched.values()))} UTC"

    @property
    def _verb(self) -> str:
        return "Refresh" if self._fetched else "Fetch"

    def _invitation(self) -> str:
        return (
            '<div class="btk-card btk-empty"><b>Nothing has been fetched yet</b>'
            "The button above says what it costs before you press it.</div>"
        )

    def _known_accounts(self) -> int | None:
        partner = self._frames.get("partner")
        if partner is None or partner.empty:
            return len(self._accounts) or None
        return int(partner["sub_account_qty"].iloc[0])

    def _new_calls(self, calls: tuple[CallRecord, ...]) -> int:
        """How many requests of ours were answered since this was last asked."""
        doors = {read.door for read in view.READS}
        new = 0
        for call in reversed(calls):
            if call is self._last_call:
                break
            new += call.door in doors
        self._last_call = calls[-1] if calls else None
        return new

    def _next_tick(self) -> float | None:
        return self._next_second() if self._fetching else None

    def _show_error(self, error: BaseException) -> None:
        put(self._banner, error_note(error, "panel"))

    # -- fetching ---------------------------------------------------------------------------------------

    def refresh(self) -> None:
        """Fetch everything anew, at the price the button says; returns at once."""
        self._post(self._start)

    def _start(self) -> None:
        if self._fetching:
            return
        self._fetching = True
        self._started = self._now()
        self._requests_done = 0
        calls = self._link.budget.snapshot().calls
        self._last_call = calls[-1] if calls else None
        threading.Thread(target=self._fetch, name="accounts panel's fetch", daemon=True).start()

    def _fetch(self) -> None:
        """Make the reads one after the other; whatever arrives is handed to the panel's thread."""
        failed: Exception | None = None
        try:
            for read in view.READS:
                if self._closed:
                    break
                frame = self._read(read)
                self._post(partial(self._take, read.key, frame, self._now()))
        except Exception as error:  # noqa: BLE001 - shown in the panel
            failed = error
        self._post(partial(self._finish, failed))

    def _read(self, read: view.Read) -> pd.DataFrame:
        system, _, name = read.door.partition(".")
        door: Any = getattr(getattr(self._link, system), name)
        given: dict[str, Any] = {"market": read.market} if read.market else {}
        if read.key == "accounts":  # the filter compares whole addresses; what is shown is masked
            given["emails"] = "clear"
        try:
            frame: pd.DataFrame = door(**given)
        except Exception as error:
            mask_partial(error)
            raise
        return frame

    def _take(self, key: str, frame: pd.DataFrame, at: float) -> None:
        self._frames = self._frames | {key: frame}
        self._fetched = self._fetched | {key: at}
        self._accounts = holdings.holdings(self._frames)

    def _finish(self, failed: Exception | None) -> None:
        self._fetching = False
        self.error = failed
        self._settled.set()

    def close(self) -> None:
        """End the panel: its thread, its watch and every widget. May be called again."""
        super().close()
        self._settled.set()

    # -- the static picture -------------------------------------------------------------------------------

    def _before_display(self) -> None:
        if self._fetch_first and not self._settled.is_set():
            self.refresh()
            self._settled.wait(FIRST_FETCH_WITHIN)

    def _static(self) -> str:
        head = static_head(self._link, TITLE, max(self._fetched.values(), default=None))
        wrong = error_note(self.error, "panel") if self.error else ""
        if not self._fetched:
            return head + (wrong or "<p>Nothing has been fetched yet.</p>")
        return head + wrong + view.static_table(holdings.arrange(self._accounts, "btc"), self._frames)

    def _text(self) -> str:
        made = ", SANDBOX" if self._link.source == "sandbox" else ""
        parts = [f"{len(self._accounts):,} sub-accounts" if self._fetched else "nothing fetched"]
        if self._fetched:
            parts += [
                f"{column.title} {short(holdings.total(self._accounts, wallet).amount)} {column.unit}"
                for wallet, column in holdings.COLUMNS.items()
            ]
        if self.error is not None:
            parts.append(f"{type(self.error).__name__}: {self.error}")
        return f"<Accounts panel{made}: {'; '.join(parts)}>"


def accounts(link: Link, *, fetch: bool = True) -> AccountsPanel:
    """Show the partner's sub-accounts and what they hold over spot, margin and futures.

    Totals by wallet, a table of sub-accounts with a filter and a choice of order, and a button that
    says what a refresh costs before it is pressed. Spot and margin are in BTC and add up; futures are
    in USD and USDT and stand apart. Wallets that are switched off say "off". E-mail addresses are
    masked. Filtering and sorting ask the exchange for nothing. What goes wrong shows in the panel,
    which keeps what it had and marks it stale.

    Running the cell again replaces the panel; `close()` ends it.

    Args:
        link: The Link to ask.
        fetch: Fetch when it is first shown; otherwise the first fetch waits for the button.

    Returns:
        The panel; as the last line of a cell it shows itself.
    """
    return AccountsPanel(link, fetch=fetch)
