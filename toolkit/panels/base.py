"""What every panel needs in Jupyter, so that a panel itself only defines what it shows.

- One daemon thread per panel updates its widgets. Callbacks of widgets and of the budget, which run in
  whatever thread Jupyter or a fetch uses, only queue a job. If no thread can be started, the caller runs its
  job itself, until a thread can be started again.
- Running the cell again replaces the panel of the same kind and Link. `close` closes every widget of the
  tree, which ipywidgets does not do by itself.
- A saved notebook, or a viewer without widgets, gets a static picture that needs no style sheet.
- Exceptions in jobs are shown in the panel and kept in `error`.
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

# The least time between two redraws: a burst of responses is drawn once.
REDRAW_INTERVAL_S = 0.1
# How long `close` waits for the thread to end.
CLOSE_TIMEOUT_S = 2.0

_open: dict[tuple[str, int], Panel] = {}
_open_lock: threading.Lock


def _make_lock() -> None:
    global _open_lock  # noqa: PLW0603 - after a fork, the thread that held it does not exist
    _open_lock = threading.Lock()


forks.renew(_make_lock)


class Panel(ABC):
    """A live view of one Link under a notebook cell.

    Make it the last line of a cell to show it, or put `widget` into a layout of your own.

    Attributes:
        widget: The root widget.
        error: The last exception, None if there was none. `error.partial` holds the rows that had arrived
            before it.
    """

    kind: ClassVar[str]
    error: BaseException | None = None

    def __init__(self, link: Link, now: Callable[[], float] = time.time) -> None:
        self._link = link
        self._now = now
        self._closed = False
        self._jobs: deque[Callable[[], None]] = deque()
        self._needs_redraw = False
        forks.renew(self._make_locks)
        self.widget = widgets.VBox([html(render("stylesheet.html.jinja"), "btk-style"), *self._build()])
        self.widget.add_class("btk-panel").add_class(f"btk-{self.kind}")
        self._redraw()
        self._unwatch = link.budget.watch(self._notify)
        self._thread: threading.Thread | None = None
        self._is_running_inline = False
        with _open_lock:  # last of all: from here on only an interrupt can fail
            previous = _open.pop((self.kind, id(link)), None)
            _open[self.kind, id(link)] = self
        try:
            if previous is not None:
                previous.close()
                self._take_over(previous)
            self._submit(_redraw_only)  # for changes since the first drawing, and for what was taken over
        except BaseException:
            self.close()
            raise

    def _make_locks(self) -> None:
        self._wake = threading.Condition()

    # -- what a subclass defines -----------------------------------------------------------------

    @abstractmethod
    def _build(self) -> list[widgets.Widget]:
        """Make the widgets under the root."""

    @abstractmethod
    def _redraw(self) -> None:
        """Bring the widgets up to date. Called by one thread at a time."""

    def _redraw_delay(self) -> float | None:
        """Seconds until the panel looks different without any news; None for never."""
        return None

    def _before_display(self) -> None:  # noqa: B027 - most panels need nothing
        """Prepare for display, before the static picture is made."""

    def _take_over(self, previous: Panel) -> None:  # noqa: B027 - most panels need nothing
        """Take data from the closed panel that this one replaces."""

    @abstractmethod
    def _static(self) -> Markup:
        """The picture for viewers without widgets: no style sheet, no inline SVG, no script."""

    @abstractmethod
    def _text(self) -> str:
        """The panel in one line of plain text."""

    # -- public --------------------------------------------------------------------------------------

    def close(self) -> None:
        """Close the panel: its thread, its budget subscription and all widgets. May be called twice."""
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
            self._thread.join(CLOSE_TIMEOUT_S)
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

    def _submit(self, job: Callable[[], None]) -> None:
        """Queue a job for the panel's thread; run it here if there is no thread."""
        with self._wake:
            self._jobs.append(job)
            self._wake.notify_all()
        if not self._ensure_thread():
            self._run_jobs_inline()

    def _ensure_thread(self) -> bool:
        """Start the thread if needed; return whether there is one."""
        with self._wake:
            if self._thread is None and not self._is_running_inline and not self._closed:
                thread = threading.Thread(target=self._run, name=f"{self.kind} panel", daemon=True)
                with suppress(RuntimeError, MemoryError):  # too many threads, or no memory for a stack
                    thread.start()
                    self._thread = thread
            return self._thread is not None

    def _run_jobs_inline(self) -> None:
        """Run the queued jobs in this thread, unless another thread is doing so already."""
        while True:
            with self._wake:
                if self._is_running_inline or self._closed or not self._jobs:
                    return
                self._is_running_inline = True
                job = self._jobs.popleft()
            try:
                self._run_job(job)
                self._run_job(self._redraw)
            finally:
                self._is_running_inline = False

    def _notify(self) -> None:
        """Request a redraw and return at once. The budget calls this in the thread that fetches."""
        with self._wake:
            self._needs_redraw = True
            self._wake.notify_all()

    def _run(self) -> None:
        while True:
            with self._wake:
                self._wake.wait_for(self._has_work, self._redraw_delay())
                if self._closed:
                    return
                jobs = list(self._jobs)
                self._jobs.clear()
                self._needs_redraw = False
            for job in (*jobs, self._redraw):
                self._run_job(job)
            with self._wake:
                self._wake.wait_for(lambda: self._closed, REDRAW_INTERVAL_S)

    def _has_work(self) -> bool:
        return self._closed or self._needs_redraw or bool(self._jobs)

    def _until_next_second(self) -> float:
        """Seconds until just after the next full second, so that a countdown takes even steps."""
        return 1.02 - self._now() % 1

    def _run_job(self, job: Callable[[], None]) -> None:
        """Run a job; show and keep what it raises."""
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


def _redraw_only() -> None:
    """A job that does nothing: a redraw follows every job."""


def _tree(widget: widgets.Widget) -> Iterator[widgets.Widget]:
    """A widget and everything it owns: children, layouts and styles."""
    for child in getattr(widget, "children", ()):
        yield from _tree(child)
    for name in ("layout", "style"):
        if isinstance(part := getattr(widget, name, None), widgets.Widget):
            yield part
    yield widget


def html(value: str = "", *classes: str) -> widgets.HTML:
    """Make an HTML widget with CSS classes."""
    widget = widgets.HTML(value)
    for name in classes:
        widget.add_class(name)
    return widget


def update(widget: widgets.HTML, value: str) -> bool:
    """Set the HTML of a widget if it differs; return whether it did.

    An assignment resets scrolling and costs a message, so unchanged HTML is not assigned.
    """
    if widget.value == value:
        return False
    widget.value = value
    return True


def header(icon: Literal["gauge", "accounts"], title: str, subtitle: str) -> Markup:
    """The icon, title and subtitle of a panel."""
    return render("header.html.jinja", icon=icon, title=title, subtitle=subtitle)


def chips(link: Link, updated: float | None, warning: str = "", account: str = "") -> Markup:
    """Source and account of the data, clock offset, and time of the last update or a warning in its place."""
    offset = link.clock_offset("api")
    return render(
        "chips.html.jinja",
        source=link.source,
        account=account,
        clock_offset="" if offset is None else _offset(offset),
        warning=warning,
        updated="" if updated is None else clock(updated),
    )


def _offset(seconds: float) -> str:
    milliseconds = round(seconds * 1000)
    return f"{milliseconds:+,d} ms" if abs(milliseconds) < 10_000 else f"{seconds:+,.1f} s"


def banner(
    state: str, title: str, text: str, *, remaining: str = "", progress: tuple[int, int] | None = None
) -> Markup:
    """A banner.

    Args:
        state: Its colour: "idle", "busy" or "hot".
        title: The headline.
        text: The explanation.
        remaining: Time left.
        progress: Steps done and steps in total; a total of 0 means unknown.
    """
    return render(
        "banner.html.jinja",
        state=state,
        title=title,
        text=text,
        remaining=remaining,
        progress={"done": progress[0], "total": progress[1]} if progress else None,
    )


def error_banner(error: BaseException, panel: str) -> Markup:
    """A banner for an exception; it names the attribute that holds the whole of it.

    Args:
        error: What was raised.
        panel: Name of the variable to show in the text.
    """
    text = str(error) or "No message."
    if not isinstance(error, ToolkitError):
        text += f" This is a bug in the toolkit; `{panel}.error` has the details."
    elif error.partial is not None:
        text += f" Here: `{panel}.error.partial`."
    return banner("hot", type(error).__name__, text)


def static_header(link: Link, title: str, updated: float | None, account: str = "") -> Markup:
    """The first line of a static picture."""
    when = "" if updated is None else clock(updated)
    return render("static_header.html.jinja", title=title, source=link.source, account=account, updated=when)
