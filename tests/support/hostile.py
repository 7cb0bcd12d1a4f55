"""Processes a hostile response as a read or a write would, without a socket."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator, Mapping

import pandas as pd

from tests.support.paths import ANSWERS, EXAMPLES
from toolkit.endpoints import ENDPOINTS_BY_NAME, SAPI_IP, WRITES_BY_NAME, Endpoint
from toolkit.errors import ToolkitError, UndeclaredFieldWarning
from toolkit.frames.builder import FrameBuilder, Numbers
from toolkit.frames.decoder import Decoder
from toolkit.frames.infer import infer
from toolkit.frames.page import Page
from toolkit.ratelimit.headers import read_counts
from toolkit.timing.http_dates import read_date, read_retry_after
from toolkit.transport.responses import RawResponse, WriteResult, classify, excerpt, parse_response

NOW = 1_767_225_600.0
LONGEST_TEXT = 2000
"""Most characters of an error text, which people read."""


def documented() -> Iterator[tuple[Endpoint, bytes]]:
    """Every endpoint, writes included, with its documented response."""
    for endpoints, folder in ((ENDPOINTS_BY_NAME, EXAMPLES), (WRITES_BY_NAME, ANSWERS / "writes")):
        for endpoint_name, endpoint in endpoints.items():
            example = json.loads((folder / f"{endpoint_name}.json").read_text(encoding="utf-8"))
            yield endpoint, json.dumps(example["documented"]).encode()


class StrictDecoder(Decoder):
    """A decoder without a fast path."""

    def read(self, body: bytes) -> Page | None:
        """Leave every response to the strict path."""
        return None


def read(
    endpoint: Endpoint | None,
    response: RawResponse,
    numbers: Numbers = "float",
    decoder: Decoder | None = None,
) -> pd.DataFrame | None:
    """The frame of a response; None if it is refused with an error of the toolkit.

    Args:
        endpoint: The endpoint; None for a path that is not declared.
        response: The response.
        numbers: Whether amounts are exact.
        decoder: Decodes the response; None for a new one.
    """
    outcome = _outcome(endpoint, response, numbers, decoder)
    return outcome if isinstance(outcome, pd.DataFrame) else None


def compare_paths(
    endpoint: Endpoint, response: RawResponse, numbers: Numbers, decoder: Decoder | None = None
) -> None:
    """Assert that a response has the same outcome on the fast path and on the strict one."""
    fast = _outcome(endpoint, response, numbers, decoder)
    strict = _outcome(endpoint, response, numbers, StrictDecoder(endpoint, exact=numbers == "exact"))
    if isinstance(fast, pd.DataFrame) and isinstance(strict, pd.DataFrame):
        pd.testing.assert_frame_equal(fast, strict, check_exact=True)
        assert fast.attrs == strict.attrs
    else:
        assert str(fast) == str(strict)
        assert type(fast) is type(strict)


def _outcome(
    endpoint: Endpoint | None, response: RawResponse, numbers: Numbers, decoder: Decoder | None
) -> pd.DataFrame | ToolkitError:
    endpoint_name = endpoint.qualified_name if endpoint else "/sapi/v1/x"
    path = endpoint.path if endpoint else "/sapi/v1/x"
    if endpoint is not None and decoder is None:
        decoder = Decoder(endpoint, exact=numbers == "exact")
    read_counts(response.headers)
    read_retry_after(response.headers, NOW)
    read_date(response.headers)
    assert len(excerpt(response)) <= 120
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UndeclaredFieldWarning)
        try:
            received, error = parse_response(endpoint_name, path, response, NOW, decoder=decoder)
            if error is not None:
                raise error
            if endpoint is None:
                endpoint, rows = infer(path, SAPI_IP, received)
                builder = FrameBuilder(endpoint, numbers)
                builder.add(rows)
            else:
                builder = FrameBuilder(endpoint, numbers)
                builder.add_page(received)
            return builder.frame({"complete": True})
        except ToolkitError as refused:
            if len(str(refused)) > LONGEST_TEXT:
                raise AssertionError("the error text is too long") from refused
            return refused


def write(endpoint: Endpoint, response: RawResponse) -> WriteResult:
    """Classify the response to a write, and build its frame if it was executed."""
    result = classify(endpoint.qualified_name, endpoint.path, response, NOW)
    assert (result.error is None) == (result.executed is True)
    assert result.error is None or len(str(result.error)) <= LONGEST_TEXT
    if result.executed:
        assert 200 <= response.status < 300
        read(endpoint, response)
    return result


def headers_of(text: str) -> Mapping[str, str]:
    """All relevant headers, with the same value."""
    names = (
        "X-MBX-USED-WEIGHT-1M",
        "X-SAPI-USED-UID-WEIGHT-1M",
        "Retry-After",
        "Date",
        "Location",
        text[:40],
    )
    return dict.fromkeys(names, text)
