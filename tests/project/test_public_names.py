"""What a user sees of a module or an object by TAB and `dir()`: what is for users, and nothing else."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from types import ModuleType

import pytest

import toolkit
from toolkit.demo import DemoLink
from toolkit.endpoints import SAPI_IP


def public_modules() -> list[ModuleType]:
    """`toolkit`, and every module directly in it that says what it offers."""
    found = [
        importlib.import_module(f"toolkit.{each.name}") for each in pkgutil.iter_modules(toolkit.__path__)
    ]
    return [toolkit, *(module for module in found if hasattr(module, "__all__"))]


@pytest.mark.parametrize("module", public_modules(), ids=lambda module: module.__name__)
def test_a_module_lists_what_it_offers_and_nothing_else(module: ModuleType) -> None:
    assert dir(module) == sorted(module.__all__)
    assert all(hasattr(module, name) for name in module.__all__)
    assert [name for name in module.__all__ if name.startswith("_")] == ["__version__"] * (module is toolkit)


def test_those_a_user_meets_say_what_they_offer() -> None:
    met = {"toolkit", *(f"toolkit.{name}" for name in ("charts", "errors", "keys", "operations", "panels"))}
    assert met <= {module.__name__ for module in public_modules()}
    assert dir(toolkit.charts) == ["balances", "rebates", "traders"]
    assert dir(toolkit.panels) == ["accounts", "weight"]
    assert all(isinstance(getattr(toolkit.errors, name), type) for name in dir(toolkit.errors))


@pytest.fixture(scope="module")
def link() -> Iterator[DemoLink]:
    with toolkit.demo(seed=7) as link:
        yield link


def test_objects_a_user_meets_list_what_is_for_users(link: DemoLink) -> None:
    shown = {
        "budget": [name for name in dir(link.budget) if not name.startswith("_")],
        "spot": [name for name in dir(link.spot) if not name.startswith("_")],
    }
    assert shown == {
        "budget": ["local_only_reason", "banned_until", "ledger", "limit", "snapshot", "watch"],
        "spot": ["customer_id", "customers", "kickbacks", "new_user", "rebates"],
    }
    assert all(hasattr(link.budget, name) for name in shown["budget"])


def test_nothing_that_a_user_sees_of_the_budget_changes_it(link: DemoLink) -> None:
    budget = link._connection.budget
    own = {name for name in dir(type(budget)) if not name.startswith("_")}
    assert {"admit", "ban", "learn", "pause", "release", "set_limits", "settle"} <= own
    public = [name for name in dir(link.budget) if not name.startswith("_")]
    assert public == ["local_only_reason", "banned_until", "ledger", "limit", "snapshot", "watch"]
    assert not [name for name in own - set(public) if hasattr(link.budget, name)]
    assert link.budget.limit(SAPI_IP) == budget.limit(SAPI_IP)
