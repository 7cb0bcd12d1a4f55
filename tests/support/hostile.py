"""What a hostile answer goes through: the way of a read, or of a write, without the wire."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator, Mapping

import pandas as pd

from tests.support.paths import ANSWERS
from toolkit.catalogue import BY_DOOR, SAPI_IP, WRITE_BY_DOOR, Endpoint
from toolkit.errors import ToolkitError, UndeclaredFieldWarning
from toolkit.frames import Gathering, Numbers
from toolkit.inference import infer
from toolkit.wire.answers import Answer, Verdict, excerpt, judge, understand
from toolkit.wire.headers import read_counts
from toolkit.wire.http_dates import read_date, read_retry_after

NOW = 1_767_225_600.0
LONGEST_TEXT = 2000
"""An error is read by a person."""


def documented() -> Iterator[tuple[Endpoint, bytes]]:
    """Every endpoint, writes included, with its documented answer."""
    for doors, folder in ((BY_DOOR, ANSWERS), (WRITE_BY_DOOR, ANSWERS / "writes")):
        for door, endpoint in doors.items():
            example = json.loads((folder / f"{door}.json").read_text(encoding="utf-8"))
            yield endpoint, json.dumps(example["documented"]).encode()


def read(endpoint: Endpoint | None, answer: Answer, numbers: Numbers = "float") -> pd.DataFrame | None:
    """The frame of an answer, None where it is refused as it should be.

    Args:
        endpoint: What was asked, None for a path that the catalogue does not have.
        answer: What came back.
        numbers: Whether amounts are exact.
    """
    door = endpoint.door if endpoint else "/sapi/v1/x"
    path = endpoint.path if endpoint else "/sapi/v1/x"
    read_counts(answer.headers)
    read_retry_after(answer.headers, NOW)
    read_date(answer.headers)
    assert len(excerpt(answer)) <= 120
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UndeclaredFieldWarning)
        try:
            payload, error = understand(door, path, answer, NOW)
            if error is not None:
                raise error
            if endpoint is None:
                endpoint, payload = infer(path, SAPI_IP, payload)
            gathering = Gathering(endpoint, numbers)
            gathering.add(payload)
            return gathering.frame({"complete": True})
        except ToolkitError as refused:
            if len(str(refused)) > LONGEST_TEXT:
                raise AssertionError("the error says too much") from refused
            return None


def write(endpoint: Endpoint, answer: Answer) -> Verdict:
    """What became of a write; the frame of its answer is made as well."""
    verdict = judge(endpoint.door, endpoint.path, answer, NOW)
    assert (verdict.error is None) == (verdict.executed is True)
    assert verdict.error is None or len(str(verdict.error)) <= LONGEST_TEXT
    if verdict.executed:
        assert 200 <= answer.status < 300
        read(endpoint, answer)
    return verdict


def headers_of(text: str) -> Mapping[str, str]:
    """Headers that all say the same."""
    names = (
        "X-MBX-USED-WEIGHT-1M",
        "X-SAPI-USED-UID-WEIGHT-1M",
        "Retry-After",
        "Date",
        "Location",
        text[:40],
    )
    return dict.fromkeys(names, text)
