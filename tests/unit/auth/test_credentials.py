"""A key and its secret stay out of sight, and of several keys the right one serves."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from pathlib import Path

import pytest

import toolkit
from tests.support.sandbox_env import SandboxEnv
from tests.support.writes import call, example, small_world
from toolkit.auth.credentials import SECURITIES, Credentials, Keys
from toolkit.auth.signers import signer_of
from toolkit.endpoints import BASE_URLS, ENDPOINTS_BY_NAME, WRITES, WRITES_BY_NAME, Security
from toolkit.errors import NoKeyError

KEY, SECRET = "KEYKEYKEY" * 7, "SECSECSEC" * 7


def credentials(*serves: Security, key: str = KEY) -> Credentials:
    return Credentials(key, signer_of("`secret`", SECRET), serves or SECURITIES)


SECRETIVE = [credentials(), signer_of("`secret`", SECRET), Keys([credentials()], "arguments")]


@pytest.mark.parametrize("secretive", [*SECRETIVE, toolkit.Link(key=KEY, secret=SECRET)], ids=repr)
def test_nothing_shows_them(secretive: object) -> None:
    for shown in (repr(secretive), str(secretive), f"{secretive}", f"{getattr(secretive, '__dict__', '')}"):
        assert KEY not in shown
        assert SECRET not in shown
    if secretive in SECRETIVE:
        with pytest.raises(TypeError):
            vars(secretive)


@pytest.mark.parametrize("take", [copy.copy, copy.deepcopy, pickle.dumps])
@pytest.mark.parametrize("secretive", SECRETIVE, ids=repr)
def test_they_are_not_copied_or_pickled(secretive: object, take: Callable[[object], object]) -> None:
    with pytest.raises(TypeError, match="not pickled or copied"):
        take(secretive)


READER, TRADER, BOTH = credentials("USER_DATA"), credentials("TRADE"), credentials()


@pytest.mark.parametrize(
    ("there", "endpoint_name", "serves"),
    [
        ((BOTH, READER), "spot.rebates", READER),
        ((READER, BOTH), "spot.rebates", READER),
        ((BOTH, READER), "exchange.rebates", READER),
        ((TRADER, READER), "exchange.rebates", READER),
        ((READER, TRADER), "exchange.api_keys", TRADER),  # its page asks for the trade option
        ((TRADER,), "exchange.rebates", TRADER),  # nothing is printed on its page: any key may
        ((READER, TRADER), "exchange.create_sub_account", TRADER),
        ((READER, BOTH), "exchange.universal_transfer", BOTH),
        ((READER, BOTH), "spot.set_customer_id", BOTH),
        ((TRADER, BOTH), "exchange.spot_balances", BOTH),  # one that may not read would be refused perhaps
        ((TRADER, BOTH), "exchange.create_sub_account", BOTH),
        ((TRADER, READER), "exchange.create_sub_account", TRADER),
    ],
)
def test_the_right_key_is_picked(
    there: tuple[Credentials, ...], endpoint_name: str, serves: Credentials
) -> None:
    endpoint = (ENDPOINTS_BY_NAME | WRITES_BY_NAME)[endpoint_name]
    picked = Keys(there, "here").pick(endpoint.needs, endpoint_name, privileged=endpoint.privileged)
    assert picked is serves


def test_where_none_fits_that_is_said() -> None:
    with pytest.raises(NoKeyError, match=r"rebates wants .* USER_DATA, .*here may serve TRADE\. Nothing"):
        Keys([TRADER], "here").pick({"USER_DATA"}, "spot.rebates", privileged=False)


@pytest.mark.parametrize("endpoint_name", [write.qualified_name for write in WRITES])
def test_a_key_that_is_to_read_alone_changes_nothing(endpoint_name: str, tmp_path: Path) -> None:
    """Whatever the exchange would let it do: that it serves USER_DATA alone is the user's word."""
    env = SandboxEnv(world=small_world())
    key = env.sandbox.world.example_write(endpoint_name).key
    reader = Credentials(key.key, signer_of("`secret`", key.secret), ["USER_DATA"])
    hosts = dict.fromkeys(BASE_URLS, env.sandbox.address)
    link = toolkit.Link(keys=Keys([reader], "here"), hosts=hosts, clock=env.clock)
    ops = link.operations(journal=tmp_path)
    given = example(env.sandbox.world, endpoint_name)
    assert not call(ops.preview, endpoint_name, given)
    with pytest.raises(NoKeyError, match=f"{endpoint_name} wants a key that may serve .*TRADE"):
        call(ops, endpoint_name, given)
    assert list(env.exchange.log) == []
    assert ops.history().empty
    env.close()
