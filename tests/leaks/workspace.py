"""Where a desk works: an exchange with marked keys, a folder of its own, and what it left in there."""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pandas as pd
import pexpect
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa

from tests.leaks.marks import Marks
from tests.support.paths import ROOT
from tests.support.recording import RecordingServer
from tests.support.terminal import PATIENCE, QUESTION, command
from tests.support.writes import arguments_of
from toolkit.auth.signers import is_locked
from toolkit.endpoints import ENDPOINTS, WRITES, Endpoint, Write
from toolkit.sandbox import Sandbox, World
from toolkit.sandbox.exchange import Exchange
from toolkit.sandbox.keys import letters
from toolkit.sandbox.world.tables import ListTable

SEED = 1729
PASSPHRASE = letters("leaks", "passphrase", length=24)
STRANGER = "nobody.we.know@mail.example"
PROXY = "http://desk:{}@127.0.0.1:9".format(letters("leaks", "proxy", length=20))

# A day with more rows than one answer may have.
CROWDED = int(pd.Timestamp("2025-01-01", tz="UTC").timestamp()) * 1000
CROWD = [
    {"customerId": f"c{n}", "unit": "USDT", "tradeVol": "1", "rebateVol": "1", "time": CROWDED}
    for n in range(1001)
]

_SIGNATURE = re.compile(rb"signature=([^&\s]+)")
_NEW = re.compile(rb'"(?:apiKey|secretKey)":"([A-Za-z0-9]{64})"')
_DOCUMENTED = b"TOOLKIT_SANDBOX="


@cache
def pairs() -> dict[str, tuple[str, str]]:
    """A locked Ed25519 key and an RSA key, each with its public part, in PEM."""
    lock = serialization.BestAvailableEncryption(PASSPHRASE.encode())
    made: dict[str, tuple[str, str]] = {}
    for name, private, how in (
        ("ed25519", ed25519.Ed25519PrivateKey.generate(), lock),
        ("rsa", rsa.generate_private_key(65537, 2048), serialization.NoEncryption()),
    ):
        form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
        public = private.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        made[name] = private.private_bytes(*form, how).decode(), public.decode()
    return made


class Workspace:
    """An exchange with marked keys, over a wire that keeps what came, and the folder of who works with it.

    Attributes:
        folder: Holds the home and everything else of who works here.
        suffixed_argument: What may not be found in there.
        cases: What the processes of this machine were called with while requests were under way, and
            what stood in the environment of those that work here.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.cases: set[bytes] = set()
        world = World(seed=SEED, sub_accounts=30, customers=60, rebates_per_day=20)
        for name, (_, public) in pairs().items():
            world.add_key(name, public_pem=public)
        exchange = Exchange(world, limit_scale=100, tables={"futures.traders": ListTable(CROWD, "time")})
        self.sandbox = Sandbox(exchange=exchange)
        self.world = world
        self.suffixed_argument = _marks(world)
        self.unmarked = {self.config / "profiles.toml", *(self.config / f"{name}.pem" for name in pairs())}

    def __enter__(self) -> Workspace:
        self.sandbox.start()
        self.server = Watched(self)
        self.config.mkdir(parents=True)
        self._write(self.config / "profiles.toml", _profiles(self.world))
        for name, (private, _) in pairs().items():
            self._write(self.config / f"{name}.pem", private)
        return self

    def __exit__(self, *_: object) -> None:
        self.server.close()
        self.sandbox.stop()

    @staticmethod
    def _write(path: Path, text: str) -> None:
        path.write_text(text)
        path.chmod(0o600)

    @property
    def config(self) -> Path:
        return self.folder / "config"

    @property
    def environment(self) -> dict[str, str]:
        """Of a program that works here: everything it writes is below the folder."""
        private = ("TOOLKIT", "XDG", "JUPYTER_R", "IPYTHON", "MPL", "PYTHONPATH")
        kept = {name: text for name, text in os.environ.items() if not name.startswith(private)}
        homes = ("HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "TMPDIR")
        homes += ("IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "MPLCONFIGDIR")
        for name in homes:
            (self.folder / name.lower()).mkdir(exist_ok=True)
        return kept | {
            **{name: str(self.folder / name.lower()) for name in homes},
            "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
            "TOOLKIT_CONFIG": str(self.config),
            "TOOLKIT_RATE_LIMITS": str(self.folder / "ledger"),
            "TOOLKIT_JOURNAL": str(self.folder / "journal"),
            "PYTHONPATH": str(ROOT),
            "COLUMNS": "300",
        }

    def given(self, part: str = "") -> dict[str, Any]:
        """What the script of a desk is told over its input."""
        partner, world = self.world.partner, self.world
        locked = f"{self.config / 'ed25519.pem'}"
        told: list[str] = [partner.key, partner.secret, STRANGER, world.customers[0].email]
        return {
            "part": part,
            "address": self.server.address,
            "control": urlsplit(self.sandbox.address).netloc,
            "reads": {
                each.qualified_name: _arguments(each, world.example(each.qualified_name))
                for each in ENDPOINTS
            },
            "writes": {each.qualified_name: _write_arguments(world, each) for each in _what_deletes_last()},
            "customers": [each.email for each in world.customers],
            "asked": world.example("exchange.ip_restriction"),
            "lost": world.customers[1].email,
            "stranger": STRANGER,
            "key": partner.key,
            "secret": partner.secret,
            "locked": locked,
            "proxy": PROXY,
            "proxies": {"http": PROXY, "https": PROXY},
            "account": [each.id for each in world.accounts if each.futures][3],
            "another": [each.id for each in world.accounts if each.futures][4],
            "echo": f"not {' '.join(told)}",
        }

    def conflict_key(self, part: str = "", *, package: Path = ROOT) -> dict[str, Any]:
        """A run of the desk's script that works here, with the toolkit in this folder."""
        return {
            "given": self.given(part),
            "environment": self.environment,
            "place": str(self.place),
            "package": str(package),
        }

    def command(self, *arguments: str, typed: Iterable[str] = ()) -> int:
        """Run a command of the toolkit on a terminal of its own, where somebody types; its exit status."""
        ran = command(
            *arguments,
            typed=typed,
            environment=self.environment,
            folder=self.place,
            once_typed=self.look_around,
        )
        with (self.place / "shown").open("a") as file:
            file.write(ran.shown)
        return int(ran.status or 0)

    def command_of(self, package: Path, *arguments: str, typed: Iterable[str] = ()) -> None:
        """Run a command of the toolkit that lies in another folder."""
        shown = io.StringIO()
        terminal = pexpect.spawn(
            sys.executable,
            ["-m", "toolkit", *arguments],
            cwd=str(self.place),
            env=self.environment | {"PYTHONPATH": str(package)},
            encoding="utf-8",
            timeout=PATIENCE,
            dimensions=(50, 400),
        )
        terminal.logfile_read = shown
        for line in typed:
            terminal.expect(QUESTION)
            terminal.sendline(line)
        terminal.expect(pexpect.EOF)
        terminal.close()
        (self.place / "shown").write_text(shown.getvalue())

    @property
    def place(self) -> Path:
        """Where programs are started."""
        place = self.folder / "cwd"
        place.mkdir(exist_ok=True)
        return place

    def look_around(self) -> None:
        """Take down what can be seen of the processes of this machine."""
        here = str(self.folder).encode()
        for process in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):  # it ended meanwhile, or is another user's
                self.cases.add((process / "cmdline").read_bytes())
                said = (process / "environ").read_bytes()
                if here in said:
                    self.cases |= {each for each in said.split(b"\0") if not each.startswith(_DOCUMENTED)}

    def left(self) -> dict[str, bytes]:
        """All that there is now, by its place."""
        files = {path for path in self.folder.rglob("*") if path.is_file()}
        left = {str(path.relative_to(self.folder)): path.read_bytes() for path in files - self.unmarked}
        return left | {"processes and their environments": b"\0".join(sorted(self.cases))}

    def found(self) -> dict[str, list[str]]:
        """What of the marks can be found, by where."""
        for sent in self.server.sent:
            for signature in _SIGNATURE.findall(sent.raw):
                self.suffixed_argument.add("a signature", signature.decode())
        for answered in self.server.answered:
            for new in _NEW.findall(answered):
                self.suffixed_argument.add("a new key, or its secret", new.decode())
        found = {place: self.suffixed_argument.found(content) for place, content in self.left().items()}
        return {place: whats for place, whats in found.items() if whats}


class Watched(RecordingServer):
    """It looks around at each write, and at some of the reads, while they are under way."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        super().__init__(workspace.sandbox.address)

    def _answer(self, raw: bytes) -> bytes:
        if len(self.sent) % 20 == 0 or not raw.startswith(b"GET"):
            self._workspace.look_around()
        return super()._answer(raw)


def _marks(world: World) -> Marks:
    suffixed_argument = Marks()
    for name, key in world.keys.items():
        suffixed_argument.add(f"API key {name}", key.key)
        if key.secret:
            suffixed_argument.add(f"secret of {name}", key.secret)
    for account in world.accounts:
        for each in account.keys:
            suffixed_argument.add("a sub-account's API key", each.key)
    for name, (private, _) in pairs().items():
        suffixed_argument.add_pem(f"private key {name}", private)
        opened = serialization.load_pem_private_key(
            private.encode(), PASSPHRASE.encode() if is_locked(private) else None
        )
        if isinstance(opened, rsa.RSAPrivateKey):
            number = opened.private_numbers().d
            suffixed_argument.add(f"number of private key {name}", str(number))
            suffixed_argument.add(f"number of private key {name}", f"{number:x}")
        else:
            suffixed_argument.add(f"number of private key {name}", opened.private_bytes_raw().hex())
    suffixed_argument.add("passphrase", PASSPHRASE)
    suffixed_argument.add("password of a proxy", PROXY.split(":")[2].partition("@")[0])
    for customer in world.customers:
        suffixed_argument.add_address("a customer's e-mail address", customer.email)
    suffixed_argument.add_address("an e-mail address that was asked for", STRANGER)
    for account in world.accounts:
        suffixed_argument.add_address("a sub-account's e-mail address", account.email)
    return suffixed_argument


def _profiles(world: World) -> str:
    keys = world.keys
    other = letters("leaks", "another")

    def pair(name: str, key: str, secret: str) -> str:
        return f'[{name}]\nkey = "{key}"\nsecret = "{secret}"\n'

    def private(name: str, more: str = "") -> str:
        file = name.replace("locked", "ed25519")
        return f'[{name}]\nkey = "{keys[file].key}"\nprivate_key = "{file}.pem"\n{more}'

    return "\n".join(
        [
            pair("hmac", keys["partner"].key, keys["partner"].secret),
            pair("customer", keys["customer"].key, keys["customer"].secret),
            pair("stranger", keys["no-link"].key, keys["no-link"].secret),
            pair("wrong-key", other, keys["partner"].secret),
            pair("wrong-secret", keys["partner"].key, keys["open"].secret),
            private("ed25519", f'passphrase = "{PASSPHRASE}"\n'),
            private("locked"),
            private("rsa"),
            f'[misplaced]\n{keys["partner"].key} = "key"\n',
        ]
    )


def _arguments(endpoint: Endpoint, field: Mapping[str, str]) -> dict[str, Any]:
    """Arguments of a door for reading from what goes over the wire."""
    given: dict[str, Any] = {}
    for param in endpoint.params:
        text = field.get(param.field)
        if text is not None and param.fixed is None:
            words = (word for word, sent in param.choices.items() if str(sent) == text)
            given[param.name] = next(words) if param.choices else text
    return given


def _what_deletes_last() -> list[Write]:
    return sorted(WRITES, key=lambda each: each.name.startswith("delete"))


def _write_arguments(world: World, write: Write) -> dict[str, Any]:
    """Arguments with which a door for writing succeeds, also after all the others."""
    given = arguments_of(write, world.example_write(write.qualified_name).parameters)
    return given | ({"customer_id": write.qualified_name.replace(".", " ")} if "customer_id" in given else {})


def run(wishes: Sequence[Mapping[str, Any]]) -> None:
    """Run the desk's script, once for each wish."""
    subprocess.run(
        [sys.executable, "-u", "-m", "tests.leaks.script"],
        input=json.dumps(wishes).encode(),
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        timeout=240,
        check=True,
    )
