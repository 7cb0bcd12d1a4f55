"""What sub-accounts hold and what their keys may do, against the sandbox's own tables."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from functools import partial

import pandas as pd
import pytest

import toolkit
from toolkit.analytics.balances import balances
from toolkit.analytics.keys import keys
from toolkit.analytics.sub_account_rows import SubAccountRows
from toolkit.errors import NotFoundError, ServerError, UsageError
from toolkit.fetch.progress import follow


@pytest.fixture(scope="module")
def link() -> toolkit.types.DemoLink:
    with toolkit.demo(progress=False) as demo:
        yield demo


@pytest.fixture(scope="module")
def patient() -> toolkit.types.DemoLink:
    """Sends one request after the other, so that a test knows which comes next."""
    with toolkit.demo(progress=False, workers=1) as demo:
        yield demo


@pytest.fixture(scope="module")
def held(link: toolkit.types.DemoLink) -> pd.DataFrame:
    return balances(link, "USDT")


def test_balances_are_those_that_the_reads_of_each_wallet_tell(
    link: toolkit.types.DemoLink, held: pd.DataFrame
) -> None:
    accounts = link.exchange.sub_accounts(emails="clear")
    emails = list(accounts["email"])
    spot = link.exchange.assets(emails, numbers="exact", emails="clear")
    spot["held"] = spot["free"] + spot["locked"] + spot["freeze"] + spot["withdrawing"]
    ids = dict(zip(accounts["email"], accounts["sub_account_id"], strict=True))
    expected = {
        (ids[email], asset): amount
        for email, asset, amount in zip(spot["email"], spot["asset"], spot["held"], strict=True)
        if amount != 0
    }
    found = held[held["wallet"] == "spot"]
    pairs = zip(found["sub_account_id"], found["asset"], strict=True)
    assert dict(zip(pairs, found["amount"], strict=True)) == expected


def test_values_are_amounts_at_the_price_of_the_moment(
    link: toolkit.types.DemoLink, held: pd.DataFrame
) -> None:
    assert set(held["wallet"]) == {"spot", "margin", "um", "cm"}
    assert held.attrs["complete"]
    assert held.attrs["unvalued"] == {}
    row = held[held["asset"] == "BTC"].iloc[0]
    hour = pd.Timestamp(row["price_time"]).floor("h")
    candle = link.market.spot.klines("BTCUSDT", "1h", start=hour, end=hour, numbers="exact").iloc[0]
    assert row["price"] == candle["close"]
    assert row["value"] == row["amount"] * row["price"]
    assert not any("@" in str(cell) for cell in held.to_numpy().ravel())


def test_a_wallet_that_is_not_listed_is_a_note_and_no_zero(
    link: toolkit.types.DemoLink, held: pd.DataFrame
) -> None:
    owners = set(link.exchange.futures_summary("um", emails="clear")["email"])
    without = len(link.exchange.sub_accounts()) - len(owners)
    assert without > 0
    assert f"um: the exchange lists no such wallet of {without:,} sub-accounts." in held.attrs["notes"]
    assert held.loc[held["wallet"] == "um", "sub_account_id"].nunique() <= len(owners)
    assert (held["amount"] != 0).all()


def test_totals_take_few_requests_and_say_the_units(link: toolkit.types.DemoLink) -> None:
    totals = balances(link, "BTC", detail="totals", wallets=["spot", "um"], numbers="float")
    assert totals.attrs["requests"] < 50
    assert totals.groupby("wallet")["asset"].unique().map(list).to_dict() == {"spot": ["BTC"], "um": ["USD"]}
    spot = totals[totals["wallet"] == "spot"]
    assert (spot["value"] == spot["amount"]).all()
    assert totals.attrs["valuation"]["at_par"] == ["USD=USDT"]


def test_what_came_before_a_failure_is_kept(link: toolkit.types.DemoLink) -> None:
    faults = link.sandbox.exchange.faults
    faults.add("server-error", path="/sapi/v1/broker/subAccount/marginSummary", times=None)
    try:
        with pytest.raises(ServerError) as caught:
            balances(link, detail="totals", wallets=["spot", "margin"])
    finally:
        faults.clear()
    kept = caught.value.partial
    assert set(kept["wallet"]) == {"spot"}
    assert not kept.attrs["complete"]


def test_sub_accounts_that_are_refused_do_not_end_a_read(link: toolkit.types.DemoLink) -> None:
    owners = set(link.exchange.futures_summary("um", emails="clear")["email"])
    emails = list(link.exchange.sub_accounts(emails="clear")["email"].head(30))
    without = [each for each in emails if each not in owners]
    assert 1 < len(without) < len(emails)
    reads = SubAccountRows()
    read = partial(link.exchange.futures_account, market="um", emails="clear")
    reads.read(read, emails, "email")
    assert list(reads.refused) == without
    whole = read([each for each in emails if each in owners])
    columns = ["email", "asset", "wallet_balance"]  # profits change from second to second
    found = pd.concat(reads.frames)[columns].sort_values(columns[:2], ignore_index=True)
    pd.testing.assert_frame_equal(found, whole[columns].sort_values(columns[:2], ignore_index=True))


def test_a_wallet_that_is_refused_is_missing(patient: toolkit.types.DemoLink) -> None:
    faults = patient.sandbox.exchange.faults
    whole = balances(patient, wallets=["margin"])
    path = "/sapi/v1/sub-account/margin/account"
    faults.add("error", path=path, code=-3003, times=2)
    found = balances(patient, wallets=["margin"])
    first = whole["sub_account_id"].iloc[0]
    assert found.attrs["missing"] == [[f"margin wallet of sub-account {first}", None, None]]
    assert not found.attrs["complete"]
    assert set(found["sub_account_id"]) == set(whole["sub_account_id"]) - {first}
    assert any(first in note for note in found.attrs["notes"])

    faults.add("error", path=path, code=-3003, times=None)
    sent = len(patient.sandbox.exchange.log)
    try:
        with pytest.raises(NotFoundError):
            balances(patient, wallets=["margin"])
    finally:
        faults.clear()
    refused = [each for each in list(patient.sandbox.exchange.log)[sent:] if each.path == path]
    assert len(refused) < 10  # not one for each sub-account


def test_rows_of_a_read_that_fails_are_kept(patient: toolkit.types.DemoLink) -> None:
    whole = balances(patient, wallets=["um"])
    lists = len(patient.exchange.sub_accounts())

    def interrupt(rows: int) -> None:
        if rows > lists:  # the list of sub-accounts, and of wallets, have come
            raise KeyboardInterrupt

    with follow(interrupt), pytest.raises(KeyboardInterrupt, match="balances had been fetched") as caught:
        balances(patient, wallets=["um"])
    kept = caught.value.partial  # type: ignore[attr-defined]
    assert 0 < len(kept) < len(whole)
    assert not kept.attrs["complete"]
    assert not any("@" in str(cell) for cell in kept.to_numpy().ravel())


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"wallets": ["funding"]}, "`wallets`"),
        ({"wallets": []}, "`wallets`"),
        ({"detail": "asset"}, "`detail`"),
        ({"currency": "usdt"}, "`currency`"),
        ({"at": "1w"}, "`at`"),
    ],
)
def test_bad_arguments_are_refused_before_anything_is_sent(
    link: toolkit.types.DemoLink, arguments: dict[str, object], named: str
) -> None:
    sent = len(link.sandbox.exchange.log)
    with pytest.raises(UsageError, match=named):
        balances(link, **arguments)
    assert len(link.sandbox.exchange.log) == sent


def test_keys_have_limits_only_where_the_key_is_given(link: toolkit.types.DemoLink) -> None:
    account = link.sandbox.world.accounts[0]
    full_keys = [each.key for each in account.keys]
    found = keys(link, known={account.id: [*full_keys, "z" * 64]})
    assert found.attrs["complete"]
    assert f"The exchange knows nothing of a key given for sub-account {account.id}." in found.attrs["notes"]
    with_keys = [each.id for each in link.sandbox.world.accounts if each.keys]
    assert list(found["sub_account_id"].unique()) == with_keys
    assert len(found) == sum(len(each.keys) for each in link.sandbox.world.accounts)
    mine = found[found["sub_account_id"] == account.id]
    for (_, row), key in zip(mine.iterrows(), account.keys, strict=True):
        told = link.exchange.ip_restriction(account.id, key.key).iloc[0]
        assert row["ip_restrict"] == told["ip_restrict"]
        assert list(row["ip_list"]) == list(told["ip_list"])
        assert key.key not in str(row.to_dict())
    others = found[found["sub_account_id"] != account.id]
    assert others["ip_restrict"].isna().all()
    assert f"{len(others):,} of {len(found):,} keys" in found.attrs["notes"][0]
    unlimited = found[found["ip_restrict"].eq(False)]
    assert set(unlimited["sub_account_id"]) <= {account.id}
    assert Counter(found["can_trade"])[True] > 0


def test_an_account_that_is_not_the_partners_is_refused(link: toolkit.types.DemoLink) -> None:
    with pytest.raises(UsageError, match="not of this partner") as caught:
        keys(link, known={"a" * 64: ["1"]})
    assert "aaaa" not in str(caught.value)
    with pytest.raises(UsageError, match="must be a dict"):
        keys(link, known={"1": "a" * 64})  # type: ignore[dict-item]


def test_sums_of_balances_are_exact(held: pd.DataFrame) -> None:
    total = held["value"].sum()
    assert total == sum((Decimal(str(each)) for each in held["value"]), Decimal(0))
