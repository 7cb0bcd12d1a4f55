"""The rate-limit panel. The budget notifies it, also while the cell that fetches still runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar
from urllib.parse import urlsplit

import ipywidgets as widgets

from toolkit.panels.base import Panel, chips, error_banner, header, html, static_header, update
from toolkit.panels.weight_panel import view
from toolkit.text.suggestions import suggests_arguments

if TYPE_CHECKING:
    from markupsafe import Markup

    from toolkit.client import Link

TITLE = "Rate limits"
# While all counters are at 0: how often to check whether another process has used one.
IDLE_REDRAW_S = 5.0


class WeightPanel(Panel):
    """Gauges of the rate limits in use, who uses them, what is being waited for, and the last calls.

    It sends nothing to the exchange.
    """

    kind: ClassVar[str] = "weight"
    _updated: float | None = None
    _has_countdown = False

    def _build(self) -> list[widgets.Widget]:
        self._chips = html()
        self._banners, self._local_only = html(), html()
        self._cards, self._processes, self._calls = html(), html(), html()
        hosts = sorted({urlsplit(url).netloc for url in self._link.hosts.values()})
        title = html(header("gauge", TITLE, " · ".join(hosts)), "btk-grow")
        head = widgets.HBox([title, self._chips])
        head.add_class("btk-head")
        return [head, self._banners, self._local_only, self._cards, self._processes, self._calls]

    def _redraw(self) -> None:
        snapshot = self._link.budget.snapshot()
        banners = view.banners(snapshot)
        # From the snapshot that is drawn now: nothing notifies the panel of the end of a window, so one more
        # redraw must follow, which draws 0.
        self._has_countdown = bool(banners) or any(use.used_fraction for use in snapshot.rate_limits)
        changed = [
            update(self._banners, banners),
            update(self._local_only, view.local_only_banner(snapshot)),
            update(self._cards, view.cards(snapshot)),
            update(self._processes, view.by_process(snapshot)),
            update(self._calls, view.calls(snapshot)),
        ]
        if any(changed):
            self._updated = snapshot.now
        update(self._chips, chips(self._link, self._updated))

    def _redraw_delay(self) -> float:
        # The budget notifies of this process's responses only; use by other processes is polled.
        return self._until_next_second() if self._has_countdown else IDLE_REDRAW_S

    def _show_error(self, error: BaseException) -> None:
        update(self._banners, error_banner(error, "panel"))

    def _static(self) -> Markup:
        snapshot = self._link.budget.snapshot()
        return (
            static_header(self._link, TITLE, snapshot.now)
            + view.static_rate_limits(snapshot)
            + view.static_calls(snapshot)
        )

    def _text(self) -> str:
        source = ", SANDBOX" if self._link.source == "sandbox" else ""
        return f"<Weight panel{source}: {view.one_line(self._link.budget.snapshot())}>"


@suggests_arguments
def weight(link: Link) -> WeightPanel:
    """Show how much of each rate limit is used, in a panel that updates while cells fetch.

    Each rate limit in use has a gauge: used weight and weight in flight, the limit, the time until it resets,
    and the last 15 windows. Use by this kernel is in full colour, by other notebooks and scripts on this
    machine lighter, and by other programs hatched in grey. A table lists use by process. Below are the last
    calls of this kernel with status, weight and duration. During a back-off (after a 429, or a 503 that asks
    to wait) or a ban (418), a banner shows the time left. The panel reads the link's budget and sends nothing
    to the exchange.

    Running the cell again replaces the panel. `close()` closes it.

    Args:
        link: The Link to watch.

    Returns:
        The panel. As the last line of a cell, it displays itself.
    """
    return WeightPanel(link)
