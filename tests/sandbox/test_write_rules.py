"""The rules of each write: what is refused, with which code, and that nothing was executed."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.support.clocks import FakeClock
from tests.support.sandbox_requests import NOW, ask, done, new_rows, read, refused, write
from toolkit.sandbox import Exchange, World
from toolkit.sandbox.world import SubAccount


def account(this: Exchange, *, margin: bool | None = None, futures: bool | None = None) -> SubAccount:
    """A sub-account with keys, and with margin and futures on or off."""
    return next(
        each
        for each in this.world.accounts
        if each.keys and margin in (None, each.margin_rates is not None) and futures in (None, each.futures)
    )


# --- parameters ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("amount", "code"),
    [
        ("0", -5007),
        ("0.00000000", -5007),
        ("1.123456789", -1111),
        ("1.000000000", -1111),
        ("-1", -1102),
        ("+1", -1102),
        ("1e-5", -1102),
        ("1E2", -1102),
        (".5", -1102),
        ("5.", -1102),
        ("1,5", -1102),
        (" 1", -1102),
        ("1\n", -1102),
        ("NaN", -1102),
        ("Infinity", -1102),
        ("٣", -1102),
        ("9" * 21, -1102),
        ("9" * 20, -5002),
    ],
)
@pytest.mark.parametrize(
    "endpoint_name",
    [
        "exchange.transfer",
        "exchange.transfer_futures",
        "exchange.universal_transfer",
        "exchange.transfer_within",
    ],
)
def test_amounts(endpoint_name: str, amount: str, code: int) -> None:
    refused(new_rows(), endpoint_name, code, amount=amount)


@pytest.mark.parametrize("amount", ["1", "0.00000001", "007.5", "1.50000000"])
def test_valid_amounts(amount: str) -> None:
    this = new_rows()
    client = "mine"
    done(this, "exchange.transfer", amount=amount, clientTranId=client)
    (row,) = read(this, "exchange.transfers", fromId=this.world.partner_uid, clientTranId=client)
    assert Decimal(row["qty"]) == Decimal(amount)
    assert "E" not in row["qty"]


@pytest.mark.parametrize(
    ("endpoint_name", "name", "text", "code"),
    [
        ("exchange.create_sub_account", "tag", "x" * 32, -1130),
        ("exchange.create_sub_account", "tag", "", -1105),
        ("exchange.transfer", "clientTranId", "x" * 33, -1130),
        ("exchange.transfer", "clientTranId", "x" * 65, -1100),
        ("exchange.transfer", "clientTranId", "a b", -1100),
        ("exchange.transfer", "asset", "usdt", -1102),
        ("exchange.enable_futures", "futures", "false", -1102),
        ("exchange.enable_futures", "futures", "1", -1102),
        ("exchange.create_api_key", "canTrade", "1", -1102),
        ("exchange.create_api_key", "marginTrade", "yes", -1100),
        ("exchange.create_api_key", "publicKey", "<key>", -1100),
        ("exchange.set_ip_restriction", "status", "3", -1130),
        ("exchange.set_ip_restriction", "ipAddress", "300.1.1.1", -1130),
        ("exchange.set_ip_restriction", "ipAddress", "192.0.2.1,", -1130),
        ("exchange.set_ip_restriction", "ipAddress", "192.0.2.1, 192.0.2.2", -1130),
        ("exchange.set_ip_restriction", "ipAddress", "192.0.2.0/24", -1130),
        ("exchange.remove_addresses", "ipAddress", "everywhere", -1130),
        ("exchange.transfer_futures", "futuresType", "3", -1130),
        ("exchange.transfer_within", "type", "5", -1102),
        ("exchange.transfer_within", "type", "spot", -1102),
        ("exchange.universal_transfer", "fromAccountType", "MARGIN", -1130),
        ("exchange.universal_transfer", "toAccountType", "spot", -1102),
        ("exchange.set_commission", "makerCommission", "1.0001", -1130),
        ("exchange.set_commission", "makerCommission", "-0.001", -1102),
        ("exchange.set_commission", "takerCommission", "1e-3", -1102),
        ("exchange.set_commission", "marginMakerCommission", "x", -1100),
        ("exchange.set_um_commission", "makerAdjustment", "1.5", -1102),
        ("exchange.set_um_commission", "makerAdjustment", "-1", -1102),
    ],
)  # fmt: skip
def test_invalid_parameters_are_refused(endpoint_name: str, name: str, text: str, code: int) -> None:
    refused(new_rows(), endpoint_name, code, **{name: text})


def test_texts_of_maximum_length() -> None:
    this = new_rows()
    assert done(this, "exchange.create_sub_account", tag="x" * 31)["tag"] == "x" * 31
    assert done(this, "exchange.transfer", clientTranId="y" * 32)["clientTranId"] == "y" * 32


def test_flags_in_upper_and_lower_case() -> None:
    assert done(new_rows(), "exchange.enable_futures", futures="TRUE")["enableFutures"] is True


BY_ACCOUNT = [
    "exchange.delete_sub_account", "exchange.enable_futures", "exchange.create_api_key",
    "exchange.delete_api_key", "exchange.set_permissions", "exchange.set_universal_transfer",
    "exchange.set_ip_restriction", "exchange.remove_addresses", "exchange.set_spot_bnb_burn",
    "exchange.set_interest_bnb_burn", "exchange.transfer_within", "exchange.set_commission",
    "exchange.set_um_commission", "exchange.set_cm_commission",
]  # fmt: skip


@pytest.mark.parametrize("endpoint_name", BY_ACCOUNT)
def test_unknown_sub_accounts(endpoint_name: str) -> None:
    this = new_rows()
    refused(this, endpoint_name, -5021, subAccountId="12345")
    refused(this, endpoint_name, -5021, subAccountId=this.world.partner_uid)


@pytest.mark.parametrize(
    "endpoint_name",
    [endpoint_name for endpoint_name in BY_ACCOUNT if "key" in endpoint_name or "set_perm" in endpoint_name],
)
def test_unknown_keys(endpoint_name: str) -> None:
    this = new_rows()
    if endpoint_name != "exchange.create_api_key":
        refused(this, endpoint_name, -1130, subAccountApiKey="x" * 64)
        refused(
            this,
            endpoint_name,
            -1130,
            subAccountApiKey=this.world.accounts[1].keys[0].key,
            subAccountId=account(this).id,
        )


# --- sub-accounts --------------------------------------------------------------------------------


def test_a_new_sub_account() -> None:
    clock = FakeClock(NOW)
    this = new_rows(clock)
    clock.advance(3600)
    made = done(this, "exchange.create_sub_account", tag="mine")
    newest = read(this, "exchange.sub_accounts", size="500")[-1]
    assert newest == {
        "subaccountId": made["subaccountId"],
        "email": made["email"],
        "tag": "mine",
        "makerCommission": 0.001,
        "takerCommission": 0.001,
        "marginMakerCommission": -1,
        "marginTakerCommission": -1,
        "createTime": int(clock.time() * 1000),
    }
    own = {"subAccountId": made["subaccountId"]}
    assert read(this, "exchange.api_keys", **own) == []
    assert read(this, "exchange.futures_balances", futuresType="1", **own)["data"] == [
        {"futuresEnable": False, **own}
    ]
    assert read(this, "exchange.margin_balances", **own)["data"] == [{"marginEnable": False, **own}]
    assert Decimal(read(this, "exchange.spot_balances", **own)["data"][0]["totalBalanceOfBtc"]) == 0


def test_ids_ascend_after_the_newest_account_was_deleted() -> None:
    this = new_rows()
    ids, emails = [], []
    for _ in range(5):
        made = done(this, "exchange.create_sub_account")
        ids.append(int(made["subaccountId"]))
        emails.append(made["email"])
        done(this, "exchange.delete_sub_account", subAccountId=made["subaccountId"])
    assert ids == sorted(set(ids))
    assert len(set(emails)) == 5
    assert ids[0] > int(this.world.accounts[-1].id)


def test_without_a_tag() -> None:
    this = new_rows()
    made = done(this, "exchange.create_sub_account", tag=None)
    assert made.keys() == {"subaccountId", "email"}
    assert read(this, "exchange.sub_accounts", size="500")[-1]["tag"] == ""


def test_the_number_of_sub_accounts_is_limited() -> None:
    this = new_rows()
    this.world.max_sub_accounts = len(this.world.accounts) + 1
    done(this, "exchange.create_sub_account")
    refused(this, "exchange.create_sub_account", -9000)


def test_deleting_needs_an_empty_account_without_keys() -> None:
    this = new_rows()
    made = done(this, "exchange.create_sub_account")["subaccountId"]
    key = done(this, "exchange.create_api_key", subAccountId=made, marginTrade="false")["apiKey"]
    refused(this, "exchange.delete_sub_account", -4001, subAccountId=made)
    done(this, "exchange.transfer", toId=made, amount="5")
    refused(this, "exchange.delete_sub_account", -4001, subAccountId=made)
    done(this, "exchange.delete_api_key", subAccountId=made, subAccountApiKey=key)
    refused(this, "exchange.delete_sub_account", -4001, subAccountId=made)
    done(this, "exchange.transfer", toId=None, fromId=made, amount="5")
    assert done(this, "exchange.delete_sub_account", subAccountId=made) == {}
    refused(this, "exchange.delete_sub_account", -5021, subAccountId=made)


@pytest.mark.parametrize("held", ["um", "cm", "margin"])
def test_an_account_with_any_balance_cannot_be_deleted(held: str) -> None:
    this = new_rows()
    idle = next(each for each in this.world.accounts if each.balances.empty)
    done(this, "exchange.create_sub_account")  # another empty one, for an example
    if held == "margin":
        idle.balances.margin["BTC"] = Decimal(1)
    else:
        idle.balances.add("um" if held == "um" else "cm", "BTC", Decimal("0.00000001"))
    refused(this, "exchange.delete_sub_account", -4001, subAccountId=idle.id)


def test_twenty_deletions_per_utc_day() -> None:
    clock = FakeClock(NOW)
    this = new_rows(clock)
    ids = [done(this, "exchange.create_sub_account")["subaccountId"] for _ in range(22)]
    for each in ids[:20]:
        done(this, "exchange.delete_sub_account", subAccountId=each)
    refused(this, "exchange.delete_sub_account", -9000, subAccountId=ids[20])
    midnight = (int(NOW) // 86_400 + 1) * 86_400
    clock.advance(midnight - NOW - 0.001)
    refused(this, "exchange.delete_sub_account", -9000, subAccountId=ids[20])
    clock.advance(0.001)
    done(this, "exchange.delete_sub_account", subAccountId=ids[20])


def test_interest_needs_margin() -> None:
    this = new_rows()
    off = account(this, margin=False)
    refused(this, "exchange.set_interest_bnb_burn", -3003, subAccountId=off.id)
    for endpoint_name, name in (("spot", "spotBNBBurn"), ("interest", "interestBNBBurn")):
        for text in ("true", "false"):
            done(this, f"exchange.set_{endpoint_name}_bnb_burn", **{name: text})
            own = this.world.example_write(f"exchange.set_{endpoint_name}_bnb_burn").parameters[
                "subAccountId"
            ]
            assert read(this, "exchange.bnb_burn", subAccountId=own)[name] is (text == "true")


def test_futures_once_on_stay_on() -> None:
    this = new_rows()
    off = account(this, futures=False)
    for _ in range(2):
        done(this, "exchange.enable_futures", subAccountId=off.id)
        (row,) = read(this, "exchange.futures_balances", subAccountId=off.id, futuresType="1")["data"]
        assert row["futuresEnable"] is True
        assert Decimal(row["totalWalletBalance"]) == 0


# --- keys ----------------------------------------------------------------------------------------


def test_a_new_key() -> None:
    this = new_rows()
    made = done(this, "exchange.create_api_key", marginTrade=None, futuresTrade="true")
    key, secret = made["apiKey"], made["secretKey"]
    assert len(key) == len(secret) == 64
    assert (key + secret).isalnum()
    own = {"subAccountId": made["subaccountId"]}
    assert read(this, "exchange.api_keys", **own)[-1] == {
        "subaccountId": own["subAccountId"],
        "apikey": key[:3] + "*" * 13,
        "canTrade": True,
        "marginTrade": False,
        "futuresTrade": True,
    }
    restriction = read(this, "exchange.ip_restriction", **own, subAccountApiKey=key)
    assert (restriction["ipRestrict"], restriction["ipList"]) == (False, [])


def test_a_key_for_a_public_key_has_no_secret() -> None:
    for text in ("MCowBQYDK2VwAyEA+/A=", "-----BEGIN PUBLIC KEY-----\nMCow\n-----END PUBLIC KEY-----\n"):
        assert "secretKey" not in done(new_rows(), "exchange.create_api_key", publicKey=text)


def test_keys_are_unique_and_follow_from_the_seed() -> None:
    def made() -> list[str]:
        this = new_rows()
        keys = []
        for _ in range(4):  # in one second: the example is of another sub-account each time
            response = done(this, "exchange.create_api_key")
            keys += [response["apiKey"], response["secretKey"]]
        return keys

    first = made()
    assert len(set(first)) == 8
    assert made() == first


@pytest.mark.parametrize("endpoint_name", ["exchange.create_api_key", "exchange.set_permissions"])
def test_no_key_may_trade_what_is_off(endpoint_name: str) -> None:
    this = new_rows()
    for off, flag, code in (
        (account(this, margin=False), "marginTrade", -3003),
        (account(this, futures=False), "futuresTrade", -5011),
    ):
        own = {"subAccountId": off.id, "marginTrade": "false", "futuresTrade": "false"}
        if endpoint_name == "exchange.set_permissions":
            own["subAccountApiKey"] = off.keys[0].key
        refused(this, endpoint_name, code, **{**own, flag: "true"})
        done(this, endpoint_name, **own)


def test_one_key_per_second_and_sub_account() -> None:
    clock = FakeClock(NOW)
    this = new_rows(clock)
    first, other = [each.id for each in this.world.accounts if each.margin_rates][:2]
    done(this, "exchange.create_api_key", subAccountId=first)
    refused(this, "exchange.create_api_key", -4005, subAccountId=first)
    done(this, "exchange.create_api_key", subAccountId=other)
    clock.advance(0.999)
    refused(this, "exchange.create_api_key", -4005, subAccountId=first)
    clock.advance(0.001)
    made = [done(this, "exchange.create_api_key", subAccountId=first)["apiKey"]]
    clock.advance(1)
    made.append(done(this, "exchange.create_api_key", subAccountId=first)["apiKey"])
    # A key may be deleted in the same second in which one was created.
    done(this, "exchange.delete_api_key", subAccountId=first, subAccountApiKey=made[0])
    refused(this, "exchange.delete_api_key", -4005, subAccountId=first, subAccountApiKey=made[1])
    clock.advance(1)
    done(this, "exchange.delete_api_key", subAccountId=first, subAccountApiKey=made[1])
    refused(this, "exchange.delete_api_key", -1130, subAccountId=first, subAccountApiKey=made[1])


def test_each_call_sets_all_permissions() -> None:
    this = new_rows()
    own = this.world.example_write("exchange.set_permissions").parameters
    masked = own["subAccountApiKey"][:3] + "*" * 13
    for flags in (("true", "false", "true"), ("false", "true", "false"), ("true", "true", "true")):
        params = dict(zip(("canTrade", "marginTrade", "futuresTrade"), flags, strict=True))
        done(this, "exchange.set_permissions", **params)
        rows = read(this, "exchange.api_keys", subAccountId=own["subAccountId"])
        (row,) = [row for row in rows if row["apikey"] == masked]
        assert {name: str(row[name]).lower() for name in params} == params


def test_universal_transfers_can_be_allowed_and_forbidden() -> None:
    this = new_rows()
    for text in ("true", "false"):
        payload = done(this, "exchange.set_universal_transfer", canUniversalTransfer=text)
        owner = this.world.account(payload["subaccountId"])
        assert owner is not None
        key = owner.key(payload["apikey"])
        assert key is not None
        assert key.universal_transfer is payload["canUniversalTransfer"] is (text == "true")


def test_restrictions_can_be_set_and_lifted() -> None:
    clock = FakeClock(NOW)
    this = new_rows(clock)
    owner = account(this, futures=True, margin=True)
    key = owner.keys[0]
    key.ip_list = []
    own = {"subAccountId": owner.id, "subAccountApiKey": key.key}

    def restriction() -> tuple[bool, list[str]]:
        payload = read(this, "exchange.ip_restriction", **own)
        assert payload["updateTime"] == key.update_time
        return payload["ipRestrict"], payload["ipList"]

    def put(status: str, addresses: str | None) -> Any:
        clock.advance(1)
        payload = done(this, "exchange.set_ip_restriction", **own, status=status, ipAddress=addresses)
        assert payload["updateTime"] == int(clock.time() * 1000)
        return payload

    refused(this, "exchange.set_ip_restriction", -1102, **own, status="2", ipAddress=None)
    payload = put("2", "192.0.2.1,2001:db8::1,192.0.2.1")
    assert payload["ipList"] == ["192.0.2.1", "2001:db8::1"]
    assert restriction() == (True, ["192.0.2.1", "2001:db8::1"])
    assert put("2", "192.0.2.9,2001:DB8:0::1")["ipList"] == ["192.0.2.1", "2001:db8::1", "192.0.2.9"]
    assert "ipList" not in put("2", None)
    assert restriction() == (True, ["192.0.2.1", "2001:db8::1", "192.0.2.9"])
    removed = done(this, "exchange.remove_addresses", **own, ipAddress="192.0.2.1,198.51.100.1")
    assert removed["ipList"] == ["2001:db8::1", "192.0.2.9"]
    assert restriction() == (True, ["2001:db8::1", "192.0.2.9"])
    assert done(this, "exchange.remove_addresses", **own, ipAddress=None)["ipList"] == []
    assert restriction() == (False, [])
    put("2", "192.0.2.1")
    refused(this, "exchange.set_ip_restriction", -1106, **own, status="1", ipAddress="192.0.2.2")
    assert "ipList" not in put("1", None)
    assert restriction() == (False, [])


# --- commissions ---------------------------------------------------------------------------------


def test_commissions_within_the_partners_bounds() -> None:
    this = new_rows()
    payload = read(this, "exchange.partner")
    for side in ("maker", "taker"):
        low, high = (payload[f"{end}{side.title()}Commission"] for end in ("min", "max"))
        for name in (f"{side}Commission", f"margin{side.title()}Commission"):
            for right in (low, high):
                assert done(this, "exchange.set_commission", **{name: f"{right}"})[name] == right
            for wrong in (f"{low - 0.00001:.8f}", f"{high + 0.00001:.8f}", "0"):
                refused(this, "exchange.set_commission", -1130, **{name: wrong})


def test_margin_rates_follow_spot_where_margin_is_on() -> None:
    this = new_rows()
    on, off = account(this, margin=True), account(this, margin=False)

    def shown(owner: SubAccount) -> list[float]:
        (row,) = read(this, "exchange.sub_accounts", subAccountId=owner.id)
        names = ("makerCommission", "takerCommission", "marginMakerCommission", "marginTakerCommission")
        assert all(type(row[name]) is int for name in names[2:])
        return [row[name] for name in names]

    rates = {"makerCommission": "0.0005", "takerCommission": "0.0015"}
    payload = done(this, "exchange.set_commission", subAccountId=on.id, **rates)
    assert (payload["marginMakerCommission"], payload["marginTakerCommission"]) == (0.0005, 0.0015)
    assert shown(on) == [0.0005, 0.0015, 5, 15]
    payload = done(
        this, "exchange.set_commission", subAccountId=on.id, **rates, marginTakerCommission="0.002"
    )
    assert shown(on) == [0.0005, 0.0015, 5, 20]
    payload = done(this, "exchange.set_commission", subAccountId=off.id, **rates)
    assert payload.keys() == {"subAccountId", "makerCommission", "takerCommission"}
    assert shown(off) == [0.0005, 0.0015, -1, -1]
    for name in ("marginMakerCommission", "marginTakerCommission"):
        refused(this, "exchange.set_commission", -3003, subAccountId=off.id, **{name: "0.001"})


@pytest.mark.parametrize(
    ("market", "name", "known", "unknown", "maximum"),
    [
        ("um", "symbol", ("BTCUSDT", "ETHUSDT"), "BTCUSD", (200, 400)),
        ("cm", "pair", ("BTCUSD", "ETHUSD"), "BTCUSD_PERP", (100, 500)),
    ],
)
def test_adjustments(
    market: str, name: str, known: tuple[str, str], unknown: str, maximum: tuple[int, int]
) -> None:
    this = new_rows()
    endpoint_name = f"exchange.set_{market}_commission"
    own = this.world.example_write(endpoint_name).parameters["subAccountId"]

    def commission(text: str) -> tuple[int, int]:
        (row,) = read(this, f"exchange.{market}_commission", subAccountId=own, **{name: text})
        return row["makerCommission"], row["takerCommission"]

    base, other = commission(known[0]), commission(known[1])
    for maker, taker in (maximum, maximum, (0, 0), (7, 9)):
        payload = done(this, endpoint_name, makerAdjustment=str(maker), takerAdjustment=str(taker))
        expected = (base[0] + maker, base[1] + taker)
        assert (payload["makerCommission"], payload["takerCommission"]) == commission(known[0]) == expected
    assert commission(known[1]) == other
    refused(this, endpoint_name, -1130, makerAdjustment=str(maximum[0] + 1))
    refused(this, endpoint_name, -1130, takerAdjustment=str(maximum[1] + 1))
    refused(this, endpoint_name, -1121, **{name: unknown})
    refused(this, endpoint_name, -5011, subAccountId=account(this, futures=False).id)


# --- customers -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("system", "code"), [("spot", -4039), ("futures", -1130)])
def test_ids_set_by_the_partner(system: str, code: int) -> None:
    this = new_rows()
    endpoint_name = f"{system}.set_customer_id"
    unnamed = next(each for each in this.world.customers if not each.id)
    named = next(each for each in this.world.customers if each.id)
    own = {"email": unnamed.email}
    assert read(this, f"{system}.customers", **own) == []
    assert done(this, endpoint_name, customerId="first", email=unnamed.email.upper()) == {
        "customerId": "first",
        **own,
    }
    assert read(this, f"{system}.customers", **own) == [{"customerId": "first", **own}]
    done(this, endpoint_name, customerId="second", **own)
    assert read(this, f"{system}.customers", customerId="first") == []
    assert read(this, f"{system}.customers", customerId="second") == [{"customerId": "second", **own}]
    assert read(this, f"{system}.customers", email=unnamed.email.title()) == [{"customerId": "second", **own}]
    done(this, endpoint_name, customerId="second", **own)
    refused(this, endpoint_name, -1130, customerId=named.id, **own)
    refused(this, endpoint_name, code, email="nobody@else.example")
    done(this, endpoint_name, customerId="first", email=named.email)


def test_reports_of_the_past_show_the_new_id() -> None:
    this = new_rows()
    owner = next(each for each in this.world.customers if each.id)
    old = read(this, "spot.rebates", customerId=owner.id, limit="500")
    assert old
    assert read(this, "spot.rebates", customerId="other", limit="500") == []
    done(this, "spot.set_customer_id", customerId="other", email=owner.email)
    assert read(this, "spot.rebates", customerId="other", limit="500") == [
        row | {"customerId": "other"} for row in old
    ]


OWN = [
    ("spot", "apiAgentCode"),
    ("futures", "brokerId"),
    ("portfolio", "brokerId"),
]


@pytest.mark.parametrize(("system", "code"), OWN)
def test_ids_set_by_customers(system: str, code: str) -> None:
    this = new_rows()
    endpoint_name, key = f"{system}.set_own_customer_id", this.world.keys["customer"]
    taken = next(each.id for each in this.world.customers if each.id and each is not this.world.customer)
    payload = write(this, endpoint_name, {"customerId": "me", code: this.world.agent_code}).json()
    assert payload == {"customerId": "me"} | ({} if system == "spot" else {code: this.world.agent_code})
    response: Any = ask(this, f"{system}.customer_id", {code: this.world.agent_code}, key=key).json()
    assert response["customerId"] == "me"
    assert this.world.customer.id == "me"
    refused(this, endpoint_name, -1130, key=key, customerId=taken)
    refused(this, endpoint_name, -1130, key=key, **{code: "OTHER"})


def test_the_customer_with_the_key_stays_the_same_one() -> None:
    this = World(now=NOW)
    owner = this.customer
    unnamed = next(each for each in this.customers if not each.id)
    this.set_customer_id(unnamed, "now-named")
    assert this.customer is owner


def test_small_worlds() -> None:
    with pytest.raises(LookupError, match="customer"):
        _ = World(now=NOW, customers=0).customer
    for number in (1, 2, 3):
        assert not any(each.balances.empty for each in World(now=NOW, sub_accounts=number).accounts)
