"""What `make generate` says about a declaration or an example response that is not right."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from scripts import generate_api
from scripts.generate import checks
from tests.support.paths import ROOT
from toolkit.endpoints import NAMESPACES, SAPI_IP, Column, Endpoint, Namespace, Paging, Param, Window
from toolkit.endpoints.model import Steps

EXAMPLE = "toolkit/sandbox/examples/spot.payments.json"
PAYMENTS = {
    "rows": [
        {"id": 1, "asset": "BNB", "amount": "10.5", "paidAt": 1_637_366_104_000},
        {"id": 2, "asset": "BTC", "amount": "0.5", "paidAt": 1_637_366_105_000},
    ],
    "total": 2,
}


def declared(**changes: Any) -> Endpoint:
    facts: dict[str, Any] = {
        "name": "payments",
        "system": "spot",
        "path": "/sapi/v1/payments",
        "rate_limit": SAPI_IP,
        "params": (Param(field="asset", name="asset", kind="text", doc="Only this asset."),),
        "window": Window(max_span=timedelta(days=30), default=timedelta(days=7)),
        "paging": Paging(kind="limit", size="limit", default=20, maximum=500),
        "rows_field": "rows",
        "ignored": ("total",),
        "columns": (
            Column(name="payment_id", field="id", kind="id", doc="The id."),
            Column(name="asset", field="asset", kind="text", doc="The asset."),
            Column(name="amount", field="amount", kind="amount", doc="The amount."),
            Column(name="time", field="paidAt", kind="time", doc="When it was paid, UTC."),
        ),
        "identity": ("payment_id",),
        "order_by": "time",
        "summary": "Payments, one row each.",
        "source": "https://developers.binance.com/en/docs/catalog/spot",
    }
    return Endpoint(**facts | changes)


def with_column(name: str, /, **changes: Any) -> tuple[Column, ...]:
    """The columns, one of them changed."""
    return tuple(replace(each, **changes) if each.name == name else each for each in declared().columns)


def found(
    root: Path,
    endpoint: Endpoint,
    responses: object = None,
    listed: tuple[Endpoint, ...] | None = None,
    file: str = EXAMPLE,
) -> list[str]:
    """What is said about one declared endpoint and the file with its example."""
    path = root / file
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps({"documented": PAYMENTS} if responses is None else responses)
    path.write_text(responses if isinstance(responses, str) else text, "utf-8")
    module = ModuleType("toolkit.endpoints.market")
    vars(module).update(PAYMENTS=endpoint, ENDPOINTS=(endpoint,) if listed is None else listed)
    namespace = Namespace(
        system="spot",
        title="Market",
        module=module,
        about="payments",
        documentation="https://developers.binance.com/en/docs/catalog/spot",
    )
    return checks.problems((namespace,), root)


def test_the_declarations_are_right() -> None:
    assert checks.problems(NAMESPACES, ROOT) == []


def test_nothing_is_said_where_nothing_is_wrong(tmp_path: Path) -> None:
    assert found(tmp_path, declared()) == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"identity": ("id",)},
            "identity has 'id', which is none of its columns: payment_id, asset,",
        ),
        ({"order_by": "paidAt"}, "order_by has 'paidAt', which is none of its columns"),
        ({"name": "paidOut"}, "'paidOut' is not a name in lowercase letters, digits and underscores"),
        ({"columns": with_column("time", name="paidAt"), "order_by": None}, "'paidAt' is not a name"),
        ({"system": "futures"}, "it is listed among the endpoints of 'spot'"),
        ({"columns": with_column("asset", field="")}, "'asset' needs a field, or it is derived"),
        ({"columns": with_column("asset", derived="answered")}, "'asset' needs a field, or it is derived"),
        (
            {"columns": with_column("asset", field="", derived="closed", of="paid")},
            "`of` of `asset` has 'paid', which is none of its columns",
        ),
        (
            {"columns": with_column("asset", field="", derived="requested", of="wallet")},
            "'asset' has the value of 'wallet', which is no parameter of the kind 'text'",
        ),
        ({"steps": Steps(param="interval")}, "steps has 'interval', which is none of its parameters"),
        ({"steps": Steps(param="asset"), "order_by": None}, "need a window, paging of the kind 'limit'"),
        ({"row_lists": {"bids": "bid"}}, "come in one response, without a window or paging"),
        ({"weight": lambda sent: 1}, "give its weight rule a docstring"),
        (
            {"params": (Param(field="a", name="asset", kind="text", doc="The asset.", required=True),)},
            "the parameter `asset` needs an `example`",
        ),
        (
            {"params": (Param(field="a", name="asset", kind="text", doc="", columns=("coin",)),)},
            "columns of `asset` has 'coin', which is none",
        ),
        (
            {"params": (Param(field="asset", name="asset", kind="text", doc="", several=True),) * 2},
            "or for those of `at_least_one`, not asset, asset",
        ),
        (
            {"params": (Param(field="wallet", name="wallet", kind="text", doc="", several=True),)},
            "no column has the value of 'wallet', so its rows could not be told apart",
        ),
        (
            {"paging": Paging(kind="limit", size="limit", default=20, maximum=500, by_window=True)},
            "`by_window` needs a window, and paging of the kind 'id'",
        ),
    ],
)
def test_a_declaration_that_contradicts_itself(tmp_path: Path, changes: Mapping[str, Any], said: str) -> None:
    endpoint = declared(**changes)
    first = found(tmp_path, endpoint)[0]
    assert first.startswith(f"{endpoint.qualified_name}: ")
    assert said in first


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"ignored": ()}, "no column for total. Declare one, or add the field to `ignored`."),
        ({"rows_field": "data.rows"}, "the response has no list of rows named 'data.rows'"),
        ({"newest_first": True}, "rows 0 and 1 are not in the documented order"),
        ({"columns": with_column("amount", field="qty")}, "row 0 has no field 'qty'"),
        ({"columns": with_column("amount", kind="time")}, "column `amount`"),
    ],
)
def test_a_declaration_that_does_not_fit_the_example(
    tmp_path: Path, changes: Mapping[str, Any], said: str
) -> None:
    (problem,) = found(tmp_path, declared(**changes))
    assert problem.startswith(f"{EXAMPLE}, 'documented': ")
    assert said in problem


@pytest.mark.parametrize(
    ("responses", "said"),
    [
        ({"payments": PAYMENTS}, 'does not begin with {"documented": ...}.'),
        (PAYMENTS, 'does not begin with {"documented": ...}.'),
        ([], 'does not begin with {"documented": ...}.'),
        ("{'documented': 1}", "is not JSON: Expecting property name enclosed in double quotes"),
        ({"documented": {"rows": [], "total": 0}}, "'documented': it has no row."),
        ({"documented": PAYMENTS, "sdk": PAYMENTS | {"page": 1}}, "'sdk': no column for page."),
    ],
)
def test_an_example_that_cannot_be_used(tmp_path: Path, responses: object, said: str) -> None:
    (problem,) = found(tmp_path, declared(), responses)
    assert problem.startswith(EXAMPLE)
    assert said in problem


def test_an_example_under_another_name(tmp_path: Path) -> None:
    other = "toolkit/sandbox/examples/spot.payment.json"
    assert found(tmp_path, declared(), file=other) == [
        f'{EXAMPLE} is missing: {{"documented": <the example response on the page>}}.',
        f"{other}: no read has this name; <system>.<name>.json is expected.",
    ]


def test_an_endpoint_that_is_declared_and_not_listed(tmp_path: Path) -> None:
    module = "toolkit.endpoints.market"
    said = f"PAYMENTS of {module} is not in ENDPOINTS of {module}, so it has no method."
    assert found(tmp_path, declared(), listed=())[0] == f"spot.payments: {said}"


def test_a_module_has_no_name_of_an_argument(tmp_path: Path) -> None:
    """The method would read the argument in place of the module: `market.PAYMENTS`."""
    market = Param(field="market", name="market", kind="text", doc="Only this market.")
    said = "spot.payments: toolkit.endpoints.market has the name of an argument"
    assert found(tmp_path, declared(params=(market,)))[0].startswith(said)


def test_a_name_is_declared_once(tmp_path: Path) -> None:
    endpoint = declared()
    assert "spot.payments: declared 2 times." in found(tmp_path, endpoint, listed=(endpoint, endpoint))


def test_endpoints_of_one_route_agree_about_its_requests(tmp_path: Path) -> None:
    endpoint, same = declared(), declared(name="payers")
    said = "spot.payers: GET /sapi/v1/payments is not declared as in spot.payments."
    assert said not in found(tmp_path, endpoint, listed=(endpoint, same))
    for change in (
        {"weight": 7},
        {"security": "NONE"},
        {"params": (Param(field="x", name="x", kind="text", doc="X."),)},
    ):
        assert said in found(tmp_path, endpoint, listed=(endpoint, replace(same, **change)))


@pytest.mark.parametrize("arguments", [[], ["--check"]])
def test_nothing_is_generated_from_a_declaration_that_is_not_right(
    arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert generate_api.main(arguments, tmp_path) == 1, "no example is there"
    said = capsys.readouterr().out
    assert "toolkit/sandbox/examples/spot.rebates.json is missing" in said
    assert said.endswith("Nothing was generated. CONTRIBUTING.md says how to declare an endpoint.\n")
    assert list(tmp_path.iterdir()) == []
