"""Estimates what a fetch costs before it is made."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import ceil

from toolkit.endpoints import ENDPOINTS_BY_NAME, Endpoint, RateLimit
from toolkit.errors import UsageError
from toolkit.fetch.paged_window import requests_for
from toolkit.planning import Plan, size_sent
from toolkit.planning.messages import kind_of
from toolkit.text.suggestions import Suggests, did_you_mean


@dataclass(frozen=True, slots=True)
class WeightEstimate(Suggests):
    """Estimated weight of a fetch.

    Attributes:
        requests: Number of requests.
        weight: Weight of all of them.
        rate_limit: Name of the rate limit they are charged to.
        limit: Weight that this rate limit allows in a window.
        minutes: How many minutes it takes at least at this limit: nobody else uses it, and a window of it
            begins with the first request. 0.0 if one window is enough.
        at_least: Whether the fetch may take more requests, because its rows decide how many.
    """

    requests: int
    weight: int
    rate_limit: str
    limit: int
    minutes: float
    at_least: bool


def estimate_weight(
    qualified_name: str,
    rows: int | None,
    arguments: Mapping[str, object],
    plan_of: Callable[[Endpoint], Plan],
    limit_of: Callable[[RateLimit], int],
) -> WeightEstimate:
    """Estimate the weight of a fetch.

    Args:
        qualified_name: Name of the endpoint.
        rows: Expected number of rows, of each value where there are several; None if not known.
        arguments: The arguments of the call. Without any, what it requires is left out of account.
        plan_of: Makes the plan of the call with these arguments.
        limit_of: Tells the weight that a rate limit allows in a window.

    Raises:
        UsageError: There is no such endpoint, or an argument is invalid.
    """
    if not isinstance(qualified_name, str):
        raise UsageError(
            f'`endpoint` is a name such as "account.spot.trades", not {kind_of(qualified_name)}: '
            "`toolkit.list_endpoints()` lists them all."
        )
    endpoint = ENDPOINTS_BY_NAME.get(qualified_name)
    if endpoint is None:
        question = did_you_mean(qualified_name, ENDPOINTS_BY_NAME)
        raise UsageError(
            f"There is no endpoint {qualified_name!r}.{question} `toolkit.list_endpoints()` lists them all."
        )
    if rows is not None and (isinstance(rows, bool) or not isinstance(rows, int) or rows < 0):
        raise UsageError(f"`rows` is an integer of at least 0, not {rows!r}.")
    is_planned = endpoint.window is not None or bool(arguments)
    plans = plan_of(endpoint).by_value if is_planned else [Plan(endpoint, {}, None, {})]
    first = plans[0]
    if first.span is not None:
        sizes, at_least = _requests_for_span(first, rows), endpoint.paging.kind != "none"
    else:
        given = first.parameters if arguments else None
        number = requests_for(endpoint, rows or 0, given)
        sizes, at_least = (
            [endpoint.paging.maximum] * number,
            rows is None and number < requests_for(endpoint, 1, given),
        )
    weight = sum(_weight(plan, size) for plan in plans for size in sizes)
    rate_limit, limit = endpoint.rate_limit, limit_of(endpoint.rate_limit)
    return WeightEstimate(
        requests=len(sizes) * len(plans),
        weight=weight,
        rate_limit=rate_limit.name,
        limit=limit,
        minutes=minutes_at_least(weight, rate_limit, limit),
        at_least=at_least,
    )


def minutes_at_least(weight: int, rate_limit: RateLimit, limit: int) -> float:
    """Minutes that requests take at least, if a window of the rate limit begins with the first one."""
    return max(0, ceil(weight / limit) - 1) * rate_limit.seconds / 60


def _requests_for_span(plan: Plan, rows: int | None) -> list[int]:
    """How many rows each request for a span asks for, at least; with regular times, as many as it has."""
    endpoint, grid = plan.endpoint, plan.grid
    if grid is not None:
        steps = [len(grid.within(window)) for window in plan.windows()]
        return [size_sent(endpoint, plan.parameters, number) for number in steps]
    number = sum(1 for _ in plan.windows())
    if endpoint.paging.kind == "id" and not endpoint.paging.by_window:
        number = min(number, 2)  # the first row may be in the first window, and all others in one page
    if rows and endpoint.paging.maximum:
        number = max(number, ceil(rows / endpoint.paging.maximum))
    return [endpoint.paging.maximum] * number


def _weight(plan: Plan, size: int) -> int:
    endpoint = plan.endpoint
    sized = {endpoint.paging.size: size} if endpoint.paging.size else {}
    return endpoint.weight_of({**plan.parameters, **sized})
