"""Panels in a process that cannot start threads: they open, fetch and close all the same."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator

import pytest

import toolkit
from tests.support.panels import panel_threads, seen
from toolkit import panels
from toolkit.auth.keys import system_keyring
from toolkit.demo import DemoLink
from toolkit.panels import base


@pytest.fixture(scope="module")
def link() -> Iterator[DemoLink]:
    with toolkit.demo(seed=7) as demo:
        demo.exchange.partner()  # so that clock and limits are known
        yield demo


@pytest.fixture(params=[RuntimeError, MemoryError], ids=lambda kind: kind.__name__)
def refused(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """No thread can be started. The names of those that were tried are recorded."""
    wanted: list[str] = []

    def refuse(self: threading.Thread) -> None:
        wanted.append(self.name)
        raise request.param("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    return wanted


@pytest.mark.parametrize("kind", ["weight", "accounts"])
def test_a_panel_opens_and_closes_without_threads(link: DemoLink, refused: list[str], kind: str) -> None:
    panel = panels.weight(link) if kind == "weight" else panels.accounts(link)
    assert refused
    assert panel.error is None
    assert "text/html" in panel._repr_mimebundle_()
    panel.close()
    assert base._open == {}


def test_accounts_are_fetched_in_the_calling_thread(link: DemoLink, refused: list[str]) -> None:
    with panels.accounts(link) as panel:
        panel.refresh()
        assert panel.wait(0.0)
        assert panel.error is None
        assert "Refresh" in seen(panel)
        assert "sub-accounts" in repr(panel)
        assert "nothing fetched" not in repr(panel)
    assert "accounts panel's fetch" in refused


def test_the_panel_starts_its_thread_once_it_can(
    link: DemoLink, refused: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with panels.accounts(link) as panel:
        monkeypatch.undo()
        panel.refresh()
        assert len(panel_threads("accounts panel")) >= 1
        panel.stop()
        assert panel.wait(60.0)


def test_a_fetch_runs_inline_if_only_its_thread_cannot_start(
    link: DemoLink, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = threading.Thread.start

    def refuse(self: threading.Thread) -> None:
        if self.name == "accounts panel's fetch":
            raise RuntimeError("can't start new thread")
        start(self)

    monkeypatch.setattr(threading.Thread, "start", refuse)
    with panels.accounts(link) as panel:
        panel.refresh()
        assert panel.wait(60.0)
        assert panel.error is None
        assert "nothing fetched" not in repr(panel)


def test_an_interrupt_stops_an_inline_fetch(
    link: DemoLink, refused: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with panels.accounts(link) as panel:
        monkeypatch.setattr(panel, "_raise_if_stopped", lambda: signal.raise_signal(signal.SIGINT))
        with pytest.raises(KeyboardInterrupt):
            panel.refresh()
        monkeypatch.undo()
        assert panel.wait(60.0)
        assert not panel._fetching


def test_a_panel_interrupted_while_opening_is_closed(link: DemoLink, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(self: threading.Thread) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(threading.Thread, "start", interrupted)
    watchers = len(link._connection.budget._watchers)
    with pytest.raises(KeyboardInterrupt):
        panels.weight(link)
    assert base._open == {}
    assert len(link._connection.budget._watchers) == watchers


def test_an_interrupt_of_an_inline_keyring_call_is_raised(refused: list[str]) -> None:
    def ask(keyring: object) -> str:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        system_keyring._call_keyring(ask, "{}")
