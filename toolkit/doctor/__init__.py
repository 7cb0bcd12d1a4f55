"""Check hosts, clocks, keys, rate limits and the files of this machine."""

from __future__ import annotations

from toolkit.doctor.check import Check, Status
from toolkit.doctor.diagnosis import Diagnosis
from toolkit.doctor.run_checks import run_checks

__all__ = ["Check", "Diagnosis", "Status", "run_checks"]


def __dir__() -> list[str]:
    return __all__
