"""Every public name of the toolkit, in one table: what TAB, `dir()` and `from ... import` offer a user.

Everything else in the package is internal. A name that is added, renamed or removed is added, renamed or
removed here as well. Endpoints are the exception: their names are declared, and listed in docs/endpoints.md.
"""

from __future__ import annotations

import dataclasses
import importlib
import inspect
from collections.abc import Iterator
from operator import attrgetter
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import pandas as pd
import pytest

import toolkit
from toolkit import errors, sandbox, types
from toolkit.auth.keys import find_keys
from toolkit.endpoints import ENDPOINTS, NAMESPACES, SAPI_IP, WRITES

MODULES = {
    "toolkit": """
        Link demo                     clients: of the exchange, of the sandbox
        list_endpoints                what there is to call
        analytics                     answers
        export read concat            files of frames
        charts panels                 pictures
        amounts errors types          what values, exceptions and annotations are made of
        __version__
    """,
    "toolkit.analytics": """
        earnings                      what a partner earned
        period Period                 when
        summarize compare commission  by what, against which, for which fees
        value                         ... in one currency
        balances keys                 what sub-accounts hold, what their keys may do
    """,
    "toolkit.charts": """
        balances rebates traders      of the frames of these reads
        candles depth funding         ... of a market
        income comparison holdings    ... of analytics, in one currency
        commission                    fees against rebates
    """,
    "toolkit.panels": """
        accounts weight               what sub-accounts hold, what the rate limits still allow
    """,
    "toolkit.amounts": """
        ExactDtype                    the dtype of exact columns
        exact divide read_parquet     make them, divide them, read them from a file
    """,
    "toolkit.errors": """
        ToolkitError                                          the base of all
        UsageError NoKeyError PendingWriteError InexactError  the call has to be changed; nothing was sent
        ExportError ProvenanceError                           a file cannot be written, or was changed
        ApiError                                              the exchange refused
        CredentialsError SignatureError ClockError            ... the key, the signature, the timestamp
        ParameterError NotFoundError RefusedError             ... a parameter, an id, the account's state
        RetiredError FirewallError                            ... an old endpoint, a firewall
        RateLimitError BannedError                            ... for now (429, 418)
        ServerError NoResponseError                           the exchange or the network failed
        ContractError RowOrderError IncompleteError           a response is not as documented
        RedirectError                                         ... a redirect
        NotExecutedError OutcomeUnknownError JournalError     of writes
        JournalWarning RateLimitWarning UndeclaredFieldWarning
    """,
    "toolkit.types": """
        DemoLink Operations Previews                          what has the methods
        ExchangeReads SpotReads FuturesReads PortfolioReads   ... link.exchange, link.spot ...
        AccountReads AccountSpotReads                         ... link.account, link.account.spot ...
        AccountWalletReads AccountFuturesReads
        MarketReads MarketSpotReads MarketFuturesReads        ... link.market, link.market.spot ...
        ExchangeWrites SpotWrites FuturesWrites PortfolioWrites     ... ops.exchange, ops.spot ...
        Outcome NewKey Preview PreflightCheck                 of writes
        WeightEstimate Diagnosis Check                        of estimate_weight(), of doctor()
        BudgetView Snapshot RateLimit RateLimitUsage          of link.budget
        ProcessUsage OtherCount CallRecord                    ...
        Panel WeightPanel AccountsPanel                       of toolkit.panels
        Keys Credentials                                      of toolkit.auth.keys
        When Numbers Emails Amount Host Security Clock        arguments
        ExactDecimal                                          a single exact amount
    """,
    "toolkit.auth.keys": """
        make_key_pair add_profile config_folder               set keys up
        find_keys Keys                                        find them
    """,
    "toolkit.sandbox": """
        Sandbox                                               a server on this machine
        Exchange World Faults                                 its rules, its data, its failures
        RegisteredKey                                         of a World
        LogEntry Effect IntervalCount                         what an Exchange has seen, executed and counted
        SandboxRequest SandboxResponse                        of an Exchange without a server
    """,
}

OBJECTS = {
    "link": """
        exchange spot futures portfolio account market        reads, below
        operations                                            writes, below
        get                                                   any other path
        names                                                 your own names of ids
        estimate_weight usage budget                          rate limits
        doctor clock_offset hosts source account_id           the connection, and who it belongs to
        close from_prompt
    """,
    "toolkit.demo()": "sandbox",  # and what a Link has
    "link.account": "spot wallet futures held_assets estimate_held_assets candidate_symbols",
    "link.market": "spot futures",
    "link.budget": """
        limit snapshot watch
        banned_until path local_only_reason
    """,
    "link.budget.snapshot()": """
        now rate_limits other_counts calls
        waiting_for waiting_until paused banned_until local_only_reason
    """,
    "link.budget.snapshot().rate_limits[0]": """
        rate_limit path endpoint limit seconds resets_at
        used in_flight used_fraction own external processes history own_history
    """,
    "link.budget.snapshot().rate_limits[0].processes[0]": "name pid here used in_flight",
    "link.budget.snapshot().calls[0]": "at endpoint method path status weight seconds",
    "link.estimate_weight()": "requests weight rate_limit limit minutes at_least",
    "link.doctor()": "checks frame status source examined_at",
    "link.doctor().checks[0]": "section name about status found next_step",
    "ops": """
        exchange spot futures portfolio                       writes, below
        preview                                               the same methods; nothing is sent
        history unresolved outcome journal                    what was sent
        reconcile resolve release_idempotency_key             what to do about it
    """,
    "ops.preview": "exchange spot futures portfolio",
    "outcome": """
        status reason proof next_step error                   what became of it
        require_confirmed frame take_key                      what it returned
        reconcile                                             ask the exchange
        number endpoint arguments idempotency_key             the call
        repeated source
    """,
    "outcome.take_key()": "key secret",
    "preview": """
        endpoint summary method address query body weight rate_limit source
        checks
    """,
    "preview.checks[0]": "passed text",
    "toolkit.panels.weight()": "widget error kind close",
    "toolkit.panels.accounts()": "widget error kind close refresh retry stop wait",
    "find_keys()": "origin pick unusable",
}
for group, endpoints in (("link", ENDPOINTS), ("ops", WRITES)):
    for endpoint in endpoints:
        name = f"{group}.{endpoint.system}"
        OBJECTS[name] = f"{OBJECTS.get(name, '')} {endpoint.name}"


def names_in(table: str) -> list[str]:
    """Names of a table: of each row, what stands before two spaces."""
    return sorted(name for row in table.splitlines() for name in row.strip().partition("  ")[0].split())


def public(thing: object) -> list[str]:
    of_every_tuple = dir(tuple) if isinstance(thing, tuple) else []
    return sorted(name for name in dir(thing) if not name.startswith("_") and name not in of_every_tuple)


@pytest.fixture(scope="module")
def objects() -> Iterator[dict[str, object]]:
    with toolkit.demo(seed=7) as link:
        ops = link.operations()
        account = link.exchange.sub_accounts()["sub_account_id"][0]
        outcome = ops.exchange.create_api_key(account, can_trade=True)
        preview = ops.preview.exchange.create_sub_account(tag="one")
        panels = [toolkit.panels.weight(link), toolkit.panels.accounts(link)]
        snapshot, diagnosis = link.budget.snapshot(), link.doctor()
        keys = find_keys(key="k" * 64, secret="s" * 64)
        yield {
            "link": toolkit.Link(keys=keys),
            "toolkit.demo()": link,
            "link.budget": link.budget,
            "link.budget.snapshot()": snapshot,
            "link.budget.snapshot().rate_limits[0]": snapshot.rate_limits[0],
            "link.budget.snapshot().rate_limits[0].processes[0]": snapshot.rate_limits[0].processes[0],
            "link.budget.snapshot().calls[0]": snapshot.calls[0],
            "link.estimate_weight()": link.estimate_weight("exchange.partner"),
            "link.doctor()": diagnosis,
            "link.doctor().checks[0]": diagnosis.checks[0],
            "ops": ops,
            "ops.preview": ops.preview,
            "outcome": outcome,
            "outcome.take_key()": outcome.take_key(),
            "preview": preview,
            "preview.checks[0]": preview.checks[0],
            "toolkit.panels.weight()": panels[0],
            "toolkit.panels.accounts()": panels[1],
            "find_keys()": keys,
            "link.account": link.account,
            "link.market": link.market,
            **{f"link.{each.system}": attrgetter(each.system)(link) for each in NAMESPACES if each.reads},
            **{f"ops.{each.system}": getattr(ops, each.system) for each in NAMESPACES if each.writes},
        }
        for panel in panels:
            panel.close()


@pytest.mark.parametrize("name", MODULES)
def test_a_module_offers_the_names_of_the_table_and_no_others(name: str) -> None:
    module = importlib.import_module(name)
    assert sorted(module.__all__) == names_in(MODULES[name])
    assert dir(module) == sorted(module.__all__)
    assert all(hasattr(module, each) for each in module.__all__)


def test_an_object_offers_the_names_of_the_table_and_no_others(objects: dict[str, object]) -> None:
    assert objects.keys() == OBJECTS.keys()
    table = {name: names_in(row) for name, row in OBJECTS.items()}
    table["toolkit.demo()"] = sorted([*table["toolkit.demo()"], *table["link"]])
    assert {name: public(each) for name, each in objects.items()} == table


def test_a_preview_has_the_methods_of_the_operations(objects: dict[str, object]) -> None:
    ops, preview = objects["ops"], objects["ops.preview"]
    for system in names_in(OBJECTS["ops.preview"]):
        assert public(getattr(preview, system)) == public(getattr(ops, system))


def test_every_error_and_warning_is_one() -> None:
    for name in dir(errors):
        assert issubclass(getattr(errors, name), toolkit.errors.ToolkitError | UserWarning), name


# -- types for annotations -------------------------------------------------------------------------------


def classes_in(annotation: object) -> Iterator[type]:
    """Classes of the toolkit that an annotation names."""
    if get_origin(annotation) in (Union, UnionType) or get_args(annotation):
        for each in (get_origin(annotation), *get_args(annotation)):
            yield from classes_in(each)
    elif isinstance(annotation, type) and annotation.__module__.startswith("toolkit"):
        yield annotation


def results_of(thing: object, names: dict[str, Any]) -> Iterator[tuple[str, object]]:
    """What a function, or each public attribute, property and method of a class, is annotated to give."""
    if dataclasses.is_dataclass(thing):
        yield from get_type_hints(thing, localns=names).items()
    members = inspect.getmembers_static(thing) if isinstance(thing, type) else [("()", thing)]
    for name, value in members:
        call = value.fget if isinstance(value, property) else getattr(value, "__func__", value)
        if not name.startswith("_") and inspect.isfunction(call) and call.__module__.startswith("toolkit"):
            call = inspect.unwrap(call)
            yield name, eval(call.__annotations__["return"], names | call.__globals__)


def test_every_class_a_user_gets_can_be_imported_for_annotations() -> None:
    modules = map(importlib.import_module, MODULES)
    exported = {name: getattr(module, name) for module in modules for name in module.__all__}
    # Some annotations name what is imported for type checkers alone.
    names = {**exported, "pd": pd}
    missing = {
        f"{where}.{name} -> {result.__name__}"
        for where, thing in exported.items()
        if where not in sandbox.__all__
        for name, hint in results_of(thing, names)
        for result in classes_in(hint)
        if result not in exported.values()
    }
    assert missing == set()


def test_types_are_imported_on_first_use_alone() -> None:
    assert "types" in dir(toolkit)
    assert types is toolkit.types


# -- what a user can do with the budget ------------------------------------------------------------------


def test_a_link_shows_its_budget_and_does_not_let_it_be_changed(objects: dict[str, object]) -> None:
    link = objects["toolkit.demo()"]
    assert isinstance(link, toolkit.Link)
    budget = link._connection.budget
    assert {"admit", "ban", "release", "back_off", "set_limits", "record_response"} <= set(public(budget))
    hidden = set(public(budget)) - set(public(link.budget))
    assert not [name for name in hidden if hasattr(link.budget, name)]
    assert link.budget.limit(SAPI_IP) == budget.limit(SAPI_IP)
