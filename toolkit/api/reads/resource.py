"""What all doors have in common: each hands its endpoint and its arguments on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import pandas as pd

from toolkit.api.resource import Namespace
from toolkit.endpoints import WRITES_BY_NAME, Endpoint
from toolkit.fetch.fetcher import Fetcher
from toolkit.frames.builder import Numbers
from toolkit.planning import When
from toolkit.redaction import Emails


class ReadResource(Namespace):
    """A namespace of doors, such as `link.spot`."""

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
        return []


@contextmanager
def interrupts_explained() -> Iterator[None]:
    """Have an interrupted fetch say in its error what had arrived."""
    try:
        yield
    except KeyboardInterrupt as interrupt:
        if not interrupt.args:
            interrupt.args = (_what_had_arrived(getattr(interrupt, "partial", None)),)
        raise


def _what_had_arrived(partial: pd.DataFrame | None) -> str:
    if partial is None:
        return "Interrupted. No rows had arrived."
    asked, missing = partial.attrs.get("parameters", {}), partial.attrs.get("missing")
    how_far = ""
    if missing and "start" in asked:
        how_far = f" of {_said(asked['start'])} to {_said(asked['end'])} UTC"
        rest = ', and its `attrs["missing"]` says what is still to be fetched'
        how_far += f" (all of them up to {_said(missing[0][0])})" * (missing[0][0] != asked["start"])
    else:
        rest = ""
    rows = "1 row" if len(partial) == 1 else f"{len(partial):,} rows"
    return f"Interrupted. {rows}{how_far} had arrived: `sys.last_value.partial` has them{rest}."


def _said(moment: str) -> str:
    return moment.replace("T", " ")[:19]
