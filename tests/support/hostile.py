"""What a hostile answer goes through: the way of a read, or of a write, without the wire."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator, Mapping

import pandas as pd

from tests.support.paths import ANSWERS
from toolkit.endpoints import ENDPOINTS_BY_NAME, SAPI_IP, WRITES_BY_NAME, Endpoint
from toolkit.errors import ToolkitError, UndeclaredFieldWarning
from toolkit.frames.builder import FrameBuilder, Numbers
from toolkit.frames.infer import infer
from toolkit.ratelimit.headers import read_counts
from toolkit.timing.http_dates import read_date, read_retry_after
from toolkit.transport.responses import RawResponse, WriteResult, classify, excerpt, parse_response

NOW = 1_767_225_600.0
LONGEST_TEXT = 2000
"""An error is read by a person."""


def documented() -> Iterator[tuple[Endpoint, bytes]]:
    """Every endpoint, writes included, with its documented answer."""
    for endpoints, folder in ((ENDPOINTS_BY_NAME, ANSWERS), (WRITES_BY_NAME, ANSWERS / "writes")):
        for endpoint_name, endpoint in endpoints.items():
            example = json.loads((folder / f"{endpoint_name}.json").read_text(encoding="utf-8"))
            yield endpoint, json.dumps(example["documented"]).encode()


def read(endpoint: Endpoint | None, answer: RawResponse, numbers: Numbers = "float") -> pd.DataFrame | None:
    """The frame of an answer, None where it is refused as it should be.

    Args:
        endpoint: What was asked, None for a path that the catalogue does not have.
        answer: What came back.
        numbers: Whether amounts are exact.
    """
    endpoint_name = endpoint.qualified_name if endpoint else "/sapi/v1/x"
    path = endpoint.path if endpoint else "/sapi/v1/x"
    read_counts(answer.headers)
    read_retry_after(answer.headers, NOW)
    read_date(answer.headers)
    assert len(excerpt(answer)) <= 120
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UndeclaredFieldWarning)
        try:
            payload, error = parse_response(endpoint_name, path, answer, NOW)
            if error is not None:
                raise error
            if endpoint is None:
                endpoint, payload = infer(path, SAPI_IP, payload)
            builder = FrameBuilder(endpoint, numbers)
            builder.add(payload)
            return builder.frame({"complete": True})
        except ToolkitError as refused:
            if len(str(refused)) > LONGEST_TEXT:
                raise AssertionError("the error says too much") from refused
            return None


def write(endpoint: Endpoint, answer: RawResponse) -> WriteResult:
    """What became of a write; the frame of its answer is made as well."""
    result = classify(endpoint.qualified_name, endpoint.path, answer, NOW)
    assert (result.error is None) == (result.executed is True)
    assert result.error is None or len(str(result.error)) <= LONGEST_TEXT
    if result.executed:
        assert 200 <= answer.status < 300
        read(endpoint, answer)
    return result


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
