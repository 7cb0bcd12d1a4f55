"""How much of each rate limit is used, told by the budget while the fetching cell still runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar
from urllib.parse import urlsplit

import ipywidgets as widgets

from toolkit.panels import pools
from toolkit.panels.base import Panel, chips, error_note, html, put, static_head
from toolkit.panels.base import header as header_html
from toolkit.panels.style import GAUGE_MARK

if TYPE_CHECKING:
    from toolkit.link import Link

TITLE = "Rate limits"


class WeightPanel(Panel):
    """Gauges of the pools in use, what is being waited for, and the last calls.

    It never asks the exchange for anything.
    """

    kind: ClassVar[str] = "weight"
    _updated: float | None = None
    _counting = _remembering = False

    def _build(self) -> list[widgets.Widget]:
        self._chips = html()
        self._banner, self._cards, self._calls = html(), html(), html()
        hosts = sorted({urlsplit(url).netloc for url in self._link.hosts.values()})
        title = html(header_html(GAUGE_MARK, TITLE, " · ".join(hosts)), "btk-grow")
        head = widgets.HBox([title, self._chips])
        head.add_class("btk-head")
        return [head, self._banner, self._cards, self._calls]

    def _redraw(self) -> None:
        snapshot = self._link.budget.snapshot()
        changed = [
            put(self._banner, pools.banners(snapshot)),
            put(self._cards, pools.cards(snapshot)),
            put(self._calls, pools.calls(snapshot)),
        ]
        if any(changed):
            self._updated = snapshot.now
        # Of what was drawn just now: after the turn of the minute, which nobody tells of, there is
        # one more tick that draws zero.
        self._counting = bool(self._banner.value) or any(use.share for use in snapshot.pools)
        self._remembering = any(any(pools.recent_shares(use)) for use in snapshot.pools)
        put(self._chips, chips(self._link, self._updated))

    def _next_tick(self) -> float | None:
        if self._counting:
            return self._next_second()
        # The bars of the last minutes move on until the last of them is out of sight.
        return 60.0 if self._remembering else None

    def _show_error(self, error: BaseException) -> None:
        put(self._banner, error_note(error, "panel"))

    def _static(self) -> str:
        snapshot = self._link.budget.snapshot()
        return (
            static_head(self._link, TITLE, snapshot.now)
            + pools.static_pools(snapshot)
            + pools.static_calls(snapshot)
        )

    def __repr__(self) -> str:
        made = ", SANDBOX" if self._link.source == "sandbox" else ""
        return f"<Weight panel{made}: {pools.one_line(self._link.budget.snapshot())}>"


def weight(link: Link) -> WeightPanel:
    """Show how much of each rate limit is used, in a panel that moves while cells fetch.

    One gauge for each pool in use: weight used and in flight, limit, time to the turn of the minute
    and the last 15 minutes. Below them the last calls with status, weight and duration. A back-off
    (429) or a ban (418) shows with the time that is left. The panel is told by the link's budget and
    asks the exchange for nothing.

    Running the cell again replaces the panel; `close()` ends it.

    Args:
        link: The Link to watch.

    Returns:
        The panel; as the last line of a cell it shows itself.
    """
    return WeightPanel(link)
