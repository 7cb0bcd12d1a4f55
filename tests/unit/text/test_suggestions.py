"""Misspelt names, arguments and values get a suggestion."""

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
def objects() -> Iterator[dict[str, Any]]:
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
        ("link.sub_account", "or `exchange.sub_accounts`?"),
        ("link.spot.rebate", "Did you mean `rebates`?"),
        ("link.exchange.subAccounts", "Did you mean `sub_accounts`?"),
        ("link.exchange.transfer", "or `link.operations().exchange.transfer` (it changes something)?"),
        (
            "link.exchange.create_api_key",
            "`link.operations().exchange.create_api_key` (it changes something)?",
        ),
        ("link.spot.klines", "Did you mean `link.market.spot.klines` or `link.market.futures.klines`?"),
        ("link.market.spot.funding_rates", "Did you mean `link.market.futures.funding_rates`?"),
        ("link.portfolio.nothing_like_it", "It has cm_income, customer_id, new_user, um_income."),
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
def test_a_misspelt_name_gets_a_suggestion(objects: dict[str, Any], path: str, meant: str) -> None:
    before = len(objects["env"].exchange.log)
    owner, _, name = path.rpartition(".")
    owner = operator.attrgetter(owner)(_Objects(objects)) if owner else objects
    with pytest.raises(AttributeError) as caught:
        getattr(owner, name)
    assert str(caught.value).startswith(("'", "module 'toolkit"))
    assert f"has no attribute '{name}'." in str(caught.value)
    assert str(caught.value).endswith(meant) or meant in str(caught.value)
    assert len(traceback.extract_tb(caught.value.__traceback__)) == 1, "the user's own line alone"
    # Python may add a suggestion of its own when it prints the error.
    assert "".join(traceback.format_exception(caught.value)).count("Did you mean") <= 1
    assert len(objects["env"].exchange.log) == before


class _Objects:
    def __init__(self, objects: dict[str, Any]) -> None:
        self.__dict__.update(objects)


@pytest.mark.parametrize("name", ["link", "ops", "outcome", "preview", "diagnosis", "price"])
def test_hasattr_is_false_for_an_unknown_name(objects: dict[str, Any], name: str) -> None:
    thing = objects[name]
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
    # IPython completes nothing on classes with a `__getattr__`, which could run any code.
    assert getattr(type(thing), "__getattr__", None) is None


def test_objects_can_still_be_copied(objects: dict[str, Any]) -> None:
    for name in ("preview", "price", "diagnosis"):
        for again in (
            copy.copy(objects[name]),
            copy.deepcopy(objects[name]),
            pickle.loads(pickle.dumps(objects[name])),
        ):
            assert type(again) is type(objects[name])
            assert repr(again) == repr(objects[name])


def test_an_attribute_error_within_a_property_is_kept() -> None:
    class Broken(Suggests):
        @property
        def broken(self) -> int:
            return self.nothing_here  # type: ignore[attr-defined, no-any-return]

    with pytest.raises(AttributeError, match="'nothing_here'"):
        Broken().broken  # noqa: B018


# -- arguments -----------------------------------------------------------------------------------------------


def misspell(name: str) -> str:
    """Swap two letters, or omit one."""
    return name[0] + name[2] + name[1] + name[3:] if len(name) > 3 and name[1] != name[2] else name[:-1]


def first_argument(endpoint_name: Callable[..., object]) -> str:
    return next(name for name in inspect.signature(endpoint_name).parameters if len(name) > 3)


@pytest.mark.parametrize("endpoint", [*ENDPOINTS, *WRITES], ids=lambda endpoint: endpoint.qualified_name)
def test_every_endpoint_suggests_an_argument(objects: dict[str, Any], endpoint: Endpoint) -> None:
    before = len(objects["env"].exchange.log)
    is_write = endpoint in WRITES
    for owner in (objects["ops"], objects["ops"].preview) if is_write else (objects["link"],):
        endpoint_name = operator.attrgetter(endpoint.qualified_name)(owner)
        name = first_argument(endpoint_name)
        with pytest.raises(TypeError) as caught:
            endpoint_name(**{misspell(name): 1})
        said = str(caught.value)
        assert said.startswith(f"{endpoint.name}() got an unexpected keyword argument {misspell(name)!r}.")
        assert f"`{name}`" in said.partition("Did you mean")[2].partition("?")[0]
        assert said.endswith("Nothing was sent.")
        assert len(traceback.extract_tb(caught.value.__traceback__)) == 1
    assert len(objects["env"].exchange.log) == before


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda link, ops: toolkit.Link(profil="desk"), "Did you mean `profile`"),
        (lambda link, ops: toolkit.demo(sed=7), "Did you mean `seed`?"),
        (lambda link, ops: link.operations(conform="live"), "Did you mean `confirm`?"),
        (lambda link, ops: link.spot.rebates(startTime=1), "Did you mean `start`?"),
        (lambda link, ops: link.spot.customers(customerId="1"), "Did you mean `customer_id`?"),
        (
            lambda link, ops: link.spot.rebates("-30D"),
            r"rebates\(\) takes no positional arguments; .* `start=`",
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
def test_every_other_call_suggests_an_argument(
    objects: dict[str, Any], call: Callable[[Link, Operations], object], said: str
) -> None:
    with pytest.raises(TypeError, match=said) as caught:
        call(objects["link"], objects["ops"])
    assert len(traceback.extract_tb(caught.value.__traceback__)) == 2, "this test and its lambda"


def test_a_type_error_within_a_call_is_kept() -> None:
    @suggests_arguments
    def call(number: int) -> int:
        return other(number)

    def other(number: int) -> int:
        return number + other(wrong=number)  # type: ignore[call-arg]

    with pytest.raises(TypeError, match=r"other\(\) got an unexpected keyword argument 'wrong'") as caught:
        call(1)
    assert [frame.name for frame in traceback.extract_tb(caught.value.__traceback__)][1:] == ["call", "other"]


def test_methods_of_a_users_subclass_keep_their_frames(objects: dict[str, Any]) -> None:
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


# -- values
# ---------------------------------------------------------------------------------------------------


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
def test_a_misspelt_value_gets_a_suggestion(
    objects: dict[str, Any], call: Callable[[Link], object], said: str
) -> None:
    with pytest.raises(errors.UsageError) as caught:
        call(objects["link"])
    assert said in str(caught.value)


def test_a_misspelt_profile_gets_a_suggestion(
    env: SandboxEnv, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOOLKIT_CONFIG", str(tmp_path / "config"))
    toolkit.auth.keys.add_profile("desk", key=env.sandbox.key, secret=env.sandbox.secret)
    with pytest.raises(errors.NoKeyError, match=r'Did you mean "desk"\?'):
        toolkit.Link("dekc")


@pytest.mark.parametrize("word", [None, 1, b"exact", "", "x" * 100_000, "zzz", float("nan"), ["exact"]])
def test_an_unrelated_word_gets_no_suggestion(word: object) -> None:
    assert closest(word, ("float", "exact")) == []
    assert did_you_mean(word, ("float", "exact")) == ""


def test_case_and_underscores_do_not_count() -> None:
    assert closest("subAccountID", ("sub_account_id", "sub_accounts", "email")) == [
        "sub_account_id",
        "sub_accounts",
    ]
    assert closest("incme", [1, ("a", "b"), None, "income"]) == ["income"], "columns may be anything"
    assert did_you_mean("sub_account", ("sub_account_id", "sub_accounts")).endswith(
        'Did you mean "sub_accounts" or "sub_account_id"?'
    )
