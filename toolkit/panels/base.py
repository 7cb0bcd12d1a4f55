"""What every panel does right in Jupyter, so that a panel itself only says what it shows.

- One daemon thread a panel writes to its widgets. Callbacks of widgets and of the budget, which run
  in whatever thread Jupyter or a fetch has, only leave a job with it. Where the system starts no more
  threads, whoever leaves a job does it, until a thread can be had.
- Running the cell again replaces the panel of that kind for that Link; `close` closes every widget
  of the tree, which nothing else would.
- A saved notebook, or a viewer without widgets, gets a static picture that needs no style sheet.
- Nothing goes wrong unseen: what a job raises is shown in the panel and kept in `error`.
"""

from __future__ import annotations

import sys
import threading
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

import ipywidgets as widgets

from toolkit.display.formatting import clock
from toolkit.display.html import render
from toolkit.errors import ToolkitError
from toolkit.runtime import forks
from toolkit.runtime.interruptions import let_through
from toolkit.text.printable import printable

if TYPE_CHECKING:
    from markupsafe import Markup

    from toolkit.client import Link

# After a redraw the next one waits this long: a burst of answers is drawn once.
REDRAW_EVERY = 0.1
# How long `close` waits for the thread to end.
END_WITHIN = 2.0

_open: dict[tuple[str, int], Panel] = {}
_open_lock: threading.Lock


def _make_lock() -> None:
    global _open_lock  # noqa: PLW0603 - in a child, whoever held it does not exist
    _open_lock = threading.Lock()


forks.renew(_make_lock)


class Panel(ABC):
    """A live view of one Link under a notebook cell.

    Show it by making it the last line of a cell; `widget` is what goes into a layout of your own.

    Attributes:
        widget: The root of its widgets.
        error: The last thing that went wrong, None where nothing has. `error.partial` has what had
            arrived before.
    """

    kind: ClassVar[str]
    error: BaseException | None = None

    def __init__(self, link: Link, now: Callable[[], float] = time.time) -> None:
        self._link = link
        self._now = now
        self._closed = False
        self._jobs: deque[Callable[[], None]] = deque()
        self._stale = False
        forks.renew(self._make_locks)
        self.widget = widgets.VBox([html(render("stylesheet.html.jinja"), "btk-style"), *self._build()])
        self.widget.add_class("btk-panel").add_class(f"btk-{self.kind}")
        self._redraw()
        self._unwatch = link.budget.watch(self._notify)
        self._thread: threading.Thread | None = None
        self._is_drawing = False
        with _open_lock:  # last of all, when nothing but an interrupt can come any more
            before = _open.pop((self.kind, id(link)), None)
            _open[self.kind, id(link)] = self
        try:
            if before is not None:
                before.close()
                self._take_over(before)
            self._post(_nothing)  # draws what happened since the first drawing, and what was taken over
        except BaseException:
            self.close()
            raise

    def _make_locks(self) -> None:
        self._wake = threading.Condition()

    # -- what a panel says for itself ------------------------------------------------------------

    @abstractmethod
    def _build(self) -> list[widgets.Widget]:
        """Make the widgets under the root."""

    @abstractmethod
    def _redraw(self) -> None:
        """Bring the widgets up to date; called by one thread at a time."""

    def _next_tick(self) -> float | None:
        """Seconds until it looks different though nobody told anything; None where it never does."""
        return None

    def _before_display(self) -> None:  # noqa: B027 - most panels need nothing
        """Make ready what the static picture needs."""

    def _take_over(self, before: Panel) -> None:  # noqa: B027 - most panels need nothing
        """Keep what is worth it of the panel that this one replaces, which has ended."""

    @abstractmethod
    def _static(self) -> Markup:
        """The picture for viewers without widgets: no style sheet, no inline SVG, no script."""

    @abstractmethod
    def _text(self) -> str:
        """The panel in a line of plain text."""

    # -- for the panel's user ----------------------------------------------------------------------

    def close(self) -> None:
        """End the panel: its thread, its watch and every widget. May be called again."""
        with self._wake:
            if self._closed:
                return
            self._closed = True
            self._wake.notify_all()
        self._unwatch()
        with _open_lock:
            if _open.get((self.kind, id(self._link))) is self:
                del _open[self.kind, id(self._link)]
        if self._thread is not None and threading.current_thread() is not self._thread:
            self._thread.join(END_WITHIN)
        for widget in list(_tree(self.widget)):
            widget.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return printable(self._text())

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:
        self._before_display()
        bundle: dict[str, Any] = dict(self.widget._repr_mimebundle_() or {})
        return bundle | {"text/plain": repr(self), "text/html": self._static()}

    # -- the thread ----------------------------------------------------------------------------------

    def _post(self, job: Callable[[], None]) -> None:
        """Leave a job with the panel's thread."""
        with self._wake:
            self._jobs.append(job)
            self._wake.notify_all()
        if not self._has_thread():
            self._do_jobs()

    def _has_thread(self) -> bool:
        """Whether there is a thread for the jobs; it is started with the first of them."""
        with self._wake:
            if self._thread is None and not self._is_drawing and not self._closed:
                thread = threading.Thread(target=self._work, name=f"{self.kind} panel", daemon=True)
                with suppress(RuntimeError, MemoryError):  # too many of them, or no room for its stack
                    thread.start()
                    self._thread = thread
            return self._thread is not None

    def _do_jobs(self) -> None:
        """Do the jobs in the calling thread, one thread at a time: another that does them does these, too."""
        while True:
            with self._wake:
                if self._is_drawing or self._closed or not self._jobs:
                    return
                self._is_drawing = True
                job = self._jobs.popleft()
            try:
                self._guard(job)
                self._guard(self._redraw)
            finally:
                self._is_drawing = False

    def _notify(self) -> None:
        """The budget has news. Called in the thread that fetches: leaves word and returns at once."""
        with self._wake:
            self._stale = True
            self._wake.notify_all()

    def _work(self) -> None:
        while True:
            with self._wake:
                self._wake.wait_for(self._has_work, self._next_tick())
                if self._closed:
                    return
                jobs = list(self._jobs)
                self._jobs.clear()
                self._stale = False
            for job in (*jobs, self._redraw):
                self._guard(job)
            with self._wake:
                self._wake.wait_for(lambda: self._closed, REDRAW_EVERY)

    def _has_work(self) -> bool:
        return self._closed or self._stale or bool(self._jobs)

    def _next_second(self) -> float:
        """Until just after the turn of a second, so that a countdown takes even steps."""
        return 1.02 - self._now() % 1

    def _guard(self, job: Callable[[], None]) -> None:
        outside = sys.exception()
        try:
            job()
        except Exception as error:  # noqa: BLE001 - in a thread it would be lost, or land in another cell
            let_through(error, outside)
            self.error = error
            self._show_error(error)

    @abstractmethod
    def _show_error(self, error: BaseException) -> None:
        """Show what a job raised."""


def _nothing() -> None:
    """A job that only has the panel drawn."""


def _tree(widget: widgets.Widget) -> Iterator[widgets.Widget]:
    """A widget and everything it holds: children, layouts and styles."""
    for child in getattr(widget, "children", ()):
        yield from _tree(child)
    for part in ("layout", "style"):
        if isinstance(held := getattr(widget, part, None), widgets.Widget):
            yield held
    yield widget


def html(value: str = "", *classes: str) -> widgets.HTML:
    """An HTML widget with CSS classes."""
    widget = widgets.HTML(value)
    for name in classes:
        widget.add_class(name)
    return widget


def put(widget: widgets.HTML, value: str) -> bool:
    """Write HTML where it differs from what is there; whether it did.

    Writing resets scrolling and costs a message, so what has not changed is not written.
    """
    if widget.value == value:
        return False
    widget.value = value
    return True


def header(mark: Literal["gauge", "accounts"], title: str, under: str) -> Markup:
    """Mark, title and the line under it."""
    return render("header.html.jinja", mark=mark, title=title, under=under)


def chips(link: Link, updated: float | None, shortfall: str = "") -> Markup:
    """Where the data come from, how far apart the clocks are, and how new (or what is wrong with) it is."""
    offset = link.clock_offset("api")
    return render(
        "chips.html.jinja",
        source=link.source,
        clock_offset="" if offset is None else _offset(offset),
        shortfall=shortfall,
        updated="" if updated is None else clock(updated),
    )


def _offset(seconds: float) -> str:
    thousandths = round(seconds * 1000)
    return f"{thousandths:+,d} ms" if abs(thousandths) < 10_000 else f"{seconds:+,.1f} s"


def note(
    state: str, title: str, text: str, *, remaining: str = "", progress: tuple[int, int] | None = None
) -> Markup:
    """A banner.

    Args:
        state: What its colour says.
        title: What is the matter.
        text: The same at length.
        remaining: The time that is left.
        progress: How much is done, and of how much; that is 0 where it is not known.
    """
    return render(
        "note.html.jinja",
        state=state,
        title=title,
        text=text,
        remaining=remaining,
        progress={"done": progress[0], "of": progress[1]} if progress else None,
    )


def error_note(error: BaseException, panel: str) -> Markup:
    """What went wrong, what it means and where the rest of it is."""
    text = str(error) or "No message."
    if not isinstance(error, ToolkitError):
        text += f" This is a mistake of the toolkit's; `{panel}.error` has all of it."
    elif error.partial is not None:
        text += f" Find it in `{panel}.error.partial`."
    return note("hot", type(error).__name__, text)


def static_head(link: Link, title: str, updated: float | None) -> Markup:
    """First line of a static picture."""
    when = "" if updated is None else clock(updated)
    return render("static_head.html.jinja", title=title, source=link.source, updated=when)
