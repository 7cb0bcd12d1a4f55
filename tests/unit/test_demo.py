"""`toolkit.demo()` with a sandbox that is already running."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import toolkit
from tests.support.sandbox_env import SandboxEnv
from toolkit import errors
from toolkit.sandbox import Sandbox, World


@pytest.fixture(scope="module")
def scaled() -> Iterator[Sandbox]:
    with Sandbox(world=World(seed=7), limit_scale=0.5, window_seconds=3) as running:
        yield running


def line(this: Sandbox, **more: Any) -> str:
    return json.dumps({"address": this.address, "key": this.key, "secret": this.secret} | more)


def test_the_link_knows_the_limits_of_the_sandbox(scaled: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOOLKIT_SANDBOX", line(scaled, limits=scaled.limits))
    with toolkit.demo() as link:
        assert link.sandbox is None
        assert link.estimate_weight("futures.overview").limit == 1200
        assert link.estimate_weight("exchange.partner").limit == 6000


@pytest.mark.parametrize("limits", [{}, {"limits": None}, {"limits": {"of another day": 5}}])
def test_without_limits_in_its_line_the_documented_ones_apply(
    env: SandboxEnv, monkeypatch: pytest.MonkeyPatch, limits: dict[str, Any]
) -> None:
    monkeypatch.setenv("TOOLKIT_SANDBOX", line(env.sandbox, **limits))
    with toolkit.demo() as link:
        assert link.estimate_weight("futures.overview").limit == 2400


def test_whose_the_demo_is_needs_no_look_up(
    scaled: Sandbox, monkeypatch: pytest.MonkeyPatch, accounts_folder: Path
) -> None:
    with toolkit.demo() as link:
        assert link.sandbox is not None
        assert link.exchange.partner().attrs["account"] == f"sandbox-uid:{link.sandbox.account}"
        assert [each.path for each in link.sandbox.exchange.log].count("/api/v3/account") == 0
        assert link.account.spot.balances()["account_id"][0] == link.sandbox.account
    monkeypatch.setenv("TOOLKIT_SANDBOX", line(scaled, account=scaled.account))
    with toolkit.demo() as link:
        assert link.account_id() == f"sandbox-uid:{scaled.account}"
    monkeypatch.setenv("TOOLKIT_SANDBOX", line(scaled, account="<b>"))
    with toolkit.demo() as link:
        assert "<b>" not in link.account_id()


@pytest.mark.parametrize("limits", [5, "x", [1]])
def test_invalid_limits_are_refused(env: SandboxEnv, monkeypatch: pytest.MonkeyPatch, limits: Any) -> None:
    monkeypatch.setenv("TOOLKIT_SANDBOX", line(env.sandbox, limits=limits))
    with pytest.raises(errors.UsageError, match="TOOLKIT_SANDBOX"):
        toolkit.demo()
