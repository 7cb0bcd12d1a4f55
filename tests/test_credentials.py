"""A key and its secret stay out of sight."""

from __future__ import annotations

import copy
import pickle

import pytest

import toolkit
from toolkit.errors import UsageError
from toolkit.wire.credentials import Credentials

KEY, SECRET = "KEYKEYKEY" * 7, "SECSECSEC" * 7


def test_nothing_shows_them() -> None:
    credentials = Credentials(KEY, SECRET)
    link = toolkit.Link(KEY, SECRET)
    for shown in (repr(credentials), str(credentials), f"{credentials}", repr(link), repr(link.exchange)):
        assert KEY not in shown
        assert SECRET not in shown


@pytest.mark.parametrize("take", [copy.copy, copy.deepcopy, pickle.dumps])
def test_they_are_not_copied_or_pickled(take: object) -> None:
    with pytest.raises(TypeError, match="not pickled or copied"):
        take(Credentials(KEY, SECRET))  # type: ignore[operator]


@pytest.mark.parametrize(
    ("key", "secret", "said"),
    [
        ("", SECRET, "`key`"),
        (KEY, "", "`secret`"),
        (f" {KEY}", SECRET, "blanks"),
        (KEY, f"{SECRET}\n", "blanks"),
        ("YOUR_API_KEY", SECRET, "placeholder"),
        (KEY, "your_secret_here", "placeholder"),
        (None, SECRET, "`key`"),
    ],
)
def test_what_cannot_be_one_is_refused_at_once(key: str, secret: str, said: str) -> None:
    with pytest.raises(UsageError, match=said) as caught:
        toolkit.Link(key, secret)
    assert SECRET not in str(caught.value)
    assert KEY not in str(caught.value)
