"""What the doctor found, as a frame, a text and a picture."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import pandas as pd

from toolkit.doctor import picture
from toolkit.doctor.line import Line, worst
from toolkit.fetch.connection import Source
from toolkit.suggestions import Suggests

_COLUMNS = ("check", "about", "verdict", "found", "next_step")


class Diagnosis(Suggests):
    """What the doctor found. It is true when nothing failed.

    Attributes:
        lines: What was looked at.
        source: "live" or "sandbox".
        examined_at: When it was.
    """

    def __init__(self, lines: Sequence[Line], source: Source, examined_at: datetime) -> None:
        self.lines = tuple(lines)
        self.source = source
        self.examined_at = examined_at

    @property
    def verdict(self) -> str:
        """The worst verdict of all lines: "ok", "note", "warning" or "failure"."""
        return worst(self.lines)

    @property
    def frame(self) -> pd.DataFrame:
        """One row for each thing that was looked at.

        Its columns are all text:

        - check: What was looked at.
        - about: The host or key; missing where there is but one.
        - verdict: "ok"; "note", which is good to know; "warning", which asks for something to be done; or
          "failure", which does not work or is dangerous.
        - found: What there is to say.
        - next_step: What to do; missing where nothing is to be done.
        """
        rows = [[getattr(line, name) or None for name in _COLUMNS] for line in self.lines]
        frame = pd.DataFrame(rows, columns=[*_COLUMNS]).astype(pd.StringDtype())
        frame.attrs = {
            "endpoint": "doctor",
            "source": self.source,
            "fetched_at": self.examined_at.isoformat(timespec="milliseconds"),
        }
        return frame

    def __bool__(self) -> bool:
        return self.verdict != "failure"

    def __repr__(self) -> str:
        return picture.text_of(self.lines, self.source, self.examined_at)

    def _repr_html_(self) -> str:
        return picture.html_of(self.lines, self.source, self.examined_at)
