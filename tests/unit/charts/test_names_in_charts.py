"""Charts call customers and sub-accounts by the user's own names, and tell them apart by their ids."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import pandas as pd
import pytest
from matplotlib.axes import Axes

from tests.support.sandbox_env import SandboxEnv
from toolkit import charts

LONG = "The Very Long Name of a Fund in the Caymans"


@pytest.fixture(autouse=True)
def _figures() -> Iterator[None]:
    with mpl.rc_context({"backend": "agg"}):
        yield
        plt.close("all")


def balances(**columns: Any) -> pd.DataFrame:
    plain = {"sub_account_id": ["11", "12", "13"], "total_balance_of_btc": [3.0, 2.0, 1.0]}
    return pd.DataFrame(plain | columns)


def rebates(customers: list[str], names: list[str | None], **more: Any) -> pd.DataFrame:
    plain = {"time": pd.Timestamp("2026-03-01", tz="UTC"), "income": [4.0, 3.0, 2.0][: len(customers)]}
    return pd.DataFrame(
        plain | {"asset": "USDT", "customer_id": customers, "customer_name": names} | more,
        index=range(len(customers)),
    )


def bar_names(ax: Axes) -> list[str]:
    return [label.get_text() for label in ax.get_yticklabels()][::-1]


def legend(ax: Axes) -> list[str]:
    box = ax.get_legend()
    assert box is not None
    return [text.get_text() for text in box.get_texts()]


def alternative_text(ax: Axes) -> str:
    return str(ax.figure._repr_mimebundle_()[1]["image/png"]["alt"])  # type: ignore[union-attr]


def test_bars_have_names_and_the_text_their_ids() -> None:
    ax = charts.balances(balances(sub_account_name=["Ada", None, LONG]))
    assert bar_names(ax) == ["Ada", "12", f"{LONG[:31]}…"]
    assert alternative_text(ax).endswith(f" Ada is 11; {LONG[:31]}… is 13.")
    plain = charts.balances(balances())
    assert bar_names(plain) == ["11", "12", "13"]
    assert " is " not in alternative_text(plain)


@pytest.mark.parametrize(
    ("names", "shown"),
    [
        (["Ada", "Ada", "Bo"], ["Ada (11)", "Ada (12)", "Bo"]),
        ([None, "11", "Bo"], ["11", "11 (12)", "Bo"]),
        ([LONG, LONG, pd.NA], [f"{LONG[:26]}… (11)", f"{LONG[:26]}… (12)", "13"]),
    ],
)
def test_two_of_one_name_keep_their_ids(names: list[Any], shown: list[str]) -> None:
    ax = charts.balances(balances(sub_account_name=names))
    assert bar_names(ax) == shown
    assert len(set(shown)) == 3


def test_names_in_the_index_are_found() -> None:
    frame = balances(sub_account_name=["Ada", "Bo", "Cy"]).set_index(["sub_account_id", "sub_account_name"])
    assert bar_names(charts.balances(frame["total_balance_of_btc"])) == ["Ada", "Bo", "Cy"]


@pytest.mark.parametrize("by", ["customer_id", "customer_name"])
def test_stacks_are_by_id_and_called_by_name(by: str) -> None:
    frame = rebates(["om-1", "om-2", "om-3"], ["Ada", "Ada", None])
    ax = charts.rebates(frame, by=by)
    assert legend(ax) == ["Ada (om-1)", "Ada (om-2)", "om-3"]
    assert [bar.get_height() for bar in ax.patches] == [4.0, 3.0, 2.0]
    assert "is om-" not in alternative_text(ax), "they have their ids already"
    ax = charts.rebates(rebates(["om-1", "om-2"], ["Ada", "Bo"]), by=by)
    assert legend(ax) == ["Ada", "Bo"]
    assert alternative_text(ax).endswith(" Ada is om-1; Bo is om-2.")


def test_customers_without_an_id_are_called_none() -> None:
    frame = rebates(["", "12", "13"], [None, "Ada", None])
    ax = charts.rebates(frame, by="customer_id")
    assert legend(ax)[:3] == ["(none)", "Ada", "13"]


def test_an_id_that_has_had_two_names_is_called_by_its_id() -> None:
    frame = rebates(["om-1", "om-1", "om-2"], ["Ada", "Adele", "Bo"])
    assert legend(charts.rebates(frame, by="customer_id")) == ["om-1", "Bo"]


def test_a_column_of_names_without_ids_is_a_column_like_others() -> None:
    frame = rebates(["om-1", "om-2"], ["Ada", "Bo"]).drop(columns="customer_id")
    assert legend(charts.rebates(frame, by="customer_name")) == ["Ada", "Bo"]


def test_frames_of_a_link_with_names_are_drawn_with_them(shared_env: SandboxEnv) -> None:
    ids = shared_env.link.exchange.sub_accounts()["sub_account_id"]
    link = shared_env.new_link(names={id_: f"Fund {number}" for number, id_ in enumerate(ids)})
    assert all(name.startswith("Fund ") for name in bar_names(charts.balances(link.exchange.spot_balances())))
