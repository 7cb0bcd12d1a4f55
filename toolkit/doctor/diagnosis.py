"""The results of all checks, as a frame, as text and as HTML."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import pandas as pd

from toolkit.doctor import html
from toolkit.doctor.check import Check, worst
from toolkit.gateway.connection import Source
from toolkit.text.suggestions import Suggests

_COLUMNS = ("name", "about", "status", "found", "next_step")


class Diagnosis(Suggests):
    """The results of all checks. It is true if no check failed.

    Attributes:
        checks: The results.
        source: "live" or "sandbox".
        examined_at: When the checks were made.
    """

    def __init__(self, checks: Sequence[Check], source: Source, examined_at: datetime) -> None:
        self.checks = tuple(checks)
        self.source = source
        self.examined_at = examined_at

    @property
    def status(self) -> str:
        """The worst status of all checks: "ok", "note", "warning" or "failure"."""
        return worst(self.checks)

    @property
    def frame(self) -> pd.DataFrame:
        """The checks, one row each.

        All columns are text:

        - name: What was checked.
        - about: The host or key; missing if there is only one.
        - status: "ok"; "note": for your information; "warning": needs attention; "failure": broken or unsafe.
        - found: What was found.
        - next_step: What to do; missing if nothing.
        """
        rows = [[getattr(check, name) or None for name in _COLUMNS] for check in self.checks]
        frame = pd.DataFrame(rows, columns=[*_COLUMNS]).astype(pd.StringDtype())
        frame.attrs = {
            "endpoint": "doctor",
            "source": self.source,
            "fetched_at": self.examined_at.isoformat(timespec="milliseconds"),
        }
        return frame

    def __bool__(self) -> bool:
        return self.status != "failure"

    def __repr__(self) -> str:
        return html.text_of(self.checks, self.source, self.examined_at)

    def _repr_html_(self) -> str:
        return html.html_of(self.checks, self.source, self.examined_at)
