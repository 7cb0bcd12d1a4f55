"""What the doctor found, as a frame, a text and a picture."""

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
    """What the doctor found. It is true when nothing failed.

    Attributes:
        checks: What was looked at.
        source: "live" or "sandbox".
        examined_at: When it was.
    """

    def __init__(self, checks: Sequence[Check], source: Source, examined_at: datetime) -> None:
        self.checks = tuple(checks)
        self.source = source
        self.examined_at = examined_at

    @property
    def status(self) -> str:
        """The worst verdict of all lines: "ok", "note", "warning" or "failure"."""
        return worst(self.checks)

    @property
    def frame(self) -> pd.DataFrame:
        """One row for each thing that was looked at.

        Its columns are all text:

        - name: What was looked at.
        - about: The host or key; missing where there is but one.
        - status: "ok"; "note", which is good to know; "warning", which asks for something to be done; or
          "failure", which does not work or is dangerous.
        - found: What there is to say.
        - next_step: What to do; missing where nothing is to be done.
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
