"""What a user sees in a real kernel: completions, errors, and the result of an interrupt."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from types import UnionType
from typing import Literal, TypeGuard, Union, get_args, get_origin, get_type_hints

import pytest

import toolkit
from tests.support.kernels import Kernel, Shown
from toolkit.endpoints import ENDPOINTS, NAMESPACES, WRITES

SYSTEMS = [namespace.system for namespace in NAMESPACES]
WITH_WRITES = [namespace.system for namespace in NAMESPACES if namespace.writes]

# The kernel is a separate program, whose libraries may emit warnings of their own.
pytestmark = pytest.mark.filterwarnings("default")

SETUP = """
import toolkit
link = toolkit.demo()
ops = link.operations()
diagnosis = link.doctor()
usage = link.usage()
snapshot = link.budget.snapshot()
estimate = link.estimate_weight("exchange.partner")
rebates = link.spot.rebates(start="-2D")
preview = ops.preview.exchange.create_sub_account(tag="x")
outcome = ops.exchange.create_sub_account(tag="x")
error = toolkit.errors.UsageError("no")
panel = toolkit.panels.weight(link)
"""


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    kernel = Kernel(tmp_path_factory.mktemp("k"))
    try:
        kernel.well(SETUP)
        yield kernel
    finally:
        kernel.stop()


def names(endpoints: object, system: str) -> set[str]:
    return {endpoint.name for endpoint in endpoints if endpoint.system == system}  # type: ignore[attr-defined]


OFFERED: dict[str, set[str]] = {
    "toolkit.": {"Link", "demo", "list_endpoints", "charts", "panels", "errors", "types"},
    "toolkit.charts.": {"balances", "candles", "depth", "funding", "rebates", "traders"},
    "toolkit.panels.": {"accounts", "weight"},
    "toolkit.errors.": {"ToolkitError", "UsageError", "ApiError"},
    "toolkit.types.": {"Outcome", "Operations"},
    "toolkit.Link.": {"from_prompt"},
    "link.": {
        *(system.partition(".")[0] for system in SYSTEMS),
        *("source", "budget", "hosts", "get", "estimate_weight", "usage", "doctor", "operations"),
    },
    "link.so": {"source"},
    "link.market.": {"spot", "futures"},
    "link.budget.": {"snapshot", "limit", "banned_until"},
    "ops.": {
        *WITH_WRITES,
        "preview",
        "history",
        "unresolved",
        "outcome",
        "reconcile",
        "resolve",
        "release_idempotency_key",
    },
    "ops.preview.": set(WITH_WRITES),
    "preview.": {"checks", "address", "body", "weight"},
    "outcome.": {"status", "reason", "frame", "require_confirmed", "reconcile", "next_step", "error"},
    "diagnosis.": {"status", "frame", "checks", "source"},
    "diagnosis.checks[0].": {"name", "status", "found", "next_step"},
    "snapshot.": {"rate_limits", "calls", "banned_until", "waiting_until"},
    "snapshot.rate_limits[0].": {"used", "limit", "used_fraction", "external"},
    "estimate.": {"requests", "weight", "rate_limit", "limit"},
    'rebates["': {"income", "asset", "time"},
    'rebates.attrs["': {"complete", "fetched_at"},
    "error.": {"partial"},
    "panel.": {"close", "widget"},
    # Arguments of calls.
    "link.spot.rebates(": {"customer_id=", "start=", "end=", "numbers="},
    "link.spot.rebates(st": {"start="},
    "link.get(": {"path=", "weight="},
    "link.operations(": {"confirm=", "profile=", "journal="},
    "ops.exchange.transfer(": {"asset=", "amount=", "from_id=", "to_id=", "idempotency_key="},
    "ops.preview.exchange.transfer(": {"asset=", "amount="},
    "outcome.reconcile(": {"wait="},
    "toolkit.Link(": {"profile=", "key=", "secret=", "numbers="},
    "toolkit.demo(": {"seed=", "latency_ms=", "numbers="},
    "toolkit.charts.rebates(": {"frame=", "by=", "asset=", "freq="},
    "toolkit.panels.weight(": {"link="},
    **{f"link.{system}.": names(ENDPOINTS, system) for system in SYSTEMS},
    **{f"ops.{system}.": names(WRITES, system) for system in WITH_WRITES},
    **{f"ops.preview.{system}.": names(WRITES, system) for system in WITH_WRITES},
}
# Only jedi completes these: IPython itself runs neither calls nor properties.
BY_JEDI = {
    "link.budget.": {"snapshot", "limit", "banned_until"},
    "link.doctor().": {"status", "frame", "checks"},
    "toolkit.demo().": {"spot", "source", "sandbox"},
    "link.operations().exchange.": names(WRITES, "exchange"),
}
# jedi completes these, too, but reads all of pandas first, which takes seconds.
FRAMES = {"usage.us": {"used"}, "rebates.inc": {"income"}}


@pytest.mark.parametrize("use_jedi", [True, False], ids=["jedi", "no jedi"])
def test_tab_completes_what_exists(kernel: Kernel, use_jedi: bool) -> None:
    kernel.well(f"%config Completer.use_jedi = {use_jedi}")
    expected = OFFERED | BY_JEDI if use_jedi else {**OFFERED, **FRAMES}
    if not use_jedi:
        del expected["link.budget."]
    missed = {code: names - set(kernel.completions(code)) for code, names in expected.items()}
    assert {code: names for code, names in missed.items() if names} == {}


def test_tab_offers_public_names_only(kernel: Kernel) -> None:
    kernel.well("%config Completer.use_jedi = True")
    kernel.well("from toolkit import charts, errors, panels\nimport toolkit.auth.keys")

    def complete(code: str) -> list[str]:
        names = {name.rpartition(".")[2] for name in kernel.completions(code)}
        return sorted(name for name in names if not name.startswith("_"))

    for name in ("charts", "errors", "panels"):
        assert complete(f"{name}.") == dir(getattr(toolkit, name))
    for name in ("auth.keys", "charts", "errors", "panels"):
        assert complete(f"toolkit.{name}.") == dir(importlib.import_module(f"toolkit.{name}"))
    assert complete("toolkit.") == sorted({*toolkit.__all__} - {"__version__"})
    assert complete("from toolkit.charts import ") == dir(toolkit.charts)


def names_a_literal(annotation: object) -> bool:
    origin = get_origin(annotation)
    if origin in (Union, UnionType):
        return any(map(names_a_literal, get_args(annotation)))
    return origin in (Literal, TypeGuard)


def test_no_property_has_an_annotation_that_breaks_completion() -> None:
    """jedi 0.20.1 fails on any object with such a property, and IPython then offers no completions."""
    bad = []
    for info in pkgutil.walk_packages(toolkit.__path__, "toolkit."):
        if info.name.rpartition(".")[2] in ("__main__", "child"):
            continue
        for cls in vars(importlib.import_module(info.name)).values():
            if not isinstance(cls, type) or cls.__module__ != info.name:
                continue
            for name, value in vars(cls).items():
                call = value.fget if isinstance(value, property) else getattr(value, "func", None)
                if call is not None and names_a_literal(get_type_hints(call).get("return")):
                    bad.append(f"{cls.__qualname__}.{name}")
    assert bad == []


# -- errors ------------------------------------------------------------------------------------------------

WRONG = """
def report(start):
    return {call}

report("nonsense")
"""


@pytest.mark.parametrize("mode", ["Context", "Verbose", "Plain", "Minimal"])
def test_a_traceback_shows_the_users_cell_and_no_frame_of_the_toolkit(kernel: Kernel, mode: str) -> None:
    kernel.well(f"%xmode {mode}")
    try:
        for call, error in {
            "link.spot.rebates(start=start)": "UsageError: spot.rebates: `start` is not a time",
            "link.spot.rebates(strat=start)": "TypeError: rebates() got an unexpected keyword argument",
            "link.spot.rebate(start=start)": "AttributeError: 'SpotReads' object has no attribute 'rebate'",
            "link.get(start)": "UsageError: A path begins with",
            "link.estimate_weight(start)": "UsageError: There is no endpoint",
            "toolkit.Link(start)": "NoKeyError: ",
            "ops.exchange.transfer(asset=start, amount=-1)": "UsageError: exchange.transfer: ",
            "ops.reconcile(start)": "UsageError: The number of a call",
            "outcome.reconcile(wiat=start)": "TypeError: reconcile() got an unexpected keyword argument",
            "toolkit.demo(sed=start)": "TypeError: demo() got an unexpected keyword argument",
        }.items():
            shown = kernel.run(WRONG.format(call=call))
            assert shown.error.startswith(error)
            assert error in shown.traceback
            if mode != "Minimal":
                assert "report" in shown.traceback
            for ours in ("guarded", "tracebacks.py", "suggestions.py", "resolving arguments", "toolkit/"):
                assert ours not in shown.traceback.replace("binance-link-toolkit/", "")
    finally:
        kernel.well("%xmode Context")


def test_a_suggestion_is_part_of_the_error_and_comes_once(kernel: Kernel) -> None:
    for code, meant in {
        "link.exchnage": "Did you mean `exchange`?",
        "link.rebates": "Did you mean `exchange.rebates`, `spot.rebates` or `futures.rebates`?",
        "link.spot.rebate": "Did you mean `rebates`?",
        "link.spot.rebates(strat='-1D')": "Did you mean `start`?",
        "link.spot.rebates(numbers='exakt')": 'Did you mean "exact"?',
    }.items():
        shown = kernel.run(code)
        assert meant in shown.error
        assert shown.traceback.count("Did you mean") == 1


# -- interrupts --------------------------------------------------------------------------------------------

WHEN = """
import sys, threading, time

def when(condition):
    def look():
        while not condition():
            time.sleep(0.01)
        print("now", flush=True)
    threading.Thread(target=look, daemon=True).start()
"""


def interrupted(kernel: Kernel, code: str, condition: str) -> Shown:
    """Run a cell and interrupt it as soon as the condition holds."""

    def interrupt(shown: Shown) -> bool:
        if "now" not in shown.text:
            return False
        kernel.interrupt()
        return True

    kernel.well(WHEN)
    shown = kernel.run(f"when(lambda: {condition})\n{code}", while_it_runs=interrupt)
    assert "guarded" not in shown.traceback
    return shown


def test_an_interrupt_says_which_rows_had_been_fetched(kernel: Kernel) -> None:
    kernel.well("slow = toolkit.demo(latency_ms=50, workers=1)")
    shown = interrupted(kernel, "slow.spot.rebates(start='-300D')", "len(slow.sandbox.exchange.log) > 5")
    rows = kernel.well("print(len(sys.last_value.partial), end='')")
    assert shown.error.startswith(f"KeyboardInterrupt: Interrupted. {int(rows):,} rows of 20")
    assert "UTC (all of them up to 20" in shown.error
    assert "`sys.last_value.partial` has them" in shown.error
    assert kernel.well("print(sys.last_value.partial.attrs['missing'][0][0][:10], end='')") in shown.error


def test_an_interrupt_before_any_row_says_so(kernel: Kernel) -> None:
    kernel.well("slow = toolkit.demo()\nslow.sandbox.exchange.faults.add('timeout', times=None)")
    shown = interrupted(kernel, "slow.exchange.partner()", "slow.budget.snapshot().rate_limits")
    assert shown.error == "KeyboardInterrupt: Interrupted. No rows had been fetched."


def test_an_interrupted_write_says_how_to_reconcile_it(kernel: Kernel) -> None:
    kernel.well(
        "slow = toolkit.demo()\n"
        "slow_ops = slow.operations()\n"
        "slow.sandbox.exchange.faults.add('timeout', method='POST', times=None)"
    )
    write = "slow_ops.exchange.create_sub_account(tag='slow')"
    shown = interrupted(kernel, write, "slow_ops.history()['sent_at'].notna().any()")
    assert "exchange.create_sub_account was interrupted; #1 is unknown" in shown.error
    assert "`ops.reconcile(1)` asks the exchange" in shown.error
    assert kernel.well("print(sys.last_value.outcome.status, end='')") == "unknown"
