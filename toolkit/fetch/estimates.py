"""Estimates what a fetch costs before it is made."""

from __future__ import annotations

from dataclasses import dataclass

from toolkit.endpoints import ENDPOINTS_BY_NAME
from toolkit.errors import UsageError
from toolkit.fetch.paged_window import requests_for
from toolkit.ratelimit.view import BudgetView
from toolkit.text.suggestions import Suggests, did_you_mean


@dataclass(frozen=True, slots=True)
class WeightEstimate(Suggests):
    """Estimated weight of a fetch.

    Attributes:
        requests: Number of requests.
        weight: Weight of all of them.
        rate_limit: Name of the rate limit they are charged to.
        limit: Weight that this rate limit allows in a window.
    """

    requests: int
    weight: int
    rate_limit: str
    limit: int


def estimate_weight(qualified_name: str, rows: int, budget: BudgetView) -> WeightEstimate:
    """Estimate the weight of a fetch of so many rows.

    Raises:
        UsageError: There is no such endpoint, its weight depends on how the rows are distributed over the
            span, or `rows` is not a number of rows.
    """
    endpoint = ENDPOINTS_BY_NAME.get(qualified_name)
    if endpoint is None:
        question = did_you_mean(qualified_name, ENDPOINTS_BY_NAME)
        raise UsageError(
            f"There is no endpoint {qualified_name!r}.{question} `toolkit.list_endpoints()` lists them all."
        )
    if endpoint.window:
        raise UsageError(
            f"The weight of {qualified_name} depends on how its rows are distributed over the span, which is "
            f"unknown before the fetch. One request weighs {endpoint.weight_of({})}."
        )
    if isinstance(rows, bool) or not isinstance(rows, int) or rows < 0:
        raise UsageError(f"`rows` is an integer of at least 0, not {rows!r}.")
    requests, rate_limit = requests_for(endpoint, rows), endpoint.rate_limit
    return WeightEstimate(
        requests, requests * endpoint.weight_of({}), rate_limit.name, budget.limit(rate_limit)
    )
