"""A user's own names of customers and sub-accounts: read, checked, and put beside ids."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import toolkit
from tests.support.recording import RecordedRequest, answer, recording_server
from tests.support.sandbox_env import SandboxEnv
from tests.support.writes import WriteEnv
from toolkit.endpoints import BASE_URLS, ENDPOINTS, WRITES
from toolkit.errors import NotFoundError, UsageError
from toolkit.fetch.given_names import names_from
from toolkit.frames.names import name_column

NAME = "Ömer’s Fund"


@pytest.fixture(scope="module")
def ids(shared_env: SandboxEnv) -> list[str]:
    return list(shared_env.link.exchange.sub_accounts()["sub_account_id"])


# -- in frames ----------------------------------------------------------------------------------------------


NAMED = [
    (endpoint.qualified_name, column.name, [each.name for each in endpoint.columns])
    for endpoint in (*ENDPOINTS, *WRITES)
    for column in endpoint.columns
    if column.named
]


def test_the_ids_of_customers_and_sub_accounts_are_declared_as_such() -> None:
    assert {column for _, column, _ in NAMED} >= {"customer_id", "sub_account_id", "from_id", "to_id"}
    for endpoint, column, columns in NAMED:
        assert column.endswith("_id"), endpoint
        assert name_column(column) not in columns, endpoint
    declared = {(endpoint, column) for endpoint, column, _ in NAMED}
    for endpoint in (*ENDPOINTS, *WRITES):
        for each in endpoint.columns:
            if each.name in ("customer_id", "sub_account_id"):
                assert (endpoint.qualified_name, each.name) in declared


def test_names_stand_beside_the_ids(
    shared_env: SandboxEnv, shared_link: toolkit.Link, ids: list[str]
) -> None:
    plain = shared_link.exchange.spot_balances()
    named = shared_env.new_link(names={ids[0]: NAME, ids[2]: NAME, "1": "of no account"})
    frame = named.exchange.spot_balances()
    assert list(frame)[:2] == ["sub_account_id", "sub_account_name"]
    pd.testing.assert_frame_equal(frame.drop(columns="sub_account_name"), plain)
    assert frame["sub_account_name"].dtype == pd.StringDtype() == frame["sub_account_id"].dtype
    by_id = dict(zip(frame["sub_account_id"], frame["sub_account_name"], strict=True))
    assert by_id[ids[0]] == by_id[ids[2]] == NAME
    assert frame["sub_account_name"].notna().sum() == 2


def test_both_sides_of_a_transfer_have_names(shared_env: SandboxEnv, ids: list[str]) -> None:
    named = shared_env.new_link(names=dict.fromkeys(ids, NAME))
    frames = (named.exchange.transfers(to_id=each, start="-30D") for each in ids)
    frame = next(each for each in frames if len(each))
    assert list(frame)[:4] == ["from_id", "from_name", "to_id", "to_name"]
    assert (frame["to_name"] == NAME).all()
    assert (frame["from_name"].notna() == frame["from_id"].isin(ids)).all()


def test_an_empty_frame_has_the_column_of_names(shared_env: SandboxEnv) -> None:
    link = shared_env.new_link(names={})
    frame = link.spot.rebates(start="-60min", end="-59min", customer_id="nobody")
    assert len(frame) == 0
    assert frame["customer_name"].dtype == pd.StringDtype()
    assert list(frame).index("customer_name") == list(frame).index("customer_id") + 1


def test_rows_before_an_error_have_names(shared_env: SandboxEnv, ids: list[str]) -> None:
    with recording_server(shared_env.sandbox.address) as server:

        def respond(request: RecordedRequest) -> bytes:
            if "page=2" in request.target:
                return answer(400, b'{"code": -1121, "msg": "Invalid symbol."}')
            return server._answer(request.raw)

        server.respond = respond
        link = shared_env.new_link(hosts=dict.fromkeys(BASE_URLS, server.address), names={ids[0]: NAME})
        with pytest.raises(NotFoundError) as raised:
            link.exchange.sub_accounts()
    assert raised.value.partial is not None
    assert raised.value.partial["sub_account_name"][0] == NAME


def test_names_survive_an_export(shared_env: SandboxEnv, ids: list[str], tmp_path: Path) -> None:
    frame = shared_env.new_link(names={ids[0]: NAME}).exchange.spot_balances()
    frame.to_parquet(tmp_path / "balances.parquet")
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "balances.parquet"), frame)


def test_names_are_sent_nowhere_and_shown_in_no_text(shared_env: SandboxEnv, ids: list[str]) -> None:
    with recording_server(shared_env.sandbox.address) as server:
        link = shared_env.new_link(
            hosts=dict.fromkeys(BASE_URLS, server.address), names={ids[0]: "Secretariat"}
        )
        link.exchange.spot_balances(sub_account_id=ids[0])
        with pytest.raises(toolkit.errors.ApiError) as raised:
            link.exchange.api_keys(sub_account_id="7")
        assert server.sent
        assert not any(b"Secretariat" in each.raw for each in server.sent)
    shown = [repr(link), str(link.exchange), repr(link._fetcher.names), str(raised.value), str(link.doctor())]
    assert not any("Secretariat" in each for each in shown)


def test_outcomes_have_names_and_the_journal_has_none(write_env: WriteEnv) -> None:
    account = write_env.env.link.exchange.sub_accounts()["sub_account_id"][0]
    link = write_env.env.new_link(names={account: "Secretariat"})
    ops = link.operations(journal=write_env.folder)
    done = ops.exchange.set_spot_bnb_burn(account, enabled=True)
    assert done.frame is not None
    assert list(done.frame["sub_account_name"]) == ["Secretariat"]
    write_env.fail("exchange.set_um_commission", "reset")
    lost = ops.exchange.set_um_commission(account, symbol="BTCUSDT", maker_adjustment=1, taker_adjustment=1)
    assert lost.reconcile().status in ("confirmed", "rejected", "unknown")
    assert b"Secretariat" not in b"".join(each.read_bytes() for each in write_env.folder.iterdir())


def test_a_link_shows_the_names_it_was_given() -> None:
    link = toolkit.Link(key="k" * 64, secret="s" * 64, names={1: " Ada ", "2": "", 3: "Bo"})
    assert dict(link.names) == {"1": "Ada", "3": "Bo"}
    with pytest.raises(TypeError):
        link.names["2"] = "Cy"  # type: ignore[index]
    assert dict(toolkit.Link(key="k" * 64, secret="s" * 64).names) == {}


def test_the_demo_takes_names(ids: list[str]) -> None:
    with toolkit.demo(names={ids[0]: NAME}) as link:
        assert link.exchange.sub_accounts()["sub_account_name"][0] == NAME
    with pytest.raises(UsageError, match="it must be a dict"):
        toolkit.demo(names=[ids[0]])  # type: ignore[arg-type]


# -- where they come from -----------------------------------------------------------------------------------


def of(given: Any) -> dict[str, str]:
    names = names_from(given)
    assert names is not None
    return dict(names.by_id)


@pytest.mark.parametrize(
    "given",
    [
        {"123": "Ada", "om-7": NAME},
        {123: "Ada", "om-7": NAME},
        {np.int64(123): "Ada", "om-7": NAME},
        pd.DataFrame({"id": ["123", "om-7"], "name": ["Ada", NAME], "since": [1, 2]}),
        pd.DataFrame({"name": ["Ada", NAME, None], "id": [123, "om-7", "8"]}),
        pd.DataFrame({"id": ["123", "om-7"], "name": ["Ada", NAME]}, dtype="string"),
    ],
)
def test_names_of_a_dict_or_frame(given: Any) -> None:
    assert of(given) == {"123": "Ada", "om-7": NAME}


@pytest.mark.parametrize(
    "text",
    [
        f"id,name\n123,Ada\nom-7,{NAME}\n",
        f"\ufeffid;name\r\n123;Ada\r\n\r\nom-7;{NAME}\r\n8;\r\n",
        f'"Name"\t"ID"\tsince\nAda\t123\t\n"{NAME}"\tom-7\t2026\n',
        f"ID , Name\n 123 , Ada \nom-7,{NAME}",
    ],
)
@pytest.mark.parametrize("kind", [str, Path])
def test_names_of_a_file(text: str, kind: Callable[[Path], str | Path], tmp_path: Path) -> None:
    path = tmp_path / "names.csv"
    path.write_bytes(text.encode())
    assert of(kind(path)) == {"123": "Ada", "om-7": NAME}


LONG = 100_000_000_000_001_234
REFUSED: list[tuple[Any, str]] = [
    ([1], "it must be a dict of names by id, .* not list"),
    ({1: "Ada", "1": "Bo"}, "key 1 and key 2 have the same id"),
    ({1.0: "Ada"}, r"key 1: the id 1\.0 is a float, which does not hold every digit"),
    ({1e18: "Ada"}, r"the id 1e\+18 is a float"),
    ({np.float32(7): "Ada"}, "float"),
    ({True: "Ada"}, "key 1: the id is not text but bool"),
    ({("1",): "Ada"}, "not text but tuple"),
    ({None: "Ada"}, "key 1 has no id"),
    ({" ": "Ada"}, "key 1 has no id"),
    ({"1": "Ada", "2": 3}, "key 2: the name is not text but int"),
    ({"1.0": "Ada"}, r"the id '1\.0' was a float"),
    ({"1.00000000000001E+17": "Ada"}, "has an exponent, as Excel writes long numbers"),
    ({"1,00235E+17": "Ada"}, "has an exponent"),
    ({"1e18": "Ada"}, "has an exponent"),
    ({"########": "Ada"}, "is what Excel shows in place of an id"),
    ({"#NAME?": "Ada"}, "is what Excel shows in place of an id"),
    ({'="123"': "Ada"}, "is in quotes"),
    ({"'123": "Ada"}, "is in quotes"),
    ({str(LONG - 1234 + 1000 * i): "Ada" for i in range(3)}, "Excel has rounded them"),
    (pd.DataFrame({"id": ["1"], "label": ["Ada"]}), "needs one column 'name', and has none"),
    (
        pd.DataFrame([["1", "Ada", "Bo"]], columns=["id", "name", "name"]),
        "needs one column 'name', and has 2",
    ),
    (pd.DataFrame({"id": [1.0, 2.0], "name": ["Ada", "Bo"]}), r"the ids are floats \(float64\).*dtype="),
    (pd.DataFrame({"id": ["1", None], "name": ["Ada", "Bo"]}), "row 2 has no id"),
    (pd.DataFrame({"id": ["1", "1"], "name": ["Ada", "Ada"]}), "row 1 and row 2 have the same id"),
]


@pytest.mark.parametrize(("given", "said"), REFUSED)
def test_names_that_cannot_be_used_are_refused(given: Any, said: str) -> None:
    with pytest.raises(UsageError, match=said) as raised:
        toolkit.Link(key="k" * 64, secret="s" * 64, names=given)
    assert str(raised.value).startswith("`names`: ")
    assert str(raised.value).endswith("Nothing was sent.")
    assert "Ada" not in str(raised.value)


def test_long_ids_that_end_in_zeros_by_chance_are_accepted() -> None:
    assert len(of({str(LONG - 1234): "Ada"})) == 1
    assert len(of({str(LONG - 1234 + 1000 * i): "Ada" for i in range(3)} | {str(LONG): "Bo"})) == 4


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "the first line of the file must name its columns"),
        (b"123,Ada\n", "the first line of the file must name its columns"),
        (b"id,id,name\n", "the first line of the file must name its columns"),
        (b"id,name\n1,Ada\n2\n", "names.csv, line 3 has 1 of 2 columns"),
        (b"id,name\n1,Ada\n1,Bo\n", "names.csv, line 2 and names.csv, line 3 have the same id"),
        (b"id;name\n1,0E+17;Ada\n", "line 2: the id '1,0E\\+17' has an exponent"),
        (b"id,name\n1,\xd6mer\n", "names.csv is not UTF-8: in Excel, save it as .CSV UTF-8."),
        (b'id,name\n1,"Ada', "line 2 is not CSV"),
        (b'id,name\n1,"Ada" x\n', "line 2 is not CSV"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused(content: bytes, said: str, tmp_path: Path) -> None:
    path = tmp_path / "names.csv"
    path.write_bytes(content)
    with pytest.raises(UsageError, match=said) as raised:
        names_from(path)
    assert "Ada" not in str(raised.value)


NO_FILE = "there is no file at this path"


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("", NO_FILE),
        ("/no/such/file.csv", NO_FILE),
        ("/", NO_FILE),
        ("\0", "(there is no file at this|it is not a) path"),
        ("~nobody-of-this-name/names.csv", "it is not a path"),
    ],
)
def test_a_path_that_leads_to_no_file_is_refused(path: str, said: str) -> None:
    with pytest.raises(UsageError, match=rf"the file cannot be read \({said}\)"):
        names_from(path)


def test_names_are_checked_before_keys_are_looked_for() -> None:
    with pytest.raises(UsageError, match="`names`"):
        toolkit.Link(profile="no such profile", names=7)  # type: ignore[arg-type]
