"""What is well and what is not: hosts, clocks, keys, limits, and what lies on this machine."""

from __future__ import annotations

from toolkit.doctor.diagnosis import Diagnosis
from toolkit.doctor.examination import examine
from toolkit.doctor.line import Line, Verdict

__all__ = ["Diagnosis", "Line", "Verdict", "examine"]


def __dir__() -> list[str]:
    return __all__
