"""Objects bound to a process cannot be pickled or copied, and the error says what to do instead."""

from __future__ import annotations

import copy
import operator
import pickle
from collections.abc import Callable, Iterator
from multiprocessing.reduction import ForkingPickler

import pytest

import toolkit
from toolkit.panels import base


@pytest.fixture(scope="module")
def link() -> Iterator[toolkit.Link]:
    with toolkit.demo() as link:
        yield link


BOUND = [
    *("", "exchange", "spot", "futures", "portfolio", "spot.rebates", "exchange.deposits", "get", "doctor"),
    "usage",
]
OF_OPERATIONS = ["", "exchange", "preview", "preview.futures", "exchange.transfer", "reconcile", "history"]


@pytest.mark.parametrize("send", [pickle.dumps, copy.deepcopy])
@pytest.mark.parametrize("path", [*BOUND, *(f"operations {path}" for path in OF_OPERATIONS)])
def test_a_link_its_resources_and_methods_cannot_be_pickled_or_copied(
    link: toolkit.Link, path: str, send: Callable[[object], object]
) -> None:
    whole: object = link
    if path.startswith("operations"):
        whole, path = link.operations(), path.removeprefix("operations ")
    with pytest.raises(TypeError, match="cannot be pickled or copied") as caught:
        send(operator.attrgetter(path)(whole) if path else whole)
    assert 'Make a Link in each process, `toolkit.Link("reporting")`' in str(caught.value)
    assert "one budget" in str(caught.value)


def test_shallow_copies_are_refused_too(link: toolkit.Link) -> None:
    for each in (link, link.spot, link.operations(), link.budget, link.operations().exchange):
        with pytest.raises(TypeError, match="pickled or copied"):
            copy.copy(each)


def test_budget_sandbox_and_panel_cannot_be_pickled(link: toolkit.Link) -> None:
    with pytest.raises(TypeError, match=r"a budget .* pickled or copied: make a Link in each process"):
        pickle.dumps(link.budget)
    with pytest.raises(TypeError, match=r"a sandbox .* pickled or copied: .* at its `address`"):
        pickle.dumps(link.sandbox)
    panel = toolkit.panels.weight(link)
    try:
        with pytest.raises(TypeError, match="pickled or copied"):
            pickle.dumps(panel)
    finally:
        for each in list(base._open.values()):
            each.close()


def test_multiprocessing_fails_before_a_process_starts(link: toolkit.Link) -> None:
    """multiprocessing pickles its arguments, and the bound method to run, with ForkingPickler."""
    with pytest.raises(TypeError, match="Make a Link in each process"):
        ForkingPickler.dumps((link.spot.rebates, (), {"start": "-1D"}))


def test_results_can_be_pickled(link: toolkit.Link) -> None:
    rebates = link.spot.rebates(start="-1D")
    for each in (rebates, link.usage(), link.estimate_weight("exchange.partner"), link.budget.snapshot()):
        again = pickle.loads(pickle.dumps(each))
        assert type(again) is type(each)
    again = pickle.loads(pickle.dumps(rebates))
    assert again.equals(rebates)
    assert again.attrs == rebates.attrs
