"""Where keys come from, how each kind signs, and the errors for unusable ones."""

from __future__ import annotations

import base64
import copy
import getpass
import hashlib
import json
import os
import pickle
import shlex
import sys
import tomllib
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from inspect import signature
from pathlib import Path
from typing import Any

import pytest
import requests
from click.testing import CliRunner
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, rsa, x25519
from keyring.errors import KeyringLocked, NoKeyringError

import toolkit
from tests.support.keys import (
    KEY,
    PASSPHRASE,
    SECRET,
    MemoryKeyring,
    Private,
    pem,
    profiles,
    refused,
    refused_without_key,
    secretless,
    write,
)
from tests.support.sandbox_env import SandboxEnv
from tests.support.terminal import command
from tests.support.writes import small_world
from toolkit.__main__ import main
from toolkit.auth.credentials import Credentials
from toolkit.auth.keys import add_profile, find_keys, make_key_pair
from toolkit.auth.keys.creation import unused_name
from toolkit.auth.keys.profiles import ProfileEntry
from toolkit.auth.keys.system_keyring import SERVICE
from toolkit.auth.signers import make_signer
from toolkit.auth.signing import encode, sign
from toolkit.client import Settings
from toolkit.endpoints import BASE_URLS
from toolkit.errors import NoKeyError, SignatureError
from toolkit.sandbox.keys import letters


def public_pem(private: Private) -> str:
    return (
        private.public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        .decode()
    )


@pytest.fixture(scope="module")
def pairs() -> dict[str, Private]:
    """A private key of each kind that the exchange accepts."""
    return {
        "Ed25519": ed25519.Ed25519PrivateKey.generate(),
        "RSA 2048": rsa.generate_private_key(65537, 2048),
        "RSA 4096": rsa.generate_private_key(65537, 4096),
    }


KEY_AND_SECRET = f'key = "{KEY}"\nsecret = "{SECRET}"\n'


# -- how each kind signs ------------------------------------------------------------------------------

# RFC 8032, section 7.1, tests 1 to 3: seed, message, signature.
RFC_8032 = [
    (
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
        "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ),
    (
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
        "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ),
    (
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
        "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
    ),
]


@pytest.mark.parametrize(("seed", "message", "signature"), RFC_8032)
@pytest.mark.parametrize("passphrase", [None, PASSPHRASE])
def test_ed25519_signs_as_in_rfc_8032(
    seed: str, message: str, signature: str, passphrase: str | None
) -> None:
    private = ed25519.Ed25519PrivateKey.from_private_bytes(bytes.fromhex(seed))
    signer = make_signer("`private_key`", pem(private, passphrase), passphrase)
    assert signer.kind == "Ed25519"
    assert base64.b64decode(signer._sign(bytes.fromhex(message))).hex() == signature


@pytest.mark.parametrize("bits", [2048, 4096])
@pytest.mark.parametrize("passphrase", [None, PASSPHRASE])
@pytest.mark.parametrize("form", ["PKCS8", "TraditionalOpenSSL"])
def test_rsa_signs_as_in_pkcs_1(
    pairs: dict[str, Private], bits: int, passphrase: str | None, form: str
) -> None:
    private = pairs[f"RSA {bits}"]
    signer = make_signer("`private_key`", pem(private, passphrase, form), passphrase)
    assert (signer.kind, signer.bits) == ("RSA", bits)
    message = "symbol=LTCBTC&timestamp=1668481559918"
    signature = base64.b64decode(signer.sign(message), validate=True)
    # RFC 8017, section 9.2, computed by hand: 00 01 FF ... FF 00, the identifier of SHA-256, and the hash.
    named = (
        bytes.fromhex("3031300d060960864801650304020105000420") + hashlib.sha256(message.encode()).digest()
    )
    padded = b"\x00\x01" + b"\xff" * (bits // 8 - len(named) - 3) + b"\x00" + named
    numbers = private.public_key().public_numbers()
    assert pow(int.from_bytes(signature), numbers.e, numbers.n).to_bytes(bits // 8) == padded


@pytest.mark.parametrize("kind", ["Ed25519", "RSA 2048", "RSA 4096"])
@pytest.mark.parametrize("passphrase", [None, PASSPHRASE])
def test_the_sandbox_accepts_each_kind(
    env: SandboxEnv, pairs: dict[str, Private], kind: str, passphrase: str | None, tmp_path: Path
) -> None:
    made = env.sandbox.world.add_key("mine", public_pem=public_pem(pairs[kind]))
    path = write(tmp_path / "key.pem", pem(pairs[kind], passphrase))
    link = toolkit.Link(
        key=made.key,
        private_key=path,
        passphrase=passphrase,
        hosts=dict.fromkeys(BASE_URLS, env.sandbox.address),
        clock=env.clock,
    )
    assert len(link.exchange.partner()) == 1
    for placement in ("body", "query", "mixed"):
        ops = link.operations(parameters=placement, journal=tmp_path)  # type: ignore[arg-type]
        assert ops.exchange.create_sub_account(tag=f"by {placement}")
    assert {entry.key for entry in env.exchange.log if entry.key} == {"mine"}


@pytest.mark.parametrize("kind", ["HMAC", "Ed25519", "RSA 2048", "RSA 4096"])
def test_one_flipped_bit_is_refused(env: SandboxEnv, pairs: dict[str, Private], kind: str) -> None:
    if kind == "HMAC":
        key, secret = env.sandbox.key, env.sandbox.secret
    else:
        secret = pem(pairs[kind])
        key = env.sandbox.world.add_key("mine", public_pem=public_pem(pairs[kind])).key
    credentials = Credentials(key, make_signer("`secret`", secret))
    url = f"{env.sandbox.address}/sapi/v1/broker/info"
    query = encode({"timestamp": env.now})
    signature = credentials.sign(query)
    raw = bytearray(bytes.fromhex(signature) if kind == "HMAC" else base64.b64decode(signature))

    def answered() -> requests.Response:
        text = raw.hex() if kind == "HMAC" else base64.b64encode(raw).decode()
        return requests.get(
            url, {"timestamp": env.now, "signature": text}, headers={"X-MBX-APIKEY": key}, timeout=5
        )

    assert answered().status_code == 200
    for place in (0, len(raw) // 2, len(raw) - 1):
        for bit in (1, 128):
            raw[place] ^= bit
            assert answered().json()["code"] == -1022
            raw[place] ^= bit
    assert sign(credentials, query) in requests.Request("GET", url, params={"s": signature}).prepare().url  # type: ignore[operator]


def test_a_wrong_private_key_is_a_signature_error(
    env: SandboxEnv, pairs: dict[str, Private], tmp_path: Path
) -> None:
    made = env.sandbox.world.add_key("mine", public_pem=public_pem(pairs["RSA 2048"]))
    path = write(tmp_path / "other.pem", pem(pairs["Ed25519"]))
    hosts = dict.fromkeys(BASE_URLS, env.sandbox.address)
    link = toolkit.Link(key=made.key, private_key=path, hosts=hosts, clock=env.clock)
    with pytest.raises(SignatureError, match="does not belong"):
        link.exchange.partner()


# -- where they come from -----------------------------------------------------------------------------


def test_arguments_come_first(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    profiles(folder, f"[default]\n{KEY_AND_SECRET}")
    monkeypatch.setenv("TOOLKIT_KEY", letters("another"))
    monkeypatch.setenv("TOOLKIT_SECRET", letters("its secret"))
    found = find_keys(key=KEY, secret=SECRET)
    assert (found.origin, [each.key for each in found]) == ("arguments", [KEY])


def test_the_environment_comes_second(
    folder: Path, monkeypatch: pytest.MonkeyPatch, pairs: dict[str, Private]
) -> None:
    profiles(folder, f'[default]\nkey = "{letters("another")}"\nsecret = "{SECRET}"\n')
    monkeypatch.setenv("TOOLKIT_KEY", KEY)
    monkeypatch.setenv("TOOLKIT_SECRET", SECRET)
    assert [(each.key, each.kind) for each in find_keys()] == [(KEY, "HMAC")]
    assert find_keys().origin == "the environment"
    monkeypatch.delenv("TOOLKIT_SECRET")
    path = write(folder / "mine.pem", pem(pairs["Ed25519"], PASSPHRASE))
    monkeypatch.setenv("TOOLKIT_PRIVATE_KEY", str(path))
    monkeypatch.setenv("TOOLKIT_PASSPHRASE", PASSPHRASE)
    assert [each.kind for each in find_keys()] == ["Ed25519"]


def test_a_private_key_is_recognised_by_its_content(
    monkeypatch: pytest.MonkeyPatch, pairs: dict[str, Private]
) -> None:
    monkeypatch.setenv("TOOLKIT_KEY", KEY)
    for name in ("TOOLKIT_SECRET", "TOOLKIT_PRIVATE_KEY"):
        monkeypatch.setenv(name, pem(pairs["RSA 2048"]))
        assert [(each.kind, each.bits) for each in find_keys()] == [("RSA", 2048)]
        monkeypatch.delenv(name)
    assert [each.kind for each in find_keys(key=KEY, secret=f"\n{pem(pairs['Ed25519'])}\n")] == ["Ed25519"]


def test_the_default_profile_comes_third(folder: Path) -> None:
    path = profiles(folder, f"[other]\n{KEY_AND_SECRET}\n[default]\n{KEY_AND_SECRET}")
    assert find_keys().origin == f"profile default in {path}"
    assert [each.key for each in find_keys()] == [KEY]


def test_an_explicit_profile_overrides_the_environment(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = profiles(folder, f'[desk]\n{KEY_AND_SECRET}\n[default]\nkey = "{SECRET}"\nsecret = "{KEY}"\n')
    monkeypatch.setenv("TOOLKIT_KEY", letters("another"))
    monkeypatch.setenv("TOOLKIT_SECRET", letters("its secret"))
    assert [each.key for each in find_keys("desk")] == [KEY]
    monkeypatch.delenv("TOOLKIT_KEY")
    monkeypatch.delenv("TOOLKIT_SECRET")
    monkeypatch.setenv("TOOLKIT_PROFILE", "desk")
    assert find_keys().origin == f"profile desk in {path}"
    assert toolkit.Link("desk").source == "live"


def test_a_relative_private_key_lies_beside_the_profiles(folder: Path, pairs: dict[str, Private]) -> None:
    write(folder / "mine.pem", pem(pairs["Ed25519"], PASSPHRASE))
    profiles(folder, f'[desk]\nkey = "{KEY}"\nprivate_key = "mine.pem"\npassphrase = "{PASSPHRASE}"\n')
    assert [each.kind for each in find_keys("desk")] == ["Ed25519"]


TWO_KEYS = f"""
[[house.keys]]
key = "{KEY}"
secret = "{SECRET}"
serves = ["USER_DATA"]

[[house.keys]]
key = "{letters("a trader's")}"
private_key = "trade.pem"
serves = ["TRADE"]
"""


def test_a_profile_with_several_keys_uses_the_right_one(
    folder: Path, pairs: dict[str, Private], tmp_path: Path
) -> None:
    env, private = SandboxEnv(world=small_world()), pairs["Ed25519"]
    world = env.sandbox.world
    reader = world.keys["read-only"]
    trader = world.add_key("trader", public_pem=public_pem(private), like="trade-only")
    write(folder / "trade.pem", pem(private, PASSPHRASE))
    house = TWO_KEYS.replace(KEY, reader.key).replace(SECRET, reader.secret)
    profiles(folder, house.replace(letters("a trader's"), trader.key))
    hosts = dict.fromkeys(BASE_URLS, env.sandbox.address)
    link = toolkit.Link("house", passphrase=PASSPHRASE, hosts=hosts, clock=env.clock)
    link.spot.customers()
    link.exchange.partner()
    assert {entry.key for entry in env.exchange.log if entry.key} == {"read-only"}
    ops = link.operations(journal=tmp_path)
    made = ops.exchange.create_sub_account(tag="one", idempotency_key="one")
    assert made
    assert env.exchange.effects[-1].key_name == "trader"
    assert ops.exchange.create_sub_account(tag="one", idempotency_key="one").number == made.number
    # Reads with one key resolve writes of another key of the same profile: they share an account.
    env.exchange.faults.add("reset", path="/sapi/v1/broker/subAccount", method="POST")
    failure = ops.exchange.create_sub_account(tag="two", unique_suffix=True)
    assert failure.status == "unknown"
    assert failure.reconcile().status == "confirmed"
    env.close()


def test_nothing_is_sent_if_no_key_of_a_profile_is_suitable(env: SandboxEnv, folder: Path) -> None:
    profiles(folder, f"[desk]\n{KEY_AND_SECRET}serves = ['TRADE']\n")
    hosts = dict.fromkeys(BASE_URLS, env.sandbox.address)
    link = toolkit.Link("desk", hosts=hosts, clock=env.clock)
    before = len(env.exchange.log)
    for call in (link.spot.customers, link.futures.volumes, lambda: link.spot.rebates(start="-60D")):
        with pytest.raises(NoKeyError, match="needs a key that may serve USER_DATA") as caught:
            call()
        assert "Nothing was sent" in secretless(caught.value)
    reader = toolkit.Link(key=KEY, secret=SECRET, hosts=hosts, clock=env.clock)
    assert reader is not None
    assert len(env.exchange.log) == before


def test_a_file_from_windows_is_read(folder: Path) -> None:
    (folder / "profiles.toml").write_bytes(
        b"\xef\xbb\xbf" + f"[desk]\n{KEY_AND_SECRET}".replace("\n", "\r\n").encode()
    )
    (folder / "profiles.toml").chmod(0o600)
    assert [each.key for each in find_keys("desk")] == [KEY]


# -- the keyring --------------------------------------------------------------------------------------


def test_the_keyring_comes_last(folder: Path, memory: MemoryKeyring, pairs: dict[str, Private]) -> None:
    memory.held[SERVICE, "default"] = f"[default]\n{KEY_AND_SECRET}"
    assert find_keys().origin == "profile default in the system's keyring"
    path = write(folder / "mine.pem", pem(pairs["Ed25519"], PASSPHRASE))
    memory.held[SERVICE, "desk"] = f'[desk]\nkey = "{KEY}"\nprivate_key = "{path}"\n'
    with pytest.raises(NoKeyError, match="is encrypted with a passphrase"):
        find_keys("desk")
    memory.held[SERVICE, "desk passphrase"] = PASSPHRASE
    assert [each.kind for each in find_keys("desk")] == ["Ed25519"]
    profiles(folder, f"[default]\n{KEY_AND_SECRET}")
    assert "profiles.toml" in find_keys().origin


def test_a_missing_keyring_is_ignored(folder: Path, memory: MemoryKeyring) -> None:
    def encrypted(*_: object) -> str:
        raise NoKeyringError

    memory.get_password = encrypted  # type: ignore[method-assign]
    refused_without_key("No API key was found.*the system's keyring, which is not available")


# -- the prompt ---------------------------------------------------------------------------------------


@pytest.fixture
def type_answers(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """A function that types these answers into the hidden prompts and returns the questions."""

    def type_in(*answers: str) -> list[str]:
        asked: list[str] = []
        left = list(answers)

        def answer(prompt: str = "", stream: object = None) -> str:
            asked.append(prompt)
            return left.pop(0)

        monkeypatch.setattr(getpass, "getpass", answer)
        return asked

    return type_in


def test_a_prompt_asks_for_a_key(env: SandboxEnv, type_answers: Callable[..., list[str]]) -> None:
    asked = type_answers(env.sandbox.key, env.sandbox.secret)
    hosts = dict.fromkeys(BASE_URLS, env.sandbox.address)
    link = toolkit.Link.from_prompt(hosts=hosts, clock=env.clock, numbers="exact")
    assert len(link.exchange.partner()) == 1
    assert asked == ["API key: ", "Secret, or the file of the private key: "]


def test_a_prompt_asks_for_the_passphrase_of_a_private_key(
    folder: Path, pairs: dict[str, Private], type_answers: Callable[..., list[str]]
) -> None:
    path = write(folder / "mine.pem", pem(pairs["Ed25519"], PASSPHRASE))
    asked = type_answers(KEY, str(path), PASSPHRASE)
    toolkit.Link.from_prompt()
    assert len(asked) == 3
    profiles(folder, f'[desk]\nkey = "{KEY}"\nprivate_key = "mine.pem"\n')
    asked = type_answers(PASSPHRASE)
    toolkit.Link.from_prompt("desk")
    assert ["passphrase" in each for each in asked] == [True]
    type_answers("wrong")
    with pytest.raises(NoKeyError, match="the passphrase is wrong"):
        toolkit.Link.from_prompt("desk")


def test_from_prompt_has_the_arguments_of_a_link() -> None:
    of_a_key = {"self", "profile", "key", "secret", "private_key", "passphrase", "keys"}
    assert Settings.__annotations__.keys() == signature(toolkit.Link).parameters.keys() - of_a_key


@pytest.mark.parametrize("nobody", [EOFError, NotImplementedError, getpass.GetPassWarning])
def test_an_impossible_prompt_is_an_error(monkeypatch: pytest.MonkeyPatch, nobody: type[Exception]) -> None:
    def ask(prompt: str = "", stream: object = None) -> str:
        if issubclass(nobody, Warning):
            warnings.warn("it can be seen", nobody, stacklevel=2)
            return KEY
        raise nobody

    monkeypatch.setattr(getpass, "getpass", ask)
    with pytest.raises(NoKeyError, match="prompt is not possible"):
        toolkit.Link.from_prompt()


# -- unusable keys: each has its own message ---------------------------------------------------


def test_no_key_anywhere(folder: Path) -> None:
    refused_without_key("No API key was found.*TOOLKIT_KEY.*profiles.toml.*keyring.*Link.from_prompt")


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({"key": "YOUR_API_KEY", "secret": SECRET}, "`key` is a placeholder"),
        ({"key": KEY, "secret": "your_secret_here"}, "`secret` is a placeholder"),
        ({"key": KEY, "secret": "<paste the secret of the desk key in here>"}, "contains spaces"),
        ({"key": "<API-KEY>", "secret": SECRET}, "`key` is a placeholder"),
        ({"key": "xxxxxxxx", "secret": SECRET}, "`key` is a placeholder"),
        ({"key": f" {KEY}", "secret": SECRET}, "`key` has spaces or line breaks around it"),
        ({"key": f"{KEY}\n", "secret": SECRET}, "`key` has spaces or line breaks around it"),
        ({"key": KEY, "secret": f"{SECRET}\u00a0"}, "`secret` has spaces or line breaks around it"),
        ({"key": f"{KEY[:9]} {KEY[9:]}", "secret": SECRET}, "`key` contains spaces"),
        ({"key": f'"{KEY}"', "secret": SECRET}, "`key` has quotes around it"),
        ({"key": f"{KEY}\u200b", "secret": SECRET}, "`key` contains characters that no key has"),
        ({"key": f"{KEY[:20]}…", "secret": SECRET}, "`key` contains characters that no key has"),
        ({"key": f"{KEY}\x00", "secret": SECRET}, "`key` contains characters that no key has"),
        ({"key": "", "secret": SECRET}, "`key` is missing"),
        ({"secret": SECRET}, "`key` is missing"),
        ({"key": KEY}, "`key` needs either `secret` or `private_key`"),
        ({"key": KEY, "secret": SECRET, "private_key": "x.pem"}, "needs either"),
        ({"key": KEY, "secret": ""}, "`secret` must be the text"),
        ({"key": KEY, "secret": KEY}, "are the same text"),
        ({"key": KEY, "secret": 7}, "`secret` must be the text"),
        ({"key": 7, "secret": SECRET}, "`key` must be the text"),
        ({"key": KEY, "secret": "desk.pem"}, "`secret` is the name of a file"),
        ({"key": KEY, "private_key": "nowhere.pem"}, "`private_key` names a file that does not exist"),
        ({"key": KEY, "private_key": ""}, "`private_key` must be the path"),
        ({"key": KEY, "private_key": b"x"}, "`private_key` must be the path"),
        ({"key": KEY, "private_key": f"{SECRET}\x00"}, "`private_key` names a file that does not exist"),
        ({"key": KEY, "private_key": SECRET * 9}, "`private_key` names a file that does not exist"),
        ({"key": KEY, "secret": SECRET, "passphrase": "p"}, "only private keys have a passphrase"),
        ({"profile": "desk", "key": KEY, "secret": SECRET}, "not both"),
        ({"keys": KEY}, "`keys` is a result of"),
        ({"keys": KEY, "key": KEY}, "not both"),
        ({"profile": KEY}, "The name of a profile is short"),
        ({"profile": "../desk"}, "The name of a profile is short"),
        ({"profile": ""}, "The name of a profile is short"),
        ({"profile": "nobody"}, "There is no profile of this name"),
    ],
)
def test_each_mistake_has_its_own_message(folder: Path, arguments: dict[str, Any], problem: str) -> None:
    refused(problem, **arguments)


def test_errors_name_the_environment_variable(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    monkeypatch.setenv("TOOLKIT_KEY", KEY)
    refused("TOOLKIT_KEY needs either TOOLKIT_SECRET or TOOLKIT_PRIVATE_KEY")
    monkeypatch.setenv("TOOLKIT_SECRET", f"{SECRET} ")
    refused("TOOLKIT_SECRET has spaces")
    monkeypatch.setenv("TOOLKIT_SECRET", "desk.pem")
    refused("TOOLKIT_SECRET is the name of a file: use TOOLKIT_PRIVATE_KEY")
    monkeypatch.delenv("TOOLKIT_KEY")
    refused("TOOLKIT_KEY is missing")


@pytest.mark.parametrize("mode", [0o640, 0o620, 0o610, 0o604, 0o602, 0o601, 0o660, 0o644, 0o666])
def test_a_file_others_may_read_is_refused(folder: Path, pairs: dict[str, Private], mode: int) -> None:
    path = profiles(folder, f"[desk]\n{KEY_AND_SECRET}", mode)
    refused(
        f"other users of this machine may read or change it .its mode is {mode:o}.: run `chmod 600",
        profile="desk",
    )
    path.chmod(0o400)
    assert len(find_keys("desk")) == 1
    key = write(folder / "mine.pem", pem(pairs["Ed25519"]), mode)
    refused("mine.pem contains keys, but other users of this machine", key=KEY, private_key=key)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root gives files away")
def test_a_file_of_another_user_is_refused(folder: Path) -> None:
    os.chown(profiles(folder, f"[desk]\n{KEY_AND_SECRET}"), 12_345, 12_345)
    refused("belongs to another user", profile="desk")


def test_a_folder_is_refused(folder: Path) -> None:
    refused("cannot be read", key=KEY, private_key=folder)
    (folder / "profiles.toml").mkdir()
    refused("cannot be read", profile="desk")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[desk\n", "not valid TOML: see line 1"),
        (f"[desk]\nkey = {KEY}\n", "not valid TOML: see line 2"),
        (f'key = "{KEY}"', "under its name in brackets"),
        (f'[desk]\n{KEY} = ""', r"an unknown field: \(a long one\)"),
        (f"[desk]\n{KEY_AND_SECRET}secert = 1", "an unknown field: secert"),
        (f'[desk]\nkey = 1\nsecret = "{SECRET}"', "`key` must be text in quotes"),
        (f"[desk]\n{KEY_AND_SECRET}serves = 'TRADE'", "`serves` must be a list"),
        (f"[desk]\n{KEY_AND_SECRET}serves = ['WITHDRAW']", "`serves` must be a list"),
        (f"[desk]\n{KEY_AND_SECRET}serves = [['TRADE']]", "`serves` must be a list"),
        (f"[desk]\n{KEY_AND_SECRET}serves = []", "`serves` must be a list"),
        (f"[desk]\n{KEY_AND_SECRET}keys = []", "either one key or several"),
        ("[desk]\nkeys = 7", "either one key or several"),
        ("[desk]\nkeys = [7]", "key 1, must be a table"),
        ("[desk]", "`key` is missing"),
        (f'[desk]\nkey = "YOUR_API_KEY"\nsecret = "{SECRET}"', "desk.*`key` is a placeholder"),
        ("[desk]\n" + "a." * 5000 + "b = 1", "not valid TOML|an unknown field"),
        ("a = " + "[" * 50_000, "not valid TOML"),
        ("[desk]\nkey = " + "7" * 5000, "not valid TOML"),
    ],
)
def test_each_mistake_in_a_profile_has_its_own_message(folder: Path, text: str, problem: str) -> None:
    profiles(folder, text)
    refused(problem, profile="desk")


def test_each_unusable_private_key_has_its_own_message(folder: Path, pairs: dict[str, Private]) -> None:
    good = pairs["Ed25519"]
    encrypted = pem(good, PASSPHRASE)
    unusable = {
        "of a kind that the exchange does not accept": [
            pem(ec.generate_private_key(ec.SECP256R1())),
            pem(x25519.X25519PrivateKey.generate()),
            pem(dsa.generate_private_key(1024)),
        ],
        "is an RSA key of 1024 bits: the exchange accepts 2048 or 4096": [
            pem(rsa.generate_private_key(65537, 1024))
        ],
        "it may be the public key, which belongs to the exchange": [public_pem(good)],
        "in the format of OpenSSH": [pem(good, form="OpenSSH")],
        "contains no key in PEM": ["", "hello", SECRET, pem(good).replace("BEGIN", "BGIN")],
        "is damaged": [pem(good)[:70] + "\n-----END PRIVATE KEY-----\n", pem(good).replace("\n", "\nx", 1)],
        "is cut off": [pem(good)[:70], pem(good)[:-10]],
        "contains more than one key": [pem(good) + pem(good)],
        "is not a private key in PEM": [pem(good) + "é" * 10, pem(good) + "x" * 30_000],
        "is encrypted with a passphrase: pass `passphrase=`, set TOOLKIT_PASSPHRASE": [encrypted],
    }
    for problem, texts in unusable.items():
        for text in texts:
            refused(problem, key=KEY, private_key=write(folder / "mine.pem", text))
    path = write(folder / "mine.pem", encrypted)
    for wrong in ("wrong", PASSPHRASE.upper(), f"{PASSPHRASE} ", "é" * 2000):
        refused("the passphrase is wrong", key=KEY, private_key=path, passphrase=wrong)
    refused("given an empty passphrase|is encrypted", key=KEY, private_key=path, passphrase="")
    open_key = write(folder / "open.pem", pem(good))
    refused("is not encrypted, but a passphrase was given", key=KEY, private_key=open_key, passphrase="p")


# -- the command --------------------------------------------------------------------------------------


def test_the_command_creates_a_pair_and_a_profile(folder: Path, env: SandboxEnv) -> None:
    made = command("key", "new", "desk")
    path = folder / "desk.pem"
    assert made.status == 0, made.shown
    assert path.stat().st_mode & 0o777 == 0o600
    assert "PRIVATE KEY" not in made.shown
    public = made.shown[made.shown.index("-----BEGIN PUBLIC") :]
    key = env.sandbox.world.add_key("pasted", public_pem=public.strip() + "\n").key
    again = command("key", "new", "desk")
    assert again.status == 1
    assert "never overwritten" in again.shown
    added = command("key", "add", "desk", "--private-key", str(path), typed=[key])
    assert added.status == 0, added.shown
    assert key not in added.shown
    assert (folder / "profiles.toml").stat().st_mode & 0o777 == 0o600
    hosts = dict.fromkeys(BASE_URLS, env.sandbox.address)
    assert len(toolkit.Link("desk", hosts=hosts, clock=env.clock).exchange.partner()) == 1
    twice = command("key", "add", "desk")  # reported before anything is asked
    assert (twice.status, "already" in twice.shown) == (1, True)
    second = command("key", "add", "second", "--serves", "USER_DATA", typed=[KEY, SECRET])
    assert second.status == 0, second.shown
    assert SECRET not in second.shown
    (read,) = find_keys("second")
    assert (read.key, read.serves) == (KEY, {"USER_DATA"})
    assert len(find_keys("desk")) == 1


def test_the_command_can_encrypt_a_pair(folder: Path) -> None:
    made = command("key", "new", "--lock", typed=[PASSPHRASE] * 2)
    assert made.status == 0, made.shown
    assert "ENCRYPTED" in (folder / "default.pem").read_text()
    assert PASSPHRASE not in made.shown
    differs = command("key", "new", "other", "--lock", typed=[PASSPHRASE, "another"])
    assert differs.status == 1
    assert not (folder / "other.pem").exists()


def test_the_command_stores_no_invalid_key(folder: Path) -> None:
    usage_error = command("key", "add", "desk", typed=[KEY, KEY])
    assert usage_error.status == 1
    assert "same text" in usage_error.shown
    assert not list(folder.iterdir())


def test_a_profile_is_stored_in_the_keyring(folder: Path, memory: MemoryKeyring) -> None:
    def add() -> str:
        return add_profile("desk", key=KEY, secret=SECRET, serves=("TRADE",), in_keyring=True)

    assert add() == "the system's keyring"
    assert [(each.key, each.serves) for each in find_keys("desk")] == [(KEY, {"TRADE"})]
    with pytest.raises(NoKeyError, match="already"):
        add()
    assert not (folder / "profiles.toml").exists()
    assert json.dumps(KEY) in memory.held[SERVICE, "desk"]


# -- writing profiles and pairs -----------------------------------------------------------------------


def assert_refused(call: Callable[[], object], problem: str) -> None:
    with pytest.raises(NoKeyError, match=problem) as caught:
        call()
    assert "Nothing was" in secretless(caught.value)


SURROGATE = "\udcff\ud800"


@pytest.mark.parametrize(
    ("passphrase", "problem"),
    [
        (f"{PASSPHRASE}{SURROGATE}", "is not text"),
        (7, "is not text"),
        ("", "is empty"),
        (PASSPHRASE * 100, "is longer than 1,023 bytes"),
        ("é" * 512, "is longer than 1,023 bytes"),
    ],
)
def test_an_invalid_passphrase_creates_no_pair(folder: Path, passphrase: Any, problem: str) -> None:
    assert_refused(lambda: make_key_pair(folder / "mine.pem", passphrase), problem)
    assert not list(folder.iterdir())


def test_a_pair_can_be_written_to_any_path(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(folder))
    make_key_pair("~/mine.pem", "é" * 511)
    assert [each.name for each in folder.iterdir()] == ["mine.pem"]
    for path in (f"{folder}/{SURROGATE}", f"{folder}/\x00", "", None):
        assert_refused(lambda path=path: make_key_pair(path), "`path` (is|must be)")  # type: ignore[misc]


def test_a_profile_that_cannot_be_encoded_is_not_written(folder: Path, pairs: dict[str, Private]) -> None:
    profiles(folder, f"[other]\n{KEY_AND_SECRET}")
    path = write(folder / os.fsdecode(b"\xff.pem"), pem(pairs["Ed25519"]))
    assert_refused(
        lambda: add_profile("desk", key=KEY, private_key=path), "`private_key` contains characters"
    )
    path = write(folder / "mine.pem", pem(pairs["Ed25519"], PASSPHRASE))
    for phrase, problem in (
        ((PASSPHRASE + SURROGATE), "`passphrase` contains characters"),
        (7, "must be text"),
    ):
        assert_refused(
            lambda phrase=phrase: add_profile("desk", key=KEY, private_key=path, passphrase=phrase),  # type: ignore[misc]
            problem,
        )
    assert_refused(
        lambda: add_profile("desk", key=KEY, secret=SECRET, serves=["WITHDRAW"]), "^`serves` must be a list"
    )  # type: ignore[list-item]
    assert (folder / "profiles.toml").read_text() == f"[other]\n{KEY_AND_SECRET}"


def test_a_stored_profile_can_be_read(folder: Path, pairs: dict[str, Private]) -> None:
    phrase = 'a \x7f "quoted" \\ \t é 🔑'
    path = write(folder / "mine.pem", pem(pairs["Ed25519"], phrase))
    add_profile("desk", key=KEY, private_key=path, passphrase=phrase)
    assert [each.kind for each in find_keys("desk")] == ["Ed25519"]


def test_an_entry_cannot_be_pickled_or_copied() -> None:
    entry = ProfileEntry(where="", key=KEY, secret=SECRET)
    assert KEY not in repr(entry)
    for take in (copy.copy, copy.deepcopy, pickle.dumps):
        with pytest.raises(TypeError, match="cannot be pickled or copied"):
            take(entry)


def test_a_private_key_is_found_again_from_any_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pairs: dict[str, Private]
) -> None:
    config, work = tmp_path / "config", tmp_path / "work"
    for each in (config, work, tmp_path / "elsewhere"):
        each.mkdir()
        write(each / "mine.pem", pem(pairs["Ed25519"]))
    monkeypatch.setenv("TOOLKIT_CONFIG", str(config))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(work)
    add_profile("relative", key=KEY, private_key="mine.pem")
    add_profile("home", key=KEY, private_key="~/elsewhere/mine.pem")
    add_profile("beside", key=KEY, private_key=Path("../config/mine.pem"))
    held = tomllib.loads((config / "profiles.toml").read_text())
    assert {name: profile["private_key"] for name, profile in held.items()} == {
        "relative": str((work / "mine.pem").resolve()),
        "home": str((tmp_path / "elsewhere" / "mine.pem").resolve()),
        "beside": "mine.pem",
    }
    monkeypatch.chdir("/")
    for name in held:
        assert len(find_keys(name)) == 1


def test_profiles_added_at_the_same_time_are_all_kept(folder: Path) -> None:
    def add(number: int) -> str:
        return add_profile(f"desk{number}", key=KEY, secret=SECRET)

    with ThreadPoolExecutor(16) as rate_limit:
        list(rate_limit.map(add, range(48)))
    assert len(tomllib.loads((folder / "profiles.toml").read_text())) == 48
    assert sorted(each.name for each in folder.iterdir()) == ["profiles.toml", "profiles.toml.lock"]


def test_the_file_of_profiles_may_be_a_symlink(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config, real = tmp_path / "config", tmp_path / "dotfiles" / "mine.toml"
    config.mkdir()
    real.parent.mkdir()
    write(real, f"[other]\n{KEY_AND_SECRET}")
    (config / "profiles.toml").symlink_to(real)
    monkeypatch.setenv("TOOLKIT_CONFIG", str(config))
    add_profile("desk", key=KEY, secret=SECRET)
    assert (config / "profiles.toml").is_symlink()
    assert tomllib.loads(real.read_text()).keys() == {"other", "desk"}


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such permissions")
@pytest.mark.parametrize("umask", [0o000, 0o022, 0o277])
def test_created_folders_are_accessible_to_their_owner_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, umask: int
) -> None:
    monkeypatch.setenv("TOOLKIT_CONFIG", str(tmp_path / "a" / "b"))
    before = os.umask(umask)
    try:
        add_profile("desk", key=KEY, secret=SECRET)
    finally:
        os.umask(before)
    for path in (tmp_path / "a", tmp_path / "a" / "b"):
        assert path.stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "a" / "b" / "profiles.toml").stat().st_mode & 0o077 == 0


def test_a_name_is_unique_across_file_and_keyring(folder: Path, memory: MemoryKeyring) -> None:
    add_profile("desk", key=KEY, secret=SECRET)
    add_profile("house", key=KEY, secret=SECRET, in_keyring=True)
    for in_keyring in (False, True):
        assert_refused(
            lambda at=in_keyring: unused_name("desk", in_keyring=at),
            "profiles.toml already has a profile desk",
        )  # type: ignore[misc]
        assert_refused(
            lambda at=in_keyring: unused_name("house", in_keyring=at), "keyring already has a profile house"
        )  # type: ignore[misc]
        assert_refused(
            lambda at=in_keyring: add_profile("desk", key=KEY, secret=SECRET, in_keyring=at),  # type: ignore[misc]
            "already has a profile desk",
        )
    assert unused_name("third") == "third"


# -- the environment, and errors if nothing is found -----------------------------------------


@pytest.mark.parametrize("name", ["TOOLKIT_KEY", "TOOLKIT_SECRET", "TOOLKIT_PRIVATE_KEY"])
def test_a_key_and_a_profile_in_the_environment_conflict(
    folder: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    profiles(folder, f"[desk]\n{KEY_AND_SECRET}")
    monkeypatch.setenv(name, SECRET)
    monkeypatch.setenv("TOOLKIT_PROFILE", "desk")
    refused(f"{name} and TOOLKIT_PROFILE are both set")
    assert len(find_keys("desk")) == 1


@pytest.mark.parametrize("name", [" ", "desk ", " desk"])
def test_an_invalid_name_in_a_variable_names_the_variable(
    folder: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("TOOLKIT_PROFILE", name)
    refused("^TOOLKIT_PROFILE: The name of a profile is short")


def test_without_a_default_profile_the_others_are_named(folder: Path) -> None:
    profiles(folder, f"[desk]\n{KEY_AND_SECRET}[a]\n{KEY_AND_SECRET}")
    refused_without_key(
        r'No API key was found.*profiles.toml, which has a, desk, or.*`toolkit.Link\("NAME"\)` uses'
    )


def test_an_error_names_its_source_once(folder: Path, pairs: dict[str, Private]) -> None:
    write(folder / "mine.pem", pem(pairs["Ed25519"], PASSPHRASE))
    for text in (
        f'key = "{KEY}"',
        f'key = "{KEY}"\nsecret = "{KEY}"',
        f'key = "{KEY}"\nprivate_key = "mine.pem"\npassphrase = "wrong"',
        f"{KEY_AND_SECRET}serves = []",
    ):
        profiles(folder, f"[desk]\n{text}")
        with pytest.raises(NoKeyError) as caught:
            find_keys("desk")
        assert str(caught.value).count("profile desk in") == 1


# -- passphrases --------------------------------------------------------------------------------------


@pytest.fixture
def encrypted(folder: Path, pairs: dict[str, Private]) -> Path:
    """A profile with an encrypted private key."""
    write(folder / "mine.pem", pem(pairs["Ed25519"], PASSPHRASE))
    return profiles(folder, f'[desk]\nkey = "{KEY}"\nprivate_key = "mine.pem"\n')


def test_passphrases_are_looked_up_in_order(
    encrypted: Path, memory: MemoryKeyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each source precedes the one before it; all passphrases are wrong except the last."""
    refused("is encrypted with a passphrase: pass", profile="desk")
    monkeypatch.setenv("TOOLKIT_PASSPHRASE", "wrong")
    refused("with TOOLKIT_PASSPHRASE cannot be decrypted: the passphrase is wrong", profile="desk")
    memory.held[SERVICE, "desk passphrase"] = "wrong"
    refused("with the passphrase of the system's keyring cannot be decrypted", profile="desk")
    encrypted.write_text(encrypted.read_text() + 'passphrase = "wrong"\n')
    refused("with its `passphrase` cannot be decrypted", profile="desk")
    refused("with `passphrase=` cannot be decrypted", profile="desk", passphrase="wronger")
    assert len(find_keys("desk", passphrase=PASSPHRASE)) == 1


@pytest.mark.parametrize("place", ["keyring", "environment"])
def test_a_prompt_asks_again_if_the_stored_passphrase_is_wrong(
    encrypted: Path,
    memory: MemoryKeyring,
    monkeypatch: pytest.MonkeyPatch,
    type_answers: Callable[..., list[str]],
    place: str,
) -> None:
    def found(phrase: str) -> None:
        if place == "environment":
            monkeypatch.setenv("TOOLKIT_PASSPHRASE", phrase)
        else:
            memory.held[SERVICE, "desk passphrase"] = phrase

    found("wrong")
    asked = type_answers(PASSPHRASE)
    toolkit.Link.from_prompt("desk")
    assert len(asked) == 1
    found(PASSPHRASE)
    asked = type_answers()
    toolkit.Link.from_prompt("desk")
    assert asked == []


def test_a_passphrase_for_an_unencrypted_key_is_refused(folder: Path, pairs: dict[str, Private]) -> None:
    write(folder / "trade.pem", pem(pairs["Ed25519"]))
    profiles(folder, f"{TWO_KEYS}\n[default]\n{KEY_AND_SECRET}")
    for profile in ("house", None):
        refused("has no key that is encrypted", profile=profile, passphrase="x")
    write(folder / "trade.pem", pem(pairs["Ed25519"], PASSPHRASE))
    assert len(find_keys("house", passphrase=PASSPHRASE)) == 2


def test_a_passphrase_must_be_text(encrypted: Path) -> None:
    refused("`passphrase` must be text", profile="desk", passphrase=7)


# -- keyrings that fail, files that are no files ----------------------------------------------------------


def test_a_locked_keyring_differs_from_an_empty_one(
    encrypted: Path, memory: MemoryKeyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused("the system's keyring does not contain it", profile="nobody")

    def is_locked(*_: object) -> str:
        raise KeyringLocked(PASSPHRASE)

    memory.get_password = memory.set_password = is_locked  # type: ignore[method-assign, assignment]
    problem = r"keyring,?( which)? cannot be read \(KeyringLocked\): unlock it"
    refused(problem, profile="nobody")
    refused(problem)
    refused(f"is encrypted with a passphrase, and the system's {problem}", profile="desk")
    assert_refused(lambda: unused_name("house", in_keyring=True), problem)
    assert unused_name("house") == "house"


def test_a_missing_keyring_is_explained(folder: Path, memory: MemoryKeyring) -> None:
    def none(*_: object) -> None:
        raise NoKeyringError

    advice = r"`python -m pip install keyring`.*unlock it, or omit `--keyring`"
    memory.set_password = none  # type: ignore[method-assign, assignment]
    assert_refused(lambda: add_profile("desk", key=KEY, secret=SECRET, in_keyring=True), advice)
    memory.get_password = none  # type: ignore[method-assign, assignment]
    assert_refused(lambda: add_profile("desk", key=KEY, secret=SECRET, in_keyring=True), advice)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes with names")
def test_a_pipe_is_refused_at_once(folder: Path) -> None:
    os.mkfifo(folder / "mine.pem", 0o600)
    refused("mine.pem is not a regular file", key=KEY, private_key=folder / "mine.pem")


# -- the command, continued --------------------------------------------------------------------------


def test_the_command_prints_paths_that_can_be_pasted(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = folder / "the home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    made = command("key", "new", "desk", "--file", "~/mine.pem")
    assert made.status == 0, made.shown
    (line,) = (line for line in made.shown.splitlines() if "key add" in line)
    assert shlex.split(line)[-1] == str((home / "mine.pem").resolve())
    assert command("key", "new", "no name", "--file", "~/other.pem").status == 1
    (home / "mine.pem").chmod(0o644)
    refused(r"`chmod 600 '.*the home/mine.pem'`", key=KEY, private_key=home / "mine.pem")


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["desk"], "already has a profile desk"),
        (["no name"], "The name of a profile is short"),
        (["other", "--keyring"], "keyring is not available"),
        (["desk", "--keep-passphrase"], "needs --keyring and --private-key"),
    ],
)
def test_the_command_asks_nothing_if_the_profile_cannot_be_added(
    folder: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], problem: str
) -> None:
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")
    profiles(folder, f"[desk]\n{KEY_AND_SECRET}")
    ran = command("key", "add", *arguments)
    assert ran.status != 0
    assert problem in ran.shown
    assert "API key:" not in ran.shown


def test_a_passphrase_is_stored_in_the_keyring_on_request(
    encrypted: Path, memory: MemoryKeyring, type_answers: Callable[..., list[str]]
) -> None:
    arguments = ["key", "add", "--keyring", "--private-key", str(encrypted.parent / "mine.pem")]
    asked = type_answers(KEY, PASSPHRASE, KEY, PASSPHRASE)
    for more in (["kept", "--keep-passphrase"], ["asked"]):
        ran = CliRunner().invoke(main, [*arguments, *more])
        assert ran.exit_code == 0, ran.output
    assert len(asked) == 4
    assert len(find_keys("kept")) == 1
    assert PASSPHRASE in memory.held[SERVICE, "kept"]
    refused("is encrypted with a passphrase", profile="asked")
