"""Keys and secrets are never shown, and the right one of several keys is chosen."""

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
from toolkit.auth.signers import make_signer
from toolkit.endpoints import BASE_URLS, ENDPOINTS_BY_NAME, WRITES, WRITES_BY_NAME, Security
from toolkit.errors import NoKeyError

KEY, SECRET = "KEYKEYKEY" * 7, "SECSECSEC" * 7


def credentials(*serves: Security, key: str = KEY) -> Credentials:
    return Credentials(key, make_signer("`secret`", SECRET), serves or SECURITIES)


SECRET_OBJECTS = [credentials(), make_signer("`secret`", SECRET), Keys([credentials()], "arguments")]


@pytest.mark.parametrize("secret_object", [*SECRET_OBJECTS, toolkit.Link(key=KEY, secret=SECRET)], ids=repr)
def test_nothing_shows_keys_or_secrets(secret_object: object) -> None:
    for shown in (
        repr(secret_object),
        str(secret_object),
        f"{secret_object}",
        f"{getattr(secret_object, '__dict__', '')}",
    ):
        assert KEY not in shown
        assert SECRET not in shown
    if secret_object in SECRET_OBJECTS:
        with pytest.raises(TypeError):
            vars(secret_object)


@pytest.mark.parametrize("copy_of", [copy.copy, copy.deepcopy, pickle.dumps])
@pytest.mark.parametrize("secret_object", SECRET_OBJECTS, ids=repr)
def test_keys_cannot_be_copied_or_pickled(secret_object: object, copy_of: Callable[[object], object]) -> None:
    with pytest.raises(TypeError, match="cannot be pickled or copied"):
        copy_of(secret_object)


READER, TRADER, BOTH = credentials("USER_DATA"), credentials("TRADE"), credentials()


@pytest.mark.parametrize(
    ("there", "endpoint_name", "serves"),
    [
        ((BOTH, READER), "spot.rebates", READER),
        ((READER, BOTH), "spot.rebates", READER),
        ((BOTH, READER), "exchange.rebates", READER),
        ((TRADER, READER), "exchange.rebates", READER),
        ((READER, TRADER), "exchange.api_keys", TRADER),  # its documentation asks for the trade permission
        ((TRADER,), "exchange.rebates", TRADER),  # its documentation names no permission: any key may
        ((READER, TRADER), "exchange.create_sub_account", TRADER),
        ((READER, BOTH), "exchange.universal_transfer", BOTH),
        ((READER, BOTH), "spot.set_customer_id", BOTH),
        ((TRADER, BOTH), "exchange.spot_balances", BOTH),  # a key that may not read could be refused
        ((TRADER, BOTH), "exchange.create_sub_account", BOTH),
        ((TRADER, READER), "exchange.create_sub_account", TRADER),
    ],
)
def test_the_right_key_is_chosen(
    there: tuple[Credentials, ...], endpoint_name: str, serves: Credentials
) -> None:
    endpoint = (ENDPOINTS_BY_NAME | WRITES_BY_NAME)[endpoint_name]
    picked = Keys(there, "here").pick(endpoint.needs, endpoint_name, privileged=endpoint.privileged)
    assert picked is serves


def test_an_error_names_the_keys_that_are_missing() -> None:
    with pytest.raises(NoKeyError, match=r"rebates needs .* USER_DATA, .*here may serve TRADE\. Nothing"):
        Keys([TRADER], "here").pick({"USER_DATA"}, "spot.rebates", privileged=False)


@pytest.mark.parametrize("endpoint_name", [write.qualified_name for write in WRITES])
def test_a_key_limited_to_reading_sends_no_write(endpoint_name: str, tmp_path: Path) -> None:
    """Even if the exchange allowed more: the user declared that it serves USER_DATA only."""
    env = SandboxEnv(world=small_world())
    key = env.sandbox.world.example_write(endpoint_name).key
    reader = Credentials(key.key, make_signer("`secret`", key.secret), ["USER_DATA"])
    hosts = dict.fromkeys(BASE_URLS, env.sandbox.address)
    link = toolkit.Link(keys=Keys([reader], "here"), hosts=hosts, clock=env.clock)
    ops = link.operations(journal=tmp_path)
    given = example(env.sandbox.world, endpoint_name)
    assert not call(ops.preview, endpoint_name, given)
    with pytest.raises(NoKeyError, match=f"{endpoint_name} needs a key that may serve .*TRADE"):
        call(ops, endpoint_name, given)
    assert list(env.exchange.log) == []
    assert ops.history().empty
    env.close()
