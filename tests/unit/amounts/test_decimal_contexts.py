"""The toolkit's numbers do not depend on the decimal context, whatever other libraries set."""

from __future__ import annotations

import decimal
import re
import runpy
from decimal import Decimal
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import pandas as pd
import pytest

import toolkit
from tests.support.decimal_contexts import HOSTILE, hostile
from tests.support.sandbox_env import SandboxEnv
from toolkit.amounts import divide
from toolkit.auth.signing import to_text
from toolkit.display import formatting
from toolkit.endpoints import RATE_LIMITS
from toolkit.frames.infer import infer
from toolkit.panels.accounts_panel import holdings, model, view
from toolkit.runtime import decimals
from toolkit.runtime.decimals import CONTEXT, in_own_context, to_decimal
from toolkit.sandbox.world import World
from toolkit.transport.strict_json import InvalidJSON, loads

NOW = 1_767_225_600.0
each_context = pytest.mark.parametrize("name", HOSTILE)
# One that rounds silently and one that raises: they cover what any other would show.
either_extreme = pytest.mark.parametrize("name", ["everything at once", "every trap"])


def as_text(frame: pd.DataFrame) -> str:
    """A frame as text, with all digits of floats and decimals."""
    return frame.astype(str).to_csv()


def everything() -> list[str]:
    """The results of reads, sums, charts, panels and writes, in a sandbox of their own."""
    env = SandboxEnv(world=World(seed=7, now=NOW, sub_accounts=24, customers=30))
    try:
        return [*read_results(env, "float"), *read_results(env, "exact"), *write_results(env)]
    finally:
        plt.close("all")
        env.close()


def read_results(env: SandboxEnv, numbers: Any) -> list[str]:
    link = env.new_link(numbers=numbers)
    frames = {
        "spot": link.exchange.spot_balances(),
        "margin": link.exchange.margin_balances(),
        "um": link.exchange.futures_balances(market="um"),
        "cm": link.exchange.futures_balances(market="cm"),
    }
    income, rebates = link.futures.income(start="-3D"), link.spot.rebates(start="-1D")
    all_frames = [
        *frames.values(),
        income,
        rebates,
        link.futures.overview(),
        link.get("/sapi/v1/broker/info"),
    ]
    lines = [as_text(frame) for frame in all_frames]
    lines.append(as_text(income.groupby(["asset", "income_type"])["income"].sum().to_frame()))
    people = holdings.arrange(holdings.holdings(frames), "btc")
    lines.append(view.static_table(people, frames))
    at = model.FetchState(
        remaining=(),
        rows=0,
        accounts=len(people),
        requests=0,
        cost=model.refresh_cost(link, len(people)),
        is_fetching=False,
    )
    lines.append(view.tiles(frames, people, at))
    for axes in (toolkit.charts.rebates(rebates), toolkit.charts.balances(frames["spot"])):
        lines.append(repr([(bar.get_width(), bar.get_height()) for bar in axes.patches]))
        lines.append(repr([label.get_text() for label in axes.texts]))
    if numbers == "exact":
        groups = income.groupby("asset")["income"]
        lines.append(as_text((groups.sum() - groups.max()).to_frame()))
        lines.append(as_text(divide(groups.sum(), groups.count(), places=8).to_frame()))
        lines.append(f"{income['income'].sum():f} {income['income'].median():f}")
        lines.append(as_text(income["income"].cumsum().round(3).to_frame()))
        lines.append(repr(income["income"]))
    return lines


def write_results(env: SandboxEnv) -> list[str]:
    ops = env.link.operations()
    account = env.exchange.world.accounts[0].id
    outcomes = [
        ops.exchange.transfer("USDT", Decimal("1234.56789012"), to_id=account),
        ops.exchange.transfer("USDT", Decimal("1E-8"), from_id=account, idempotency_key="back"),
        ops.exchange.transfer("USDT", pd.Series(["12.34567891"], dtype="exact").sum(), to_id=account),
        ops.exchange.set_commission(account, maker="0.00081234", taker=Decimal("0.00121234")),
    ]
    env.exchange.faults.add("reset", method="POST")
    failure = ops.exchange.transfer("USDT", "0.12345678", to_id=account)
    env.exchange.faults.clear()
    outcomes.append(failure.reconcile())
    lines = [outcome.status for outcome in outcomes]
    lines += [str(sorted(effect.parameters.items())) for effect in env.exchange.effects]
    lines.append(as_text(env.new_link(numbers="exact").exchange.spot_balances()))
    lines.append(as_text(ops.history()[["endpoint", "status"]]))
    return lines


def without_random_id(line: str) -> str:
    """The line without the random id of the call."""
    return re.sub(r"('clientTranId', ')[^']*", r"\1", line)


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TOOLKIT_RATE_LIMITS", str(tmp_path_factory.mktemp("expected")))
        return list(map(without_random_id, everything()))


@either_extreme
def test_no_digit_changes_in_another_decimal_context(
    name: str, expected: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOOLKIT_RATE_LIMITS", str(tmp_path))
    with hostile(name):
        found = list(map(without_random_id, everything()))
    assert found == expected


@either_extreme
def test_a_demo_starts_in_another_decimal_context(name: str) -> None:
    with hostile(name), toolkit.demo(progress=False, numbers="exact") as link:
        assert link.exchange.partner()["max_maker_commission"].notna().all()


@each_context
def test_the_toolkit_uses_its_own_context_and_leaves_the_users_unchanged(name: str) -> None:
    with hostile(name):
        before = repr(decimal.getcontext())
        assert in_own_context(lambda: Decimal(10**40) + Decimal("1E-18"))() == to_decimal(
            "1" + "0" * 40 + ".000000000000000001"
        )
        assert repr(decimal.getcontext()) == before


@pytest.mark.parametrize("attribute", ["prec", "rounding", "Emin", "Emax", "capitals", "clamp", "traps"])
def test_the_toolkits_context_sets_every_attribute(attribute: str) -> None:
    """An attribute that is not set would be taken from `decimal.DefaultContext`."""
    with hostile("everything at once"):
        again = runpy.run_path(decimals.__file__)["CONTEXT"]
    assert repr(getattr(again, attribute)) == repr(getattr(CONTEXT, attribute))
    assert CONTEXT.prec > 2 * 38


@each_context
def test_a_number_in_a_response_is_read_exactly_or_rejected(name: str) -> None:
    with hostile(name):
        number = loads(b'{"amount": 123456789.123456789}')["amount"]
        assert number.as_tuple() == Decimal("123456789.123456789").as_tuple()
        with pytest.raises(InvalidJSON):
            loads(b'{"amount": 1e99999999999999999999}')
        assert to_text("amount", Decimal("-123456789.123456789")) == "-123456789.123456789"
        _, rows = infer("/x", RATE_LIMITS[0], loads(b'[{"a": [{"b": 1.5e-9}]}]'))
        assert rows == [{"a": '[{"b": "1.5E-9"}]'}]


@each_context
def test_panels_add_and_format_amounts_the_same_way(name: str) -> None:
    amounts = [Decimal("123456789.123456789"), Decimal("0.000000001"), None]
    with hostile(name):
        assert holdings.add(amounts) == Decimal("123456789.12345679")
        assert formatting.amount(Decimal("-1234567.125"), 2) == "−1,234,567.12"
        assert formatting.amount(Decimal("0.00000001"), 2) == "<0.01"
        assert formatting.short(Decimal("1234567.5")) == "1.23 M"
