"""Relative times: unambiguous ones are parsed, ambiguous ones are rejected."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolkit.endpoints import ENDPOINTS_BY_NAME
from toolkit.errors import UsageError
from toolkit.planning import make_plan
from toolkit.planning.relative_times import parse_relative_time

NOW = 1_773_576_000_000  # 2026-03-15 12:00 UTC
SECOND, HOUR, DAY = 1_000, 3_600_000, 86_400_000


@pytest.mark.parametrize(
    ("text", "before"),
    [
        ("-30D", 30 * DAY),
        ("-2d", 2 * DAY),
        ("- 2 days", 2 * DAY),
        ("-1W", 7 * DAY),
        ("-1w", 7 * DAY),
        ("-12h", 12 * HOUR),
        ("-3H", 3 * HOUR),
        ("-1.5 hours", HOUR * 3 // 2),
        ("-15min", HOUR // 4),
        ("-90 minutes", HOUR * 3 // 2),
        ("-10s", 10 * SECOND),
        ("-250ms", 250),
        ("+1D", -DAY),
    ],
)
def test_unambiguous_relative_times_are_parsed(text: str, before: int) -> None:
    assert parse_relative_time(text, NOW) == NOW - before


@pytest.mark.parametrize("text", ["-1m", "-1M", "-3 m", "-0.5m", "+1m"])
def test_m_alone_is_rejected_as_minutes_or_months(text: str) -> None:
    with pytest.raises(UsageError, match=r"`start` is .*Do you mean minutes or months\?") as caught:
        make_plan(ENDPOINTS_BY_NAME["spot.rebates"], {}, text, None, NOW)
    assert f'Minutes are "{text.replace(" ", "").rstrip("mM")}min"' in str(caught.value)
    assert "Nothing was sent" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("-1m", "2026-02-15"),
        ("-1MS", "2026-02-15"),
        ("-1Ms", "2026-02-15"),
        ("-1ME", "2026-02-15"),
        ("-1mo", "2026-02-15"),
        ("-2 months", "2026-01-15"),
        ("-1Q", "2025-12-15"),
        ("-1Y", "2025-03-15"),
        ("-1y", "2025-03-15"),
        ("-1 year", "2025-03-15"),
        ("-999999999999y", "2026-01-31"),  # beyond the range of dates: an example date
    ],
)
@pytest.mark.parametrize("name", ["start", "end"])
def test_months_and_years_are_rejected_with_the_date_they_mean(name: str, text: str, day: str) -> None:
    with pytest.raises(UsageError, match=f'`{name}` is .*no fixed length.*"{day}"'):
        make_plan(
            ENDPOINTS_BY_NAME["spot.rebates"], {}, **{"start": "-9000D", "end": None, name: text}, now=NOW
        )


@pytest.mark.parametrize(
    "text",
    [
        "-30",
        "-",
        "-D",
        "-1us",
        "-1ns",
        "-1T",
        "-1B",
        "-1d12h",
        "-1e9",
        "--1D",
        "-1,5D",
        "-٣D",
        "-" + 40 * "9" + "D",
    ],
)
def test_an_invalid_relative_time_is_rejected_with_examples(text: str) -> None:
    with pytest.raises(UsageError, match='"-30D", "-12h" or "-15min"'):
        make_plan(ENDPOINTS_BY_NAME["spot.rebates"], {}, text, None, NOW)


def test_a_missing_minus_sign_is_suggested() -> None:
    with pytest.raises(UsageError, match=r'`start` is not a time; .* Did you mean "-30D"\?$'):
        make_plan(ENDPOINTS_BY_NAME["spot.rebates"], {}, "30D", None, NOW)


@given(st.integers(0, 10**6), st.sampled_from(["D", "h", "min", "s", "ms"]))
def test_a_number_of_units_is_a_multiple_of_one(number: int, unit: str) -> None:
    one = NOW - parse_relative_time(f"-1{unit}", NOW)
    assert NOW - parse_relative_time(f"-{number}{unit}", NOW) == number * one
    assert parse_relative_time(f"+{number}.5{unit}", NOW) - NOW == (2 * number + 1) * one // 2
