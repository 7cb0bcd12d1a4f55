"""The fast path gives what the strict path gives, or leaves a response to it."""

from __future__ import annotations

import json
import random
import re
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.hostile import NOW, documented
from tests.support.layouts import LAYOUTS
from toolkit.endpoints import ENDPOINTS_BY_NAME, Endpoint, Write
from toolkit.errors import ToolkitError
from toolkit.frames.builder import FrameBuilder, Numbers
from toolkit.frames.decoder import Decoder
from toolkit.frames.page import Page
from toolkit.transport.responses import RawResponse, parse_response

REBATES = ENDPOINTS_BY_NAME["exchange.rebates"]


def compact(payload: Any) -> bytes:
    """JSON as the exchange sends it."""
    return json.dumps(payload, separators=(",", ":"), ensure_ascii=False).encode()


CASES: dict[str, tuple[Endpoint, bytes]] = {
    endpoint.qualified_name: (endpoint, compact(json.loads(body)))
    for endpoint, body in documented()
    if not isinstance(endpoint, Write)
} | {name: (endpoint, compact(payload)) for name, (endpoint, payload) in LAYOUTS.items()}


class StrictDecoder(Decoder):
    """A decoder without a fast path."""

    def read(self, body: bytes) -> Page | None:
        return None


class FastDecoder(Decoder):
    """A decoder that counts the responses read on the fast path."""

    reads = 0

    def read(self, body: bytes) -> Page | None:
        page = super().read(body)
        self.reads += page is not None
        return page


Outcome = tuple[str, Any]


def page_of(decoder: Decoder, body: bytes) -> Page:
    endpoint = decoder.endpoint
    page, error = parse_response(
        endpoint.qualified_name, endpoint.path, RawResponse(200, {}, body), NOW, decoder=decoder
    )
    if error is not None:
        raise error
    assert isinstance(page, Page)
    return page


def outcome_of(decoder: Decoder, body: bytes, numbers: Numbers) -> Outcome:
    """The frame of a response, with what the windows ask of its page; or the error."""
    builder = FrameBuilder(decoder.endpoint, numbers)
    try:
        page = page_of(decoder, body)
        builder.add_page(page)
    except ToolkitError as error:
        return type(error).__name__, str(error)
    return "frame", (builder.frame({}), page.rows, page.times, page.first_time, page.last_time)


def assert_same(ours: Outcome, strict: Outcome) -> None:
    assert ours[0] == strict[0], (ours, strict)
    if ours[0] != "frame":
        assert ours == strict
        return
    assert ours[1][1:] == strict[1][1:]
    pd.testing.assert_frame_equal(ours[1][0], strict[1][0], check_exact=True)
    assert ours[1][0].attrs == strict[1][0].attrs


def check(endpoint: Endpoint, bodies: list[bytes], numbers: Numbers) -> int:
    """Compare both paths for some responses in turn, and return how many were read on the fast one."""
    fast = FastDecoder(endpoint, exact=numbers == "exact")
    for body in bodies:
        strict = StrictDecoder(endpoint, exact=numbers == "exact")
        assert_same(outcome_of(fast, body, numbers), outcome_of(strict, body, numbers))
    return fast.reads


# -- both paths --------------------------------------------------------------------------------------------

# Its documented rows have different spellings of one field.
LEFT_TO_THE_STRICT_PATH = {"exchange.futures_transfers"}


@pytest.mark.parametrize("numbers", ["float", "exact"])
@pytest.mark.parametrize("name", CASES)
def test_a_documented_response_takes_the_fast_path_at_once_or_the_second_time(
    name: str, numbers: Numbers
) -> None:
    endpoint, body = CASES[name]
    reads = check(endpoint, [body, body, body], numbers)
    assert (reads == 0) if name in LEFT_TO_THE_STRICT_PATH else (reads >= 2)


ODD_VALUES = [
    None,
    True,
    False,
    0,
    -1,
    7,
    1.5,
    -0.0,
    1e-7,
    2**63,
    2**63 - 1,
    -(2**63),
    10**30,
    32_503_680_000_000,
    1_767_225_600_000,
    "",
    " 1",
    "1 ",
    "-",
    ".",
    ".5",
    "5.",
    "-.5",
    "+1",
    "-0",
    "-0.0",
    "007",
    "1e5",
    "1E-2",
    "1_0",
    "NaN",
    "inf",
    "0x1",
    "1" * 18,
    "1" * 19,
    "9" * 41,
    "0." + "1" * 18,
    "0." + "1" * 19,
    "0.1" + "0" * 20,
    "9" * 21,
    "\uff11",
    "é😀",
    "a\nb",
    'a"b',
    "a\\b",
    "\x7f",
    "2026-02-30 00:00:00",
    "2026-01-01",
    "1" * 401,
    "x" * 301,
    [],
    ["a"],
    [1],
    {},
    {"a": 1},
    {"code": -1003, "msg": "Too many."},
]
ODD_NAMES = ["new", "code", "msg", "success", "data", "0", "12", "*", "a.b", "é", "asset", "time", ""]

CODES = {"error": {"code": -1003, "msg": "x"}, "failure": {"success": False}, "ok": {"code": 0, "msg": ""}}


def containers(payload: Any) -> list[Any]:
    """Every object and array in a payload, itself included."""
    found = [payload] if isinstance(payload, dict | list) else []
    for value in payload.values() if isinstance(payload, dict) else payload if found else ():
        found += containers(value)
    return found


def change(payload: Any, dice: random.Random) -> Any:
    """Change one place of a payload."""
    places = [each for each in containers(payload) if each]
    if not places:
        return dice.choice(ODD_VALUES)
    place = dice.choice(places)
    key: Any = dice.choice(list(place)) if isinstance(place, dict) else dice.randrange(len(place))
    action = dice.randrange(7)
    if action <= 2:
        place[key] = dice.choice(ODD_VALUES)
    elif action == 3:
        del place[key]
    elif action == 4 and isinstance(place, dict):
        place[dice.choice(ODD_NAMES)] = dice.choice(ODD_VALUES)
    elif action == 5 and isinstance(place, dict):
        place[dice.choice(ODD_NAMES)] = place.pop(key)
    elif isinstance(place, list):
        place.insert(dice.randrange(len(place) + 1), json.loads(json.dumps(dice.choice(place))))
    else:
        items = list(place.items())
        dice.shuffle(items)
        place.clear()
        place.update(items)
    return payload


def twist(body: bytes, dice: random.Random) -> bytes:
    """Change the text of a body, if at all, so that it may be no JSON any more."""
    action = dice.randrange(12)
    at = dice.randrange(len(body) + 1)
    if action == 0:
        return body[:at]
    if action == 1:
        odd = dice.choice([b" ", b"\n", b"\t", b"\xef\xbb\xbf", b"\x00", b"\xff", b"0"])
        return body[:at] + odd + body[at:]
    if action == 2:
        return b"\xef\xbb\xbf" + body
    if action == 3:  # a field twice
        found = list(re.finditer(rb'("[^"]*"):(?:"[^"]*"|[-\d.]+)', body))
        if found:
            match = dice.choice(found)
            space = dice.choice([b"", b" "])
            return body[: match.end()] + b"," + match[1] + space + b":1" + body[match.end() :]
    if action == 4:
        return re.sub(rb'"(\d+(\.\d+)?)"', rb"\1", body, count=dice.choice([0, 1]))
    if action == 5:
        return re.sub(rb"([\[:,])(\d+(\.\d+)?)", rb'\1"\2"', body, count=dice.choice([0, 1]))
    if action == 6:
        return json.dumps(json.loads(body), indent=dice.choice([None, 1])).encode()
    if action == 7:
        return re.sub(rb'"([a-z])', rb'"\\u00\g<0>', body, count=1)
    if action == 8:
        return re.sub(rb"([\[:,])(\d)", dice.choice([rb"\g<1>0\2", rb"\1-\2", rb"\1-0\2"]), body, count=1)
    return body


def mutations(endpoint: Endpoint, body: bytes, seed: int) -> list[bytes]:
    """The response, then several that differ from it more and more, then it again."""
    dice = random.Random(seed)
    bodies, payload = [body], json.loads(body)
    for _ in range(dice.randrange(1, 4)):
        for _ in range(dice.choice([0, 1, 1, 2])):
            payload = change(payload, dice)
        bodies.append(twist(compact(payload), dice))
        bodies.append(bodies[-1])
    return [*bodies, body]


@settings(max_examples=600, deadline=None)
@given(st.sampled_from(sorted(CASES)), st.integers(0, 2**32), st.sampled_from(["float", "exact"]))
def test_both_paths_give_the_same_for_changed_responses(name: str, seed: int, numbers: Numbers) -> None:
    endpoint, body = CASES[name]
    check(endpoint, mutations(endpoint, body, seed), numbers)
