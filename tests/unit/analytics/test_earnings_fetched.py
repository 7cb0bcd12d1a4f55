"""Earnings fetched through Links, against the sandbox's own tables."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from typing import Any

import pandas as pd
import pytest

from tests.support.income import totals
from tests.support.rows import DAY
from tests.support.sandbox_env import SandboxEnv
from toolkit.analytics import earnings
from toolkit.errors import CredentialsError, ServerError, UsageError
from toolkit.sandbox.keys import STRANGER, RegisteredKey
from toolkit.sandbox.world.tables import ListTable

SPAN = ("2025-12-05", "2025-12-07")
START = int(pd.Timestamp("2025-12-05", tz="UTC").value) // 1_000_000
END = START + 3 * DAY - 1
SPOT = "/sapi/v1/apiReferral/rebate/recentRecord"


@pytest.fixture
def partner(env: SandboxEnv) -> SandboxEnv:
    """A sandbox whose partner earns little: three rows."""
    env.replace_exchange(
        tables={
            "spot.rebates": ListTable(
                [
                    spot_row(START - 12 * DAY, START + 1, "1", 1),
                    spot_row(START - 5 * DAY, START - 1, "2", 2),
                    spot_row(START - 4 * DAY, START + DAY, "4", 3),
                    spot_row(START + 2 * DAY, END + 12 * DAY, "8", 4),
                ]
            )
        }
    )
    return env


def spot_row(traded: int, paid: int, amount: str, number: int) -> dict[str, object]:
    return {
        "customerId": "ann",
        "email": "a***@***.example",
        "income": amount,
        "asset": "USDT",
        "symbol": "BTCUSDT",
        "time": traded,
        "orderId": number,
        "tradeId": number,
        "distributeTime": paid,
        "commissionAsset": "USDT",
        "commission": amount,
        "convertPrice": "1",
    }


def expected(env: SandboxEnv, when: str) -> dict[tuple[str, str, str], str]:
    """What the sandbox's tables say, added up row by row."""
    sums: defaultdict[tuple[str, str, Any], Decimal] = defaultdict(Decimal)

    def add(system: str, kind: str, asset: object, amount: object) -> None:
        sums[system, kind, asset] += Decimal(str(amount))

    table = env.sandbox.world.table
    for row in table("spot.rebates").slice(START - DAY, END, {}, 0, 10**6):
        if START <= int(row["distributeTime" if when == "received" else "time"]) <= END:  # type: ignore[call-overload]
            add("spot", "spot_rebate", row["asset"], row["income"])
    for kind, name, filters in (
        ("spot_rebate", "exchange.rebates", {}),
        ("um_rebate", "exchange.futures_rebates", {"futuresType": "1"}),
        ("cm_rebate", "exchange.futures_rebates", {"futuresType": "2"}),
    ):
        for row in table(name).slice(START, END, filters, 0, 10**6):
            if row["status"] == 1:
                add("exchange", kind, row["asset"], row["income"])
    for kind, market in (("um_rebate", "1"), ("cm_rebate", "2")):
        for row in table("futures.rebates").slice(START, END, {"type": market}, 0, 1000):
            add("futures", kind, row["unit"], row["rebateVol"])
    return {key: f"{amount.normalize():f}" for key, amount in sums.items()}


@pytest.mark.parametrize("when", ["received", "traded"])
def test_totals_are_those_of_the_tables(shared_env: SandboxEnv, when: Any) -> None:
    frame = earnings(shared_env.link, SPAN, when=when)
    assert totals(frame, "system", "kind", "asset") == expected(shared_env, when)
    assert frame.attrs["complete"]
    assert frame["time"].is_monotonic_increasing
    customers = frame[frame["endpoint"] == "futures.traders"]
    assert len(customers) > 10
    assert customers["customer_id"].notna().all()
    assert {(each["endpoint"], each.get("market", "")) for each in frame.attrs["sources"]} == {
        ("exchange.rebates", ""),
        ("exchange.futures_rebates", "um"),
        ("exchange.futures_rebates", "cm"),
        ("spot.rebates", ""),
        ("futures.rebates", "um"),
        ("futures.rebates", "cm"),
        ("futures.traders", "um"),
        ("futures.traders", "cm"),
    }
    # Days are priced at their end, trades at the last candle before them.
    day = frame[(frame["granularity"] == "day") & (frame["kind"] == "cm_rebate")].iloc[0]
    assert day["asset"] == "USD"
    assert day["value"] == day["amount"]
    bitcoin = frame[(frame["asset"] == "BTC")]
    late = bitcoin["time"] - bitcoin["price_time"]
    assert late.between(pd.Timedelta(0), pd.Timedelta("1h")).all()
    # One asset has no market.
    unvalued = frame[frame["value"].isna()]
    assert set(unvalued["asset"]) <= {"BNFCR"}
    assert frame.attrs["unvalued"] == unvalued["asset"].value_counts().to_dict()


def test_a_payment_that_came_late_is_found_and_one_that_comes_later_is_said(partner: SandboxEnv) -> None:
    frame = earnings(partner.link, SPAN, systems="spot")
    assert frame["trade_id"].to_list() == ["1", "3"]
    assert frame.attrs["complete"]
    text = " ".join(frame.attrs["notes"])
    assert "1 row not counted: traded in the period and paid after it" in text
    assert "is 12 days, 23:59:59" in text
    assert "trades since 2025-11-22 00:00 UTC were searched" in text
    assert frame.attrs["sources"][0]["left_out"]["paid after the period"]["amounts"] == {"USDT": "8"}
    assert "exchange.rebates, exchange.futures_rebates, futures.rebates, futures.traders" in text


def test_floats_are_fetched_if_asked_for(partner: SandboxEnv) -> None:
    frame = earnings(partner.link, SPAN, systems=["spot"], numbers="float")
    assert frame["amount"].dtype == "float64"
    assert frame["value"].sum() == 5.0


def test_a_read_that_is_refused_is_named_and_the_rest_is_fetched(partner: SandboxEnv) -> None:
    partner.exchange.faults.add(
        "error",
        times=None,
        path="/sapi/v1/broker/rebate",
        status=401,
        code=-2015,
        message="Not for this key.",
    )
    frame = earnings(partner.link, SPAN)
    assert set(frame["system"]) == {"spot", "futures"}
    assert not frame.attrs["complete"]
    refused = [each for each in frame.attrs["sources"] if "refused" in each]
    assert [(each["endpoint"], each.get("market")) for each in refused] == [
        ("exchange.rebates", None),
        ("exchange.futures_rebates", "um"),
        ("exchange.futures_rebates", "cm"),
    ]
    assert ["exchange.rebates", "2025-12-05T00:00:00.000+00:00", "2025-12-07T23:59:59.999+00:00"] in (
        frame.attrs["missing"]
    )
    assert any("systems=" in note and "Not for this key" in note for note in frame.attrs["notes"])
    assert earnings(partner.link, SPAN, systems=("spot", "futures")).attrs["complete"]


def test_a_key_that_may_call_nothing_is_an_error(env: SandboxEnv) -> None:
    secret = "s" * 64
    env.sandbox.world.keys["other"] = RegisteredKey(
        name="other", key="o" * 64, secret=secret, uid="5", owner=STRANGER
    )
    with env.new_link("o" * 64, secret) as link, pytest.raises(CredentialsError):
        earnings(link, SPAN)


def test_an_error_leaves_what_was_fetched(partner: SandboxEnv) -> None:
    partner.exchange.faults.add("server-error", times=None, path="/fapi/v1/apiReferral/traderSummary")
    with pytest.raises(ServerError) as caught:
        earnings(partner.link, SPAN, systems=("spot", "futures"))
    partial = caught.value.partial
    assert isinstance(partial, pd.DataFrame)
    assert partial.attrs["analytics"] == "earnings"
    assert not partial.attrs["complete"]
    assert partial["value"].isna().all()
    assert set(partial["endpoint"]) == {"spot.rebates", "futures.rebates"}
    assert partial[partial["system"] == "spot"]["amount"].sum() == 5
    whole = earnings(partner.link, SPAN, systems="spot")
    assert partial.dtypes.astype(str).to_dict() == whole.dtypes.astype(str).to_dict()


def test_an_interrupt_leaves_what_was_fetched(partner: SandboxEnv, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*arguments: object, **options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(partner.link.futures, "rebates", interrupt)
    with pytest.raises(KeyboardInterrupt, match="2 rows of earnings had been fetched") as caught:
        earnings(partner.link, SPAN, systems=("spot", "futures"))
    assert len(caught.value.partial) == 2  # type: ignore[attr-defined]


def test_several_links_are_kept_apart_by_account(partner: SandboxEnv, accounts_folder: object) -> None:
    with (
        partner.new_link() as again,
        pytest.raises(UsageError, match="Links 1 and 2 are of the same"),
    ):
        earnings([partner.link, again], SPAN, systems="spot")
    with pytest.raises(UsageError, match="same account"):
        earnings([partner.link, partner.link], SPAN, systems="spot")
    assert not partner.sent(SPOT)
    frame = earnings({"desk": partner.link}, SPAN, systems="spot")
    assert set(frame["account"]) == {"desk"}
    old = partner.link.spot.rebates(start=START - 3 * DAY, end=END, numbers="exact")
    both = earnings([partner.link, old], SPAN, systems="spot")
    assert totals(both, "account", "asset") == {(partner.link.account_id(), "USDT"): "5"}


def test_bad_arguments_are_refused_before_anything_is_sent(env: SandboxEnv) -> None:
    for arguments in (
        {"currency": "usdt"},
        {"at": "2h30"},
        {"at_par": "USDC"},
        {"when": "paid"},
        {"systems": "margin"},
        {"period": None},
        {"period": "next month"},
        {"zone": "Berlin"},
    ):
        with pytest.raises(UsageError):
            earnings(env.link, **{"period": SPAN, **arguments})  # type: ignore[arg-type]
    assert not env.sent()
