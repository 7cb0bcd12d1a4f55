"""How much of each rate limit is used, told by the budget while the fetching cell still runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar
from urllib.parse import urlsplit

import ipywidgets as widgets

from toolkit.panels.base import Panel, chips, error_note, html, put, static_head
from toolkit.panels.base import header as header_html
from toolkit.panels.weight_panel import view
from toolkit.text.suggestions import suggests_arguments

if TYPE_CHECKING:
    from markupsafe import Markup

    from toolkit.client import Link

TITLE = "Rate limits"
# While nothing is counted here, seconds until it is looked whether another process has used something.
LOOK_EVERY = 5.0


class WeightPanel(Panel):
    """Gauges of the pools in use, who uses them, what is being waited for, and the last calls.

    It never asks the exchange for anything.
    """

    kind: ClassVar[str] = "weight"
    _updated: float | None = None
    _counting = False

    def _build(self) -> list[widgets.Widget]:
        self._chips = html()
        self._banner, self._alone = html(), html()
        self._cards, self._processes, self._calls = html(), html(), html()
        hosts = sorted({urlsplit(url).netloc for url in self._link.hosts.values()})
        title = html(header_html("gauge", TITLE, " · ".join(hosts)), "btk-grow")
        head = widgets.HBox([title, self._chips])
        head.add_class("btk-head")
        return [head, self._banner, self._alone, self._cards, self._processes, self._calls]

    def _redraw(self) -> None:
        snapshot = self._link.budget.snapshot()
        changed = [
            put(self._banner, view.banners(snapshot)),
            put(self._alone, view.local_only_banner(snapshot)),
            put(self._cards, view.cards(snapshot)),
            put(self._processes, view.by_process(snapshot)),
            put(self._calls, view.calls(snapshot)),
        ]
        if any(changed):
            self._updated = snapshot.now
        # Of what was drawn just now: after the turn of the minute, which nobody tells of, there is
        # one more tick that draws zero.
        self._counting = bool(self._banner.value) or any(use.used_fraction for use in snapshot.rate_limits)
        put(self._chips, chips(self._link, self._updated))

    def _next_tick(self) -> float:
        # The budget tells of this process's answers alone: what others use is looked up.
        return self._next_second() if self._counting else LOOK_EVERY

    def _show_error(self, error: BaseException) -> None:
        put(self._banner, error_note(error, "panel"))

    def _static(self) -> Markup:
        snapshot = self._link.budget.snapshot()
        return (
            static_head(self._link, TITLE, snapshot.now)
            + view.static_rate_limits(snapshot)
            + view.static_calls(snapshot)
        )

    def _text(self) -> str:
        made = ", SANDBOX" if self._link.source == "sandbox" else ""
        return f"<Weight panel{made}: {view.one_line(self._link.budget.snapshot())}>"


@suggests_arguments
def weight(link: Link) -> WeightPanel:
    """Show how much of each rate limit is used, in a panel that moves while cells fetch.

    One gauge for each pool in use: weight used and in flight, limit, time to the turn of the window
    and the last 15 windows. This kernel's part is in full colour, that of the machine's other
    notebooks and scripts lighter, and what programs outside used hatched in grey; a table says which
    process used what. Below them the last calls of this kernel with status, weight and duration. A
    back-off (429, or a 503 that asks to wait) or a ban (418) shows with the time that is left. The panel
    reads the link's budget and asks the exchange for nothing.

    Running the cell again replaces the panel; `close()` ends it.

    Args:
        link: The Link to watch.

    Returns:
        The panel; as the last line of a cell it shows itself.
    """
    return WeightPanel(link)
