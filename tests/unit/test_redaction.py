"""E-mail addresses are masked in every frame by default, and masks are never compared."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import toolkit
from tests.support.effort import assert_in_proportion
from tests.support.panels import seen, tree, wait_for
from tests.support.rows import account, put, smaller
from tests.support.sandbox_env import SandboxEnv
from tests.support.writes import WriteEnv
from tests.unit.api.test_reads import VALUES, method_of, required_arguments, values_of
from toolkit.client import Link
from toolkit.demo import DemoLink
from toolkit.endpoints import ENDPOINTS, ENDPOINTS_BY_NAME, SAPI_IP, WRITES, Endpoint
from toolkit.errors import ContractError, UndeclaredFieldWarning, UsageError
from toolkit.frames.builder import FrameBuilder
from toolkit.frames.infer import infer
from toolkit.panels import accounts
from toolkit.redaction import Emails, displayable_names, mask, mask_within, without_secrets
from toolkit.transport.responses import RawResponse, error_of, excerpt

UNMASKABLE = [
    "exchange.sub_accounts",
    "exchange.assets",
    "exchange.futures_account",
    "exchange.futures_summary",
    "exchange.key_audit",
    "exchange.margin_account",
    "exchange.positions",
    "exchange.transaction_statistics",
    "exchange.transaction_totals",
    "spot.customers",
    "futures.customers",
]
"""Endpoints that can return clear addresses."""
SAME_MASK = ["amber.lee@post.example", "amy.lim@mail.example"]
"""Two addresses with the same mask."""


# -- the mask --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "masked"),
    [
        ("amber.lee@post.example", "am***@***.example"),
        ("Amber.Lee@POST.example", "Am***@***.example"),
        (" amber@lee-family.co.uk ", "am***@***.uk"),
        ("lee@post.example", "l***@***.example"),
        ("al@post.example", "a***@***.example"),
        ("a@post.example", "***@***.example"),
        ("@post.example", "***@***.example"),
        ("@0@", "***@***"),
        ("odd@name@post.example", "o***@***.example"),
        ("amber@localhost", "am***@***"),
        ("amber@[192.0.2.7]", "am***@***"),
        ("amber", "***"),
        ("+44 20 7946 0958", "***"),
        ("", ""),
        # masked by the exchange
        ("om***@***.com", "om***@***.com"),
        ("test*****@126.com", "test*****@126.com"),
        ("ft****@gmail.com", "ft****@gmail.com"),
    ],
)
def test_a_mask_shows_two_letters_and_the_end(address: str, masked: str) -> None:
    assert mask(address) == masked


@given(st.emails())
def test_no_mask_shows_a_name_or_its_domain(address: str) -> None:
    name, _, domain = address.rpartition("@")
    assume("*" not in name)
    shown, _, end = mask(address).rpartition("@")
    assert mask(address) != address
    assert name not in shown
    assert end in ("***", f"***.{domain.rpartition('.')[2]}")


@given(st.text() | st.emails())
def test_masking_twice_changes_nothing(address: str) -> None:
    assert mask(mask(address)) == mask(address)
    assert mask_within(mask_within(address)) == mask_within(address)
    if address.strip() and "***" not in address:
        assert mask(address) != address.strip()


@given(st.emails(), st.sampled_from(["{}", "to {}.", "<{}>", "mailto:{}", '{{"a": "{}"}}', "({}, {})"]))
def test_an_address_in_a_text_is_masked(address: str, text: str) -> None:
    assume("*" not in address)
    for spelling in (address, address.replace("@", "%40")):
        masked = mask_within(text.format(spelling, spelling))
        assert spelling not in masked
        assert "***" in masked


@pytest.mark.parametrize(
    "text", ["0.5@60000.15", "5 @ 60000", "@desk", "desk@", "a@b", "user at post.example"]
)
def test_other_text_is_not_masked(text: str) -> None:
    assert mask_within(text) == text


AT = [
    "@",
    "%40",
    "%2540",
    r"\u0040",
    r"\\u0040",
    r"\x40",
    "&#64;",
    "&#x40;",
    "&commat;",
    "&amp;#64;",
    "\uff20",
]


@pytest.mark.parametrize("at", AT)
@pytest.mark.parametrize(
    "address",
    [
        *(
            "jonathan{}post.example",
            "jonathan{}localhost",
            "jonathan{}[192.0.2.7]",
            "jonathan{}post\uff0eexample",
        ),
        *('"jonathan lee"{}post.example', "lee{}post.example/jonathan{}post.example"),
    ],
)
@pytest.mark.parametrize("text", ["{}", "to <{}>.", '{{"note": "{}"}}', "(a) {}, b"])
def test_an_address_with_an_encoded_sign_is_masked(text: str, address: str, at: str) -> None:
    written = text.format(address.format(*[at] * 2))
    body = json.dumps({"code": -1, "msg": written}).encode()
    error = error_of("endpoint", "/sapi/v1/x", RawResponse(400, {}, body), 0.0)
    for shown in (
        mask_within(written),
        without_secrets(written),
        excerpt(RawResponse(200, {}, body)),
        str(error),
    ):
        for secret in ("jonathan", "post", "192.0.2.7", "lee"):
            assert secret not in shown


@pytest.mark.parametrize("text", ["100%40 of it", "btcusdt@aggTrade", "a &#64; b", r"\u0040", "x%2540"])
def test_the_sign_alone_is_not_masked(text: str) -> None:
    assert mask_within(text) == text


@pytest.mark.parametrize(
    "piece", ["x", "@", "a@", "a@b", "%25", "\\", '"', '"a', '"@', "a.", "&amp;", "a@1.", "[@"]
)
def test_masking_takes_linear_time(piece: str) -> None:
    def look(at: str) -> None:
        assert mask_within(at) == at
        without_secrets(at)

    assert_in_proportion(lambda: look(piece * 5000), lambda: look(piece * 40_000))


@pytest.mark.parametrize(
    "field", ["mail", "userMail", "e_mail", "EMAIL", "mails", "mailAddress", "email_addr"]
)
def test_fields_named_like_mail_are_masked(field: str) -> None:
    _, rows = infer("/sapi/v1/x", SAPI_IP, {field: "jonathan at post", "other": {field: ["jonathan"]}})
    assert "jonathan" not in repr(rows)


def test_names_of_undeclared_fields_are_masked_and_limited(env: SandboxEnv) -> None:
    names = ["jonathan@post.example", "Zz9y" * 16, "word " * 40, *(f"field{n:02}" for n in range(30))]
    row = account(1, env.now) | dict.fromkeys(names, 1)
    put(env, ENDPOINTS_BY_NAME["exchange.sub_accounts"], [row])
    with pytest.warns(UndeclaredFieldWarning) as caught:
        frame = env.link.exchange.sub_accounts()
    undeclared = frame.attrs["undeclared"]
    assert undeclared[:2] == ["(e-mail)", "(hidden)"]
    assert undeclared[-1] == "… and 13 more"
    assert len(undeclared) == 21
    said = str(caught[0].message)
    assert ", ".join(undeclared) in said
    assert "jonathan" not in said
    assert "Zz9y" not in said
    (long,) = displayable_names(["word " * 40])
    assert len(long) == 60


# -- every frame of every endpoint ---------------------------------------------------------------------------


def addresses_of(env: SandboxEnv) -> list[str]:
    world = env.sandbox.world
    return [each.email for each in (*world.accounts, *world.customers)]


@pytest.fixture(scope="module")
def values(shared_env: SandboxEnv) -> Mapping[str, Any]:
    return values_of(shared_env)


def all_content(frame: pd.DataFrame, folder: Path) -> str:
    """A frame in every form in which it is shown or stored."""
    frame.to_parquet(folder / "frame.parquet", compression=None)
    kept = [pickle.dumps(frame), (folder / "frame.parquet").read_bytes()]
    texts = [
        frame.to_csv(),
        frame.to_json(date_format="iso"),
        frame.to_html(),
        repr(frame),
        frame.to_string(),
    ]
    return "\n".join([*texts, json.dumps(frame.attrs), *(each.decode("latin-1") for each in kept)])


def found(addresses: list[str], text: str) -> list[str]:
    return [address for address in addresses if address in text]


# Market data has no person in it.
OF_PERSONS = [endpoint for endpoint in ENDPOINTS if endpoint.is_signed]


@pytest.mark.parametrize("endpoint", OF_PERSONS, ids=lambda endpoint: endpoint.qualified_name)
def test_no_frame_contains_a_clear_address(
    shared_env: SandboxEnv, values: Mapping[str, Any], endpoint: Endpoint, tmp_path: Path
) -> None:
    frame = method_of(shared_env.link, endpoint)(**required_arguments(endpoint, values))
    assert found(addresses_of(shared_env), all_content(frame, tmp_path)) == []
    holds = any(column.kind == "email" for column in endpoint.columns)
    assert frame.attrs.get("emails") == ("masked" if holds else None)


@pytest.mark.parametrize("endpoint_name", UNMASKABLE)
def test_clear_addresses_are_returned_on_request(
    shared_env: SandboxEnv, values: Mapping[str, Any], endpoint_name: str, tmp_path: Path
) -> None:
    endpoint = ENDPOINTS_BY_NAME[endpoint_name]
    given = required_arguments(endpoint, values)
    masked = method_of(shared_env.link, endpoint)(**given)
    clear_link = shared_env.new_link(emails="clear")
    for frame in (
        method_of(shared_env.link, endpoint)(**given, emails="clear"),
        method_of(clear_link, endpoint)(**given),
    ):
        assert frame.attrs["emails"] == "clear"
        assert set(frame["email"]) <= set(addresses_of(shared_env))
        assert len(found(frame["email"].tolist(), all_content(frame, tmp_path))) == len(frame) > 0
        assert frame["email"].map(mask).tolist() == masked["email"].tolist()
        rest = [name for name in frame.columns if name != "email"]
        pd.testing.assert_frame_equal(frame[rest], masked[rest])
    again = method_of(clear_link, endpoint)(**given, emails="masked")
    assert again.attrs["emails"] == "masked"
    assert found(addresses_of(shared_env), all_content(again, tmp_path)) == []


def test_only_email_columns_contain_addresses() -> None:
    named = {e.qualified_name for e in ENDPOINTS for c in e.columns if c.kind == "email" and not c.masked}
    assert sorted(named) == sorted(UNMASKABLE)
    for endpoint in (*ENDPOINTS, *WRITES):
        for column in endpoint.columns:
            assert (column.kind == "email") == ("email" in column.name), (
                endpoint.qualified_name,
                column.name,
            )
    assert {c.masked for write in WRITES for c in write.columns if c.kind == "email"} == {"email"}


def test_addresses_masked_by_the_exchange_are_always_masked(env: SandboxEnv) -> None:
    row = {"customerId": "", "income": "1", "asset": "USDT", "symbol": "BTCUSDT", "orderId": 1, "tradeId": 2}
    rows = [{**row, "email": email, "time": env.now - 9} for email in ("om***@***.com", SAME_MASK[0])]
    put(env, ENDPOINTS_BY_NAME["spot.rebates"], rows)
    frame = env.new_link(emails="clear").spot.rebates()
    assert frame["email"].tolist() == ["om***@***.com", mask(SAME_MASK[0])]
    assert frame.attrs["emails"] == "masked"


# -- compared by address -------------------------------------------------------------------------


def test_customers_with_the_same_mask_stay_separate(env: SandboxEnv, monkeypatch: pytest.MonkeyPatch) -> None:
    assert mask(SAME_MASK[0]) == mask(SAME_MASK[1])
    endpoint_name = smaller("futures.customers", 1)
    rows: list[dict[str, object]] = [{"customerId": "desk", "email": email} for email in SAME_MASK]
    put(env, endpoint_name, rows)
    frame = env.link._fetcher.fetch(endpoint_name, {})
    assert frame.attrs["requests"] >= 2
    assert frame["email"].tolist() == ["am***@***.example"] * 2
    # A row on two pages is kept once.
    builder = FrameBuilder(endpoint_name, "float")
    for _ in range(2):
        builder.add(rows)
    assert len(builder.frame({})) == 2


def test_an_address_may_be_missing() -> None:
    builder = FrameBuilder(ENDPOINTS_BY_NAME["spot.customers"], "float")
    builder.add([{"customerId": "a", "email": None}, {"customerId": "b", "email": ""}])
    emails = builder.frame({})["email"]
    assert pd.isna(emails[0])
    assert emails[1] == ""
    with pytest.raises(ContractError, match="`email`: a number is not text"):
        builder.add([{"customerId": "c", "email": 1}])


def test_partial_rows_are_masked(env: SandboxEnv, tmp_path: Path) -> None:
    endpoint_name = smaller("exchange.sub_accounts", 5)
    rows = [account(n, env.now) | {"email": f"person-{n}@post.example"} for n in range(50)]
    put(env, endpoint_name, rows)

    def partial(emails: Emails | None) -> pd.DataFrame:
        begun = len(env.exchange.log)

        def interrupt() -> None:
            if len(env.exchange.log) >= begun + 4:
                raise KeyboardInterrupt

        unwatch = env.link.budget.watch(interrupt)
        with pytest.raises(KeyboardInterrupt) as caught:
            env.link._fetcher.fetch(endpoint_name, {}, emails=emails)
        unwatch()
        frame: pd.DataFrame = caught.value.partial  # type: ignore[attr-defined]
        assert 0 < len(frame) < 50
        return frame

    assert "person-" not in all_content(partial(None), tmp_path)
    assert partial("clear")["email"][0] == "person-0@post.example"


# -- writes ---------------------------------------------------------------------


@pytest.mark.parametrize("system", ["spot", "futures"])
@pytest.mark.parametrize("kind", ["reset", "reset-before"])
def test_reconciling_compares_addresses_not_masks(write_env: WriteEnv, system: str, kind: str) -> None:
    one, other = write_env.world.customers[:2]
    one.email, other.email = SAME_MASK
    endpoint_name = f"{system}.set_customer_id"
    assert getattr(write_env.ops, system).set_customer_id("the id", other.email)
    assert getattr(write_env.ops, system).set_customer_id("another", other.email)
    # Now `one` asks for the id, which another customer has or not.
    write_env.fail(endpoint_name, kind)
    failure = getattr(write_env.ops, system).set_customer_id("the id", one.email)
    if kind == "reset-before":
        other.id = "the id"
    assert failure.reconcile().status == ("confirmed" if kind == "reset" else "rejected")
    if failure:
        assert failure.require_confirmed()["email"].tolist() == [mask(one.email)]


def test_partial_rows_of_reconciling_are_masked(write_env: WriteEnv, tmp_path: Path) -> None:
    customer = write_env.world.customers[0]
    write_env.fail("spot.set_customer_id", "reset")
    failure = write_env.ops.spot.set_customer_id("the id", customer.email)
    write_env.faults.add("unknown-field", path=ENDPOINTS_BY_NAME["spot.customers"].path, method="GET")
    with pytest.raises(UndeclaredFieldWarning) as caught:
        failure.reconcile()
    assert caught.value.partial is not None
    assert caught.value.partial["email"].tolist() == [mask(customer.email)]
    assert caught.value.partial.attrs["emails"] == "masked"
    assert customer.email not in all_content(caught.value.partial, tmp_path)


def test_an_outcome_shows_the_mask_and_the_list_the_address(write_env: WriteEnv, tmp_path: Path) -> None:
    link = write_env.env.new_link(emails="clear")
    ops = link.operations(journal=write_env.folder)
    outcome = ops.exchange.create_sub_account(tag="desk 17")
    address = write_env.world.accounts[-1].email
    frame = outcome.require_confirmed()
    assert frame["email"].tolist() == [mask(address)]
    assert frame.attrs["emails"] == "masked"
    assert address not in all_content(frame, tmp_path) + outcome._repr_html_()
    assert address.encode() not in ops.journal.read_bytes()
    assert write_env.env.link.exchange.sub_accounts(emails="clear")["email"].iloc[-1] == address


# -- the account panel -----------------------------------------------------------------------------------


@pytest.fixture
def demo() -> Iterator[DemoLink]:
    with toolkit.demo(seed=7) as link:
        yield link


@pytest.mark.parametrize(("given", "shown"), [({}, "masked"), ({"emails": "clear"}, "clear")])
def test_a_demo_masks_addresses(given: Mapping[str, Any], shown: str) -> None:
    with toolkit.demo(seed=7, **given) as link:
        assert link.exchange.sub_accounts().attrs["emails"] == shown


def test_the_panel_finds_a_full_address_and_shows_none(demo: DemoLink) -> None:
    assert demo.sandbox is not None
    addresses = [each.email for each in demo.sandbox.world.accounts]
    with accounts(demo, fetch=True) as panel:
        panel._repr_mimebundle_()
        wait_for(panel, "Refresh ·")
        static = panel._repr_mimebundle_()["text/html"]
        shown = seen(panel)
        assert mask(addresses[0]) in static
        assert mask(addresses[0]) in shown
        assert found(addresses, static + shown + repr(panel)) == []
        panel._filter.value = addresses[3]
        wait_for(panel, "1 of 240")
        assert found(addresses, seen(panel)) == []
        assert any(getattr(each, "value", "") == addresses[3] for each in tree(panel.widget))


def test_partial_rows_of_the_panel_are_masked(demo: DemoLink, tmp_path: Path) -> None:
    assert demo.sandbox is not None
    addresses = [each.email for each in demo.sandbox.world.accounts]
    path = ENDPOINTS_BY_NAME["exchange.sub_accounts"].path
    demo.sandbox.exchange.faults.add("unknown-field", path=path)
    with accounts(demo, fetch=True) as panel:
        panel._repr_mimebundle_()
        assert panel.wait(60.0)
        assert isinstance(panel.error, UndeclaredFieldWarning)
        partial = panel.error.partial
        assert partial is not None
        assert partial["email"].tolist() == [mask(address) for address in addresses]
        assert partial["email"].dtype == pd.StringDtype()
        assert found(addresses, all_content(partial, tmp_path)) == []


# -- undeclared endpoints ---------------------------------------------------------------


def frame_of(payload: Any, emails: Emails = "masked") -> pd.DataFrame:
    endpoint, rows = infer("/sapi/v1/x", SAPI_IP, payload, emails)
    builder = FrameBuilder(endpoint, "float", emails)
    builder.add(rows)
    return builder.frame({})


NESTED = {
    "userEmail": SAME_MASK[0],
    "parentEmail": "nobody",
    "login": SAME_MASK[1],
    "userId": "lee@post.example",
    "note": f"ask {SAME_MASK[0]} or {SAME_MASK[1]}.",
    "link": "https://www.example/?to=amber.lee%40post.example&n=1",
    "nested": {
        "email": "nobody",
        "workEmail": {"name": "nobody"},
        "deep": [{"who": SAME_MASK[0], SAME_MASK[0]: 1, SAME_MASK[1]: 2}],
    },
    "members": list(SAME_MASK),
    "emails": ["nobody"],
    SAME_MASK[0]: 1,
    SAME_MASK[1]: 2,
    "amount": "1.5",
    "isEmail": True,
    "count": 3,
}


def test_nested_addresses_are_masked(tmp_path: Path) -> None:
    frame = frame_of([NESTED, NESTED])
    shown = all_content(frame, tmp_path)
    for piece in (*SAME_MASK, "amber", "amy", "post.ex", "mail.ex", "nobody", "lee@", "%40"):
        assert piece not in shown
    first = {name: frame[name][0] for name in frame.columns}
    assert first["user_email"] == first["login"] == "am***@***.example"
    assert first["parent_email"] == "***"
    assert first["note"] == "ask am***@***.example or am***@***.example."
    assert first["nested_email"] == first["nested_work_email_name"] == "***"
    assert sorted(json.loads(first["nested_deep"])[0].values(), key=str) == [1, 2, "am***@***.example"]
    assert first["members"] == ["am***@***.example"] * 2
    assert first["emails"] == ["***"]
    assert first["amount"] == 1.5
    assert bool(first["is_email"])
    assert first["count"] == 3
    assert frame.shape == (2, len(NESTED) + 2)  # three fields of the nested object


def test_nested_addresses_are_returned_on_request() -> None:
    frame = frame_of([NESTED], "clear")
    assert frame["user_email"][0] == SAME_MASK[0]
    assert frame["note"][0] == NESTED["note"]
    assert frame["nested_email"][0] == "nobody"
    assert json.loads(frame["nested_deep"][0]) == NESTED["nested"]["deep"]
    assert frame["members"][0] == SAME_MASK
    assert frame.attrs["emails"] == "clear"


def test_a_column_of_addresses_is_always_text() -> None:
    assert frame_of([{"email": "007"}], "clear")["email"].tolist() == ["007"]
    assert frame_of([{"email": "007"}])["email"].tolist() == ["***"]


def test_get_masks_undeclared_fields(shared_env: SandboxEnv, tmp_path: Path) -> None:
    path, address = ENDPOINTS_BY_NAME["spot.customers"].path, shared_env.sandbox.world.customers[0].email
    frame = shared_env.link.get(path)
    assert frame.attrs["emails"] == "masked"
    assert frame["email"].tolist() == shared_env.link.spot.customers()["email"].tolist()
    assert found(addresses_of(shared_env), all_content(frame, tmp_path)) == []
    clear = shared_env.link.get(path, emails="clear")
    assert clear["email"].tolist() == shared_env.link.spot.customers(emails="clear")["email"].tolist()
    assert clear.attrs["emails"] == shared_env.new_link(emails="clear").get(path).attrs["emails"] == "clear"
    assert (
        shared_env.link.get("/sapi/v1/broker/info").attrs["emails"] == "masked"
    )  # any column may contain addresses
    asked = shared_env.link.get(path, customerId=address)
    assert asked.attrs["parameters"] == {"customerId": mask(address)}


# -- invalid arguments --------------------------------------------------------------------------------------

BAD: list[Any] = ["", "Clear", "hidden", True, 1, "someone@post.example"]


@pytest.mark.parametrize("bad", BAD)
def test_emails_are_masked_or_clear(env: SandboxEnv, bad: Any) -> None:
    calls: list[Callable[..., object]] = [
        partial(method_of(env.link, endpoint), **required_arguments(endpoint, VALUES))
        for endpoint in map(ENDPOINTS_BY_NAME.__getitem__, UNMASKABLE)
    ]
    calls += [env.new_link, toolkit.demo, lambda emails: env.link.get("/sapi/v1/broker/info", emails=emails)]
    for call in calls:
        with pytest.raises(
            UsageError, match=r'`emails` must be "masked" or "clear"\. Nothing was sent'
        ) as caught:
            call(emails=bad)
        assert "someone" not in str(caught.value)
    assert env.sent() == []


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda endpoint: endpoint.qualified_name)
def test_other_endpoints_have_no_emails_argument(shared_link: Link, endpoint: Endpoint) -> None:
    if endpoint.qualified_name not in UNMASKABLE:
        with pytest.raises(TypeError, match="emails"):
            method_of(shared_link, endpoint)(**required_arguments(endpoint, VALUES), emails="clear")
