"""Figures of each test are closed, and leave no global setting changed."""

from __future__ import annotations

from collections.abc import Iterator

import matplotlib as mpl
import matplotlib.pyplot as plt
import pytest


@pytest.fixture(autouse=True)
def figures() -> Iterator[None]:
    with mpl.rc_context({"backend": "agg"}):
        settings = dict(mpl.rcParams)
        yield
        plt.close("all")
        assert dict(mpl.rcParams) == settings  # no global setting is changed
