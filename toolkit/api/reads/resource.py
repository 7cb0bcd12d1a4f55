"""Base class of the resources for reading."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import pandas as pd

from toolkit.api.resource import Resource
from toolkit.endpoints import ENDPOINTS, WRITES_BY_NAME, Endpoint
from toolkit.fetch.fetcher import Fetcher
from toolkit.frames.builder import Numbers
from toolkit.planning import When
from toolkit.redaction import Emails


class ReadResource(Resource):
    """A group of endpoints for reading, such as `link.spot`."""

    _system = ""  # its name on a Link

    def __init__(self, fetcher: Fetcher) -> None:
        self._fetcher = fetcher

    def _fetch(
        self,
        endpoint: Endpoint,
        arguments: Mapping[str, object],
        *,
        start: When = None,
        end: When = None,
        numbers: Numbers | None = None,
        emails: Emails | None = None,
    ) -> pd.DataFrame:
        with interrupts_explained():
            return self._fetcher.fetch(
                endpoint, arguments, start=start, end=end, numbers=numbers, emails=emails
            )

    def _elsewhere(self, name: str) -> list[str]:
        writes = {
            write.name: write.qualified_name
            for write in WRITES_BY_NAME.values()
            if write.system == self._system
        }
        if name in writes:
            return [f"`link.operations().{writes[name]}` (it changes something)"]
        return [f"`link.{read.qualified_name}`" for read in ENDPOINTS if read.name == name]


@contextmanager
def interrupts_explained() -> Iterator[None]:
    """Say in the error of an interrupted fetch which rows had been fetched."""
    try:
        yield
    except KeyboardInterrupt as interrupt:
        if not interrupt.args:
            interrupt.args = (_explanation(getattr(interrupt, "partial", None)),)
        raise


def _explanation(partial: pd.DataFrame | None) -> str:
    if partial is None:
        return "Interrupted. No rows had been fetched."
    parameters, missing = partial.attrs.get("parameters", {}), partial.attrs.get("missing")
    span = rest = ""
    if missing and "start" in parameters and len(missing[0]) == 3:  # of several values
        span = f" of {_readable(parameters['start'])} to {_readable(parameters['end'])} UTC"
        rest = ', and its `attrs["missing"]` the values and spans still to fetch'
    elif missing and "start" in parameters:
        start, end, complete_until = parameters["start"], parameters["end"], missing[0][0]
        span = f" of {_readable(start)} to {_readable(end)} UTC"
        if complete_until != start:
            span += f" (all of them up to {_readable(complete_until)})"
        rest = ', and its `attrs["missing"]` the spans still to fetch'
    rows = "1 row" if len(partial) == 1 else f"{len(partial):,} rows"
    return f"Interrupted. {rows}{span} had been fetched: `sys.last_value.partial` has them{rest}."


def _readable(time: str) -> str:
    return time.replace("T", " ")[:19]
