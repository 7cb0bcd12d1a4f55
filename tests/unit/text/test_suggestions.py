"""Misspelt names, arguments and words are answered with what was probably meant."""

from __future__ import annotations

import copy
import inspect
import operator
import pickle
import traceback
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import toolkit
from tests.support.sandbox_env import SandboxEnv
from toolkit import errors
from toolkit.api.writes.operations import Operations
from toolkit.client import Link
from toolkit.endpoints import ENDPOINTS, WRITES, Endpoint
from toolkit.text.suggestions import Suggests, closest, did_you_mean, suggests_arguments


@pytest.fixture(scope="module")
def things() -> Iterator[dict[str, Any]]:
    env = SandboxEnv()
    ops = env.link.operations()
    yield {
        "env": env,
        "link": env.link,
        "ops": ops,
        "outcome": ops.exchange.create_sub_account(),
        "preview": ops.preview.exchange.create_sub_account(),
        "diagnosis": env.link.doctor(),
        "price": env.link.estimate_weight("exchange.partner"),
        "toolkit": toolkit,
    }
    env.close()


@pytest.mark.parametrize(
    ("path", "meant"),
    [
        ("link.exchnage", "Did you mean `exchange`?"),
        ("link.uasge", "Did you mean `usage`?"),
        ("link.rebates", "Did you mean `exchange.rebates`, `spot.rebates` or `futures.rebates`?"),
        ("link.sub_account", "Did you mean `exchange.sub_accounts`?"),
        ("link.spot.rebate", "Did you mean `rebates`?"),
        ("link.exchange.subAccounts", "Did you mean `sub_accounts`?"),
        ("link.exchange.transfer", "or `link.operations().exchange.transfer` (it changes something)?"),
        (
            "link.exchange.create_api_key",
            "`link.operations().exchange.create_api_key` (it changes something)?",
        ),
        ("link.portfolio.nothing_like_it", "It has customer_id, new_user."),
        ("ops.exchange.transfr", "Did you mean `transfer`"),
        ("ops.histroy", "Did you mean `history`?"),
        ("ops.preview.exchnage", "Did you mean `exchange`?"),
        ("ops.preview.exchange.transfr", "Did you mean `transfer`"),
        ("outcome.statsu", "Did you mean `status`?"),
        ("preview.chekcs", "Did you mean `checks`?"),
        ("diagnosis.frmae", "Did you mean `frame`?"),
        ("price.wieght", "Did you mean `weight`?"),
        ("toolkit.chart", "Did you mean `charts`?"),
        ("toolkit.Lnik", "Did you mean `Link`?"),
        ("toolkit.errors.UsageEror", "Did you mean `UsageError`?"),
        ("toolkit.charts.rebate", "Did you mean `rebates`?"),
        ("toolkit.panels.wieght", "Did you mean `weight`?"),
        ("toolkit.amounts.devide", "Did you mean `divide`?"),
    ],
)
def test_a_misspelt_name_is_answered_with_the_one_that_was_meant(
    things: dict[str, Any], path: str, meant: str
) -> None:
    before = len(things["env"].exchange.log)
    owner, _, name = path.rpartition(".")
    owner = operator.attrgetter(owner)(_Things(things)) if owner else things
    with pytest.raises(AttributeError) as caught:
        getattr(owner, name)
    assert str(caught.value).startswith(("'", "module 'toolkit"))
    assert f"has no attribute '{name}'." in str(caught.value)
    assert str(caught.value).endswith(meant) or meant in str(caught.value)
    assert len(traceback.extract_tb(caught.value.__traceback__)) == 1, "the user's own line alone"
    # Python adds a suggestion of its own to what it prints, where it can.
    assert "".join(traceback.format_exception(caught.value)).count("Did you mean") <= 1
    assert len(things["env"].exchange.log) == before


class _Things:
    def __init__(self, things: dict[str, Any]) -> None:
        self.__dict__.update(things)


@pytest.mark.parametrize("name", ["link", "ops", "outcome", "preview", "diagnosis", "price"])
def test_whoever_asks_whether_there_is_a_name_gets_an_honest_no(things: dict[str, Any], name: str) -> None:
    thing = things[name]
    for probe in (
        "nothing",
        "_repr_png_",
        "_ipython_display_",
        "__array__",
        "_ipython_canary_method_",
        "__len__",
    ):
        assert not hasattr(thing, probe)
        assert getattr(thing, probe, "default") == "default"
        with pytest.raises(AttributeError, match=probe):
            getattr(thing, probe)
    # What would run anything behind a name is not completed by IPython; so no class says that it does.
    assert getattr(type(thing), "__getattr__", None) is None


def test_what_can_be_copied_still_can(things: dict[str, Any]) -> None:
    for name in ("preview", "price", "diagnosis"):
        for again in (
            copy.copy(things[name]),
            copy.deepcopy(things[name]),
            pickle.loads(pickle.dumps(things[name])),
        ):
            assert type(again) is type(things[name])
            assert repr(again) == repr(things[name])


def test_the_error_of_a_property_is_not_taken_for_a_missing_name() -> None:
    class Odd(Suggests):
        @property
        def broken(self) -> int:
            return self.nothing_here  # type: ignore[attr-defined, no-any-return]

    with pytest.raises(AttributeError, match="'nothing_here'"):
        Odd().broken  # noqa: B018


# -- arguments -----------------------------------------------------------------------------------------------


def misspelt(name: str) -> str:
    """Two letters the wrong way round, or one left out."""
    return name[0] + name[2] + name[1] + name[3:] if len(name) > 3 and name[1] != name[2] else name[:-1]


def first_argument(endpoint_name: Callable[..., object]) -> str:
    return next(name for name in inspect.signature(endpoint_name).parameters if len(name) > 3)


@pytest.mark.parametrize("endpoint", [*ENDPOINTS, *WRITES], ids=lambda endpoint: endpoint.qualified_name)
def test_every_endpoint_says_which_argument_was_meant(things: dict[str, Any], endpoint: Endpoint) -> None:
    before = len(things["env"].exchange.log)
    is_write = endpoint in WRITES
    for owner in (things["ops"], things["ops"].preview) if is_write else (things["link"],):
        endpoint_name = operator.attrgetter(endpoint.qualified_name)(owner)
        name = first_argument(endpoint_name)
        with pytest.raises(TypeError) as caught:
            endpoint_name(**{misspelt(name): 1})
        said = str(caught.value)
        assert said.startswith(f"{endpoint.name}() got an unexpected keyword argument {misspelt(name)!r}.")
        assert f"`{name}`" in said.partition("Did you mean")[2].partition("?")[0]
        assert said.endswith("Nothing was sent.")
        assert len(traceback.extract_tb(caught.value.__traceback__)) == 1
    assert len(things["env"].exchange.log) == before


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda link, ops: toolkit.Link(profil="desk"), "Did you mean `profile`"),
        (lambda link, ops: toolkit.demo(sed=7), "Did you mean `seed`?"),
        (lambda link, ops: link.operations(conform="live"), "Did you mean `confirm`?"),
        (lambda link, ops: link.estimate_weight(endpont="x"), "Did you mean `endpoint`?"),
        (lambda link, ops: link.spot.rebates(startTime=1), "Did you mean `start`?"),
        (lambda link, ops: link.spot.customers(customerId="1"), "Did you mean `customer_id`?"),
        (
            lambda link, ops: link.spot.rebates("-30D"),
            r"rebates\(\) takes no arguments in order; .* `start=`",
        ),
        (lambda link, ops: link.spot.new_user(), r"new_user\(\) missing 1 required .*'agent_code'\. Nothing"),
        (lambda link, ops: ops.reconcile(nubmer=1), "Did you mean `number`?"),
        (lambda link, ops: ops.resolve(1, exectued=True), "Did you mean `executed`?"),
        (lambda link, ops: toolkit.list_endpoints(sytem="spot"), r"endpoints\(\) got .*'sytem'"),
        (lambda link, ops: toolkit.charts.rebates(None, asse="BNB"), "Did you mean `asset`?"),
        (lambda link, ops: toolkit.charts.balances(None, tpo=3), "Did you mean `top`?"),
        (lambda link, ops: toolkit.panels.accounts(link, ftech=False), "Did you mean `fetch`?"),
    ],
)
def test_so_does_every_other_call(
    things: dict[str, Any], call: Callable[[Link, Operations], object], said: str
) -> None:
    with pytest.raises(TypeError, match=said) as caught:
        call(things["link"], things["ops"])
    assert len(traceback.extract_tb(caught.value.__traceback__)) == 2, "this test and its lambda"


def test_an_error_from_within_a_call_stays_what_it_is() -> None:
    @suggests_arguments
    def call(number: int) -> int:
        return other(number)

    def other(number: int) -> int:
        return number + other(wrong=number)  # type: ignore[call-arg]

    with pytest.raises(TypeError, match=r"other\(\) got an unexpected keyword argument 'wrong'") as caught:
        call(1)
    assert [frame.name for frame in traceback.extract_tb(caught.value.__traceback__)][1:] == ["call", "other"]


def test_what_a_user_adds_to_a_link_shows_all_its_frames(things: dict[str, Any]) -> None:
    class Reports(toolkit.Link):
        def report(self) -> object:
            return self.spot.rebates(start="nonsense")

    reports = Reports(key="k" * 64, secret="s" * 64)
    with pytest.raises(errors.UsageError) as caught:
        reports.report()
    assert [frame.name for frame in traceback.extract_tb(caught.value.__traceback__)][1:] == ["report"]
    with pytest.raises(
        AttributeError, match=r"'Reports' object has no attribute 'reprot'\. Did you mean `report`"
    ):
        reports.reprot  # type: ignore[attr-defined]  # noqa: B018


# -- words ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda link: link.spot.rebates(numbers="exakt"), 'Did you mean "exact"?'),
        (lambda link: link.spot.customers(emails="cleer"), 'Did you mean "clear"?'),
        (lambda link: link.futures.volumes(market="umm"), 'Did you mean "um"?'),
        (lambda link: link.estimate_weight("spot.rebaets"), 'Did you mean "spot.rebates"'),
        (lambda link: link.clock_offset("fap"), 'Did you mean "fapi"'),
        (lambda link: toolkit.charts.rebates(link.spot.rebates(start="-1D"), by="symbl"), '"symbol"?'),
        (lambda link: link.operations(parameters="qeury"), 'Did you mean "query"?'),
        (
            lambda link: link.operations().exchange.universal_transfer(
                from_wallet="spto", to_wallet="um", asset="USDT", amount="1", to_id="1"
            ),
            'Did you mean "spot"?',
        ),
    ],
)
def test_a_misspelt_word_is_answered_with_the_one_that_was_meant(
    things: dict[str, Any], call: Callable[[Link], object], said: str
) -> None:
    with pytest.raises(errors.UsageError) as caught:
        call(things["link"])
    assert said in str(caught.value)


def test_a_misspelt_profile_is_answered_with_the_one_that_was_meant(
    env: SandboxEnv, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOOLKIT_CONFIG", str(tmp_path / "config"))
    toolkit.auth.keys.add_profile("desk", key=env.sandbox.key, secret=env.sandbox.secret)
    with pytest.raises(errors.NoKeyError, match=r'Did you mean "desk"\?'):
        toolkit.Link("dekc")


@pytest.mark.parametrize("word", [None, 1, b"exact", "", "x" * 100_000, "zzz", float("nan"), ["exact"]])
def test_what_is_like_no_word_gets_no_suggestion(word: object) -> None:
    assert closest(word, ("float", "exact")) == []
    assert did_you_mean(word, ("float", "exact")) == ""


def test_spelling_counts_and_neither_case_nor_underscores() -> None:
    assert closest("subAccountID", ("sub_account_id", "sub_accounts", "email")) == [
        "sub_account_id",
        "sub_accounts",
    ]
    assert closest("incme", [1, ("a", "b"), None, "income"]) == ["income"], "columns may be anything"
    assert did_you_mean("sub_account", ("sub_account_id", "sub_accounts")).endswith(
        'Did you mean "sub_accounts" or "sub_account_id"?'
    )
