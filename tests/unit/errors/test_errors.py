"""The tree of errors, the error class of every documented code, and tracebacks without secrets."""

from __future__ import annotations

import copy
import gc
import inspect
import pickle
import re
import traceback
import weakref
from collections.abc import Iterable
from datetime import UTC, datetime

import pandas as pd
import pytest

from toolkit import errors
from toolkit.endpoints.codes import BY_PREFIX, COMMON, FUTURES, SAPI, code_for
from toolkit.runtime.tracebacks import without_frames
from toolkit.transport.responses import RawResponse, decode, error_of, excerpt

CLASSES = [cls for _, cls in inspect.getmembers(errors, inspect.isclass) if cls.__module__ == errors.__name__]
EXCEPTIONS = [cls for cls in CLASSES if issubclass(cls, errors.ToolkitError)]


def test_the_tree_in_the_docstring_is_complete() -> None:
    assert errors.__doc__ is not None
    drawn: list[tuple[int, str]] = []
    for line in errors.__doc__.splitlines():
        match = re.match(r"^([\s│├└─]*)([A-Z]\w+(?:Error))\b", line)
        if match:
            drawn.append((len(match[1]), match[2]))
    parents: dict[str, str] = {}
    stack: list[tuple[int, str]] = []
    for depth, name in drawn:
        while stack and stack[-1][0] >= depth:
            stack.pop()
        parents[name] = stack[-1][1] if stack else "Exception"
        stack.append((depth, name))
    assert parents == {cls.__name__: cls.__bases__[0].__name__ for cls in EXCEPTIONS}


def test_every_class_is_exported() -> None:
    assert {cls.__name__ for cls in CLASSES} == set(errors.__all__)


def response(status: int, body: str, **headers: str) -> RawResponse:
    return RawResponse(status, headers, body.encode())


PATHS = {
    **{prefix: f"{prefix}v1/x" for prefix in ("/api/", "/sapi/", "/fapi/", "/papi/")},
    "/futures/data/": "/futures/data/x",
}
CODES = [("/api/", code) for code in COMMON] + [
    (prefix, code) for prefix, table in BY_PREFIX.items() for code in table
]


@pytest.mark.parametrize(("prefix", "code"), CODES)
def test_every_documented_code_has_an_error_class(prefix: str, code: int) -> None:
    body = f'{{"code": {code}, "msg": "said"}}'
    error = error_of("endpoint", PATHS[prefix], response(400, body), 0.0)
    known = code_for(PATHS[prefix], code)
    assert known is not None
    assert error is not None
    assert type(error) is not errors.ApiError, "it has no advice of its own"
    assert isinstance(error, errors.ServerError) == (known.remedy == "server")
    assert f"code {code}" in str(error)
    assert "said" in str(error)


def test_codes_are_looked_up_by_path_prefix() -> None:
    assert code_for("/sapi/v1/x", -4047) == SAPI[-4047]
    assert code_for("/fapi/v1/x", -4047) == FUTURES[-4047]
    assert code_for("/sapi/v1/x", -4047) != code_for("/fapi/v1/x", -4047)
    assert code_for("/sapi/v1/x", -1121) == code_for("/papi/v1/x", -1121) == COMMON[-1121]
    assert code_for("/api/v3/x", -3041) is None


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (400, '{"code": -99999, "msg": "new"}', errors.ApiError),
        (401, "", errors.CredentialsError),
        (404, "<html>gone</html>", errors.NotFoundError),
        (429, '{"msg": "Too many requests.", "success": false}', errors.RateLimitError),
        (400, '{"code": -1003, "msg": "Too many requests queued."}', errors.RateLimitError),
        (418, "", errors.BannedError),
        (403, "<html>blocked</html>", errors.FirewallError),
        (500, "", errors.ServerError),
        (504, "<html>gateway</html>", errors.ServerError),
        (400, '{"code": -1007, "msg": "Timeout."}', errors.ServerError),
        (302, "", errors.RedirectError),
        (200, '{"code": -2015, "msg": "Invalid API-key."}', errors.CredentialsError),
    ],
)
def test_status_and_body_decide_the_error_class(
    status: int, body: str, kind: type[errors.ToolkitError]
) -> None:
    assert type(error_of("endpoint", "/sapi/v1/x", response(status, body), 0.0)) is kind


@pytest.mark.parametrize("body", ["[]", "{}", '{"code": 200, "msg": ""}', '{"code": "000000000"}'])
def test_successful_responses_are_no_errors(body: str) -> None:
    assert error_of("endpoint", "/sapi/v1/x", response(200, body), 0.0) is None


@pytest.mark.parametrize("body", ["", "<html>", '{"a": ', '{"a": NaN}', "[Infinity]", "\xff", "[" * 100_000])
def test_invalid_json_is_a_contract_error(body: str) -> None:
    with pytest.raises(errors.ContractError):
        decode("endpoint", RawResponse(200, {}, body.encode("latin-1")))


def test_excerpts_are_short_and_without_secrets() -> None:
    key, email = "A1b2" * 16, "someone@example.com"
    shown = excerpt(response(200, f"<p>{key} {email}</p>" + "x" * 500 + "\x1b[31m\n"))
    assert key not in shown
    assert email not in shown
    assert len(shown) <= 120
    assert shown.isprintable()


SAMPLES: list[errors.ToolkitError] = [
    errors.UsageError("wrong"),
    errors.ParameterError("endpoint", 400, -1102, "missing"),
    errors.RateLimitError("endpoint", 429, -1003, "slow", 3.0),
    errors.BannedError("endpoint", "banned", datetime(2026, 1, 1, tzinfo=UTC)),
    errors.ServerError("endpoint", 503, None, "down", 4),
    errors.NoResponseError("endpoint", None, None, "timed out while waiting for the response", 4),
    errors.ContractError("endpoint", "not JSON", "<html>"),
    errors.RedirectError("endpoint", 302, "elsewhere"),
    errors.RowOrderError("endpoint", "order", (1, 2)),
]


@pytest.mark.parametrize("error", SAMPLES, ids=lambda error: type(error).__name__)
def test_errors_can_be_pickled_and_copied(error: errors.ToolkitError) -> None:
    for again in (pickle.loads(pickle.dumps(error)), copy.copy(error)):
        assert type(again) is type(error)
        assert str(again) == str(error)
        assert vars(again) == vars(error)


@pytest.mark.parametrize("error", SAMPLES, ids=lambda error: type(error).__name__)
def test_the_text_mentions_partial_rows(error: errors.ToolkitError) -> None:
    error = copy.copy(error)
    assert "partial" not in str(error)
    error.partial = pd.DataFrame({"a": [1, 2]})
    assert "The 2 rows that had arrived are in `.partial`" in str(error)
    error.partial = error.partial[:1]
    assert "The row that had arrived is in `.partial`" in str(error)


# -- errors of calls with secret arguments -------------------------------------------------------


@without_frames
def endpoint(key: str, values: Iterable[int] = (), *, error: BaseException | None = None) -> int:
    """A method with a secret argument."""
    if error is not None:
        raise error
    return len(key) + sum(values)


def frame_names(error: BaseException) -> list[str]:
    return [frame.name for frame in traceback.extract_tb(error.__traceback__)]


def traceback_text(error: BaseException) -> str:
    """A traceback with local variables, without those of the test itself."""
    assert error.__traceback__ is not None
    trace = error.__traceback__.tb_next
    shown = traceback.TracebackException(type(error), error, trace, capture_locals=True)
    return "".join(shown.format())


@pytest.mark.parametrize(
    "error",
    [
        errors.UsageError("no"),
        errors.UndeclaredFieldWarning("new"),
        UserWarning("as an error"),
        KeyboardInterrupt("stop"),
        TypeError("ours"),
        RuntimeError("ours"),
        SystemExit(1),
    ],
    ids=lambda error: type(error).__name__,
)
def test_the_traceback_of_an_error_ends_at_the_users_frame(error: BaseException) -> None:
    with pytest.raises(type(error)) as caught:
        endpoint("the key", error=error)
    assert caught.value is error
    assert frame_names(error)[1:] == []
    assert "the key" not in traceback_text(error)


@pytest.mark.parametrize("arguments", [{"eror": None}, {"key": "the key"}])
def test_the_traceback_of_wrong_arguments_ends_at_the_users_frame(arguments: dict[str, str]) -> None:
    with pytest.raises(TypeError, match=r"endpoint\(\) got") as caught:
        endpoint("the key", **arguments)  # type: ignore[arg-type]
    assert frame_names(caught.value)[1:] == []
    assert "the key" not in traceback_text(caught.value)
    assert not hasattr(caught.value, "__notes__"), "its text is enough"


def test_an_error_within_an_except_block_keeps_its_context() -> None:
    def user_code() -> None:
        try:
            raise LookupError("the user's own")
        except LookupError:
            endpoint("the key", error=errors.UsageError("no"))

    with pytest.raises(errors.UsageError) as caught:
        user_code()
    assert str(caught.value.__context__) == "the user's own"
    assert caught.value.__cause__ is None


def test_an_unexpected_error_has_a_note_with_its_origin() -> None:
    def user_code() -> Iterable[int]:
        secret = "the key"
        yield len(secret) // 0

    again = without_frames(endpoint)
    with pytest.raises(ZeroDivisionError) as caught:
        again("the key", user_code())
    (note,) = caught.value.__notes__
    assert "in user_code" in note
    assert "yield len(secret) // 0" in note
    assert frame_names(caught.value)[1:] == []
    assert "the key" not in traceback_text(caught.value)


def test_a_dropped_error_is_freed_at_once() -> None:
    gc.disable()
    try:
        error = errors.UsageError("no")
        seen = weakref.ref(error)
        with pytest.raises(errors.UsageError):
            endpoint("the key", error=error)
        del error
        assert seen() is None
    finally:
        gc.enable()
