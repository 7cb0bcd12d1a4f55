"""`Link.usage()`: the use of each rate limit by each process, as a frame."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest

import toolkit
from toolkit.endpoints import API, FAPI, SAPI_IP, Host
from toolkit.ratelimit.snapshot import OtherCount, ProcessUsage, RateLimitUsage, Snapshot
from toolkit.ratelimit.usage import usage

NOW = 1_795_000_036.25
START = 1_795_000_020.0  # a whole minute
TYPES = {
    "rate_limit": "string",
    "endpoint": "string",
    "counts": "string",
    "window": "datetime64[ms, UTC]",
    "seconds": "Int64",
    "process": "string",
    "pid": "Int64",
    "here": "boolean",
    "used": "Int64",
    "in_flight": "Int64",
    "total": "Int64",
    "limit": "Int64",
    "used_fraction": "float64",
    "resets_at": "datetime64[ms, UTC]",
}
HERE = ProcessUsage(pid=4711, name="01_tour.ipynb", here=True, used=100, in_flight=50)
SCRIPT = ProcessUsage(pid=88, name="report.py", here=False, used=300, in_flight=0)
QUIET = ProcessUsage(pid=99, name="quiet.py", here=False, used=0, in_flight=0)


def use(**changes: object) -> RateLimitUsage:
    plain = RateLimitUsage(
        rate_limit=FAPI,
        path="",
        endpoint="futures.overview",
        used=440,
        in_flight=50,
        limit=2_400,
        resets_at=START + 60.0015,
        history=((START - 60, 7), (START, 440)),
        external=40,
        processes=(SCRIPT, QUIET, HERE),
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


def orders(host: Host = "api", **changes: object) -> OtherCount:
    plain = OtherCount(host=host, kind="orders", seconds=10, used=12, limit=50, resets_at=1_795_000_040.1)
    return replace(plain, **changes)  # type: ignore[arg-type]


def snapshot(
    *uses: RateLimitUsage, counts: tuple[OtherCount, ...] = (), local_only_reason: str = ""
) -> Snapshot:
    return Snapshot(
        now=NOW,
        rate_limits=uses,
        calls=(),
        waiting_for="",
        waiting_until=0.0,
        paused={},
        banned_until=None,
        other_counts=counts,
        local_only_reason=local_only_reason,
    )


def types(frame: pd.DataFrame) -> dict[str, str]:
    return {str(name): str(dtype) for name, dtype in frame.dtypes.items()}


@pytest.mark.parametrize(
    "seen",
    [
        snapshot(),
        snapshot(use()),
        snapshot(counts=(orders(limit=None),)),
        snapshot(use(), counts=(orders(),)),
    ],
    ids=["empty", "weight", "orders", "both"],
)
def test_columns_have_their_types_for_any_rows(seen: Snapshot) -> None:
    frame = usage(seen, "sandbox")
    assert types(frame) == TYPES
    assert isinstance(frame.index, pd.RangeIndex)


def test_each_process_has_a_row_and_external_use_has_one() -> None:
    frame = usage(snapshot(use()), "live")
    assert list(frame["process"]) == ["01_tour.ipynb", "report.py", "others"]
    assert list(frame["pid"].fillna(-1)) == [4711, 88, -1]
    assert list(frame["here"]) == [True, False, False]
    assert list(frame["used"]) == [100, 300, 40]
    assert list(frame["in_flight"].fillna(-1)) == [50, 0, -1]
    assert frame["used"].sum() == frame["total"].iloc[0] == 440
    assert set(frame["used_fraction"]) == {490 / 2_400}
    assert set(frame["limit"]) == {2_400}


def test_times_are_exact_to_the_millisecond() -> None:
    frame = usage(snapshot(use(), counts=(orders(),)), "live")
    assert (
        frame["window"].iloc[0]
        == pd.Timestamp("2026-11-18T11:07:00Z")
        == pd.Timestamp(START, unit="s", tz="UTC")
    )
    assert frame["resets_at"].iloc[0] == pd.Timestamp("2026-11-18T11:08:00.002Z")
    # A window of ten seconds, by a clock that is a tenth of a second ahead of the exchange's.
    assert frame["window"].iloc[-1] == pd.Timestamp(1_795_000_030, unit="s", tz="UTC")
    assert frame["resets_at"].iloc[-1] == pd.Timestamp("2026-11-18T11:07:20.100Z")


def test_rate_limits_are_in_declared_order_and_orders_come_last() -> None:
    own = {"external": 0, "processes": (HERE,)}
    uses = (
        use(**own),
        use(rate_limit=SAPI_IP, path="/sapi/b", endpoint="exchange.partner", **own),
        use(rate_limit=SAPI_IP, path="/sapi/a", endpoint="exchange.api_keys", **own),
        use(rate_limit=API, **own),
    )
    frame = usage(snapshot(*uses, counts=(orders("fapi"),)), "live")
    assert list(frame["rate_limit"]) == ["api", "sapi-ip", "sapi-ip", "fapi", "fapi"]
    assert list(frame["endpoint"].fillna("")) == ["", "exchange.api_keys", "exchange.partner", "", ""]
    assert list(frame["counts"]) == ["weight"] * 4 + ["orders"]


def test_use_by_an_unknown_process_has_a_row() -> None:
    frame = usage(
        snapshot(use(external=0, processes=()), use(used=0, in_flight=0, external=0, processes=())), "live"
    )
    assert len(frame) == 1
    assert frame["process"].isna().all()
    assert frame["here"].isna().all()
    assert list(frame["used"]) == list(frame["total"]) == [440]


def test_other_counts_are_shown_until_their_window_ends() -> None:
    daily = orders(kind="sapi-uid", seconds=86_400, used=5, limit=None, resets_at=1_795_046_400.0)
    is_done = orders(resets_at=NOW)
    frame = usage(snapshot(counts=(orders(), daily, is_done)), "live")
    assert list(frame["rate_limit"]) == ["api", "sapi-uid"]
    assert list(frame["counts"]) == ["orders", "weight"]
    assert list(frame["used"]) == list(frame["total"]) == [12, 5]
    assert frame["used_fraction"].iloc[0] == 0.24
    assert frame["used_fraction"].isna().iloc[1]
    assert frame["limit"].isna().iloc[1]


def test_attrs_hold_the_time_and_the_local_only_reason() -> None:
    assert usage(snapshot(local_only_reason="No folder to write in"), "live").attrs == {
        "endpoint": "usage",
        "source": "live",
        "fetched_at": "2026-11-18T11:07:16.250+00:00",
        "local_only_reason": "No folder to write in",
    }


def test_usage_sends_nothing() -> None:
    with toolkit.demo(seed=7) as link:
        assert types(link.usage()) == TYPES
        link.exchange.partner()
        sent = len(link.sandbox.exchange.log)
        frame = link.usage()
        partner = frame[frame["endpoint"] == "exchange.partner"]
        assert list(partner["rate_limit"]) == ["sapi-ip"]
        assert list(partner["used"]) == list(partner["total"]) == [1]
        assert frame.attrs["source"] == "sandbox"
        assert len(link.sandbox.exchange.log) == sent
