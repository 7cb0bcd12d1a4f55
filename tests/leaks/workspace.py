"""A workspace: an exchange with marked keys, a folder of its own, and everything that was left in it."""

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
from tests.support.terminal import QUESTION, TIMEOUT_S, command
from tests.support.writes import arguments_of
from toolkit.auth.signers import is_encrypted
from toolkit.endpoints import ENDPOINTS, WRITES, Endpoint, Write
from toolkit.sandbox import Sandbox, World
from toolkit.sandbox.exchange import Exchange
from toolkit.sandbox.keys import letters
from toolkit.sandbox.world.tables import ListTable

SEED = 1729
PASSPHRASE = letters("leaks", "passphrase", length=24)
STRANGER = "nobody.we.know@mail.example"
PROXY = "http://user:{}@127.0.0.1:9".format(letters("leaks", "proxy", length=20))

# A day with more rows than one response may have.
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
    """An exchange with marked keys behind a recording server, and the folder of the programs that use it.

    Attributes:
        folder: Holds the home directory and everything else that these programs write.
        marks: What must not be found in it.
        seen: Command lines of this machine's processes while requests were in flight, and the environment
            of those that work here.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.seen: set[bytes] = set()
        world = World(seed=SEED, sub_accounts=30, customers=60, rebates_per_day=20)
        for name, (_, public) in pairs().items():
            world.add_key(name, public_pem=public)
        exchange = Exchange(world, limit_scale=100, tables={"futures.traders": ListTable(CROWD, "time")})
        self.sandbox = Sandbox(exchange=exchange)
        self.world = world
        self.marks = _marks(world)
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
        """Environment of a program that works here: everything it writes is below the folder."""
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
            "TOOLKIT_RATE_LIMITS": str(self.folder / "rate-limits"),
            "TOOLKIT_JOURNAL": str(self.folder / "journal"),
            "PYTHONPATH": str(ROOT),
            "COLUMNS": "300",
        }

    def given(self, part: str = "") -> dict[str, Any]:
        """What `tests.leaks.script` is given on its standard input."""
        partner, world = self.world.partner, self.world
        locked = f"{self.config / 'ed25519.pem'}"
        echoed: list[str] = [partner.key, partner.secret, STRANGER, world.customers[0].email]
        return {
            "part": part,
            "address": self.server.address,
            "control": urlsplit(self.sandbox.address).netloc,
            "reads": {
                each.qualified_name: _arguments(each, world.example(each.qualified_name))
                for each in ENDPOINTS
            },
            "writes": {each.qualified_name: _write_arguments(world, each) for each in _deletions_last()},
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
            "echo": f"not {' '.join(echoed)}",
        }

    def run_spec(self, part: str = "", *, package: Path = ROOT) -> dict[str, Any]:
        """Describe a run of `tests.leaks.script` that works here, with the toolkit in this folder."""
        return {
            "given": self.given(part),
            "environment": self.environment,
            "cwd": str(self.cwd),
            "package": str(package),
        }

    def command(self, *arguments: str, typed: Iterable[str] = ()) -> int:
        """Run a command of the toolkit on a terminal where answers are typed; return its exit status."""
        ran = command(
            *arguments,
            typed=typed,
            environment=self.environment,
            folder=self.cwd,
            once_typed=self.look_around,
        )
        with (self.cwd / "shown").open("a") as file:
            file.write(ran.shown)
        return int(ran.status or 0)

    def command_of(self, package: Path, *arguments: str, typed: Iterable[str] = ()) -> None:
        """Run a command of a copy of the toolkit in another folder."""
        shown = io.StringIO()
        terminal = pexpect.spawn(
            sys.executable,
            ["-m", "toolkit", *arguments],
            cwd=str(self.cwd),
            env=self.environment | {"PYTHONPATH": str(package)},
            encoding="utf-8",
            timeout=TIMEOUT_S,
            dimensions=(50, 400),
        )
        terminal.logfile_read = shown
        for line in typed:
            terminal.expect(QUESTION)
            terminal.sendline(line)
        terminal.expect(pexpect.EOF)
        terminal.close()
        (self.cwd / "shown").write_text(shown.getvalue())

    @property
    def cwd(self) -> Path:
        """The folder that programs are started in."""
        cwd = self.folder / "cwd"
        cwd.mkdir(exist_ok=True)
        return cwd

    def look_around(self) -> None:
        """Record what this machine shows of its processes."""
        here = str(self.folder).encode()
        for process in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):  # it has ended, or belongs to another user
                self.seen.add((process / "cmdline").read_bytes())
                said = (process / "environ").read_bytes()
                if here in said:
                    self.seen |= {each for each in said.split(b"\0") if not each.startswith(_DOCUMENTED)}

    def left(self) -> dict[str, bytes]:
        """Everything that exists now, by path."""
        files = {path for path in self.folder.rglob("*") if path.is_file()}
        left = {str(path.relative_to(self.folder)): path.read_bytes() for path in files - self.unmarked}
        return left | {"processes and their environments": b"\0".join(sorted(self.seen))}

    def found(self) -> dict[str, list[str]]:
        """The marks that can be found, by path."""
        for sent in self.server.sent:
            for signature in _SIGNATURE.findall(sent.raw):
                self.marks.add("a signature", signature.decode())
        for response in self.server.answered:
            for new in _NEW.findall(response):
                self.marks.add("a new key, or its secret", new.decode())
        found = {path: self.marks.found(content) for path, content in self.left().items()}
        return {path: kinds for path, kinds in found.items() if kinds}


class Watched(RecordingServer):
    """Looks at the processes during each write, and during some of the reads."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        super().__init__(workspace.sandbox.address)

    def _answer(self, raw: bytes) -> bytes:
        if len(self.sent) % 20 == 0 or not raw.startswith(b"GET"):
            self._workspace.look_around()
        return super()._answer(raw)


def _marks(world: World) -> Marks:
    marks = Marks()
    for name, key in world.keys.items():
        marks.add(f"API key {name}", key.key)
        if key.secret:
            marks.add(f"secret of {name}", key.secret)
    for account in world.accounts:
        for each in account.keys:
            marks.add("a sub-account's API key", each.key)
    for name, (private, _) in pairs().items():
        marks.add_pem(f"private key {name}", private)
        opened = serialization.load_pem_private_key(
            private.encode(), PASSPHRASE.encode() if is_encrypted(private) else None
        )
        if isinstance(opened, rsa.RSAPrivateKey):
            number = opened.private_numbers().d
            marks.add(f"number of private key {name}", str(number))
            marks.add(f"number of private key {name}", f"{number:x}")
        else:
            marks.add(f"number of private key {name}", opened.private_bytes_raw().hex())
    marks.add("passphrase", PASSPHRASE)
    marks.add("password of a proxy", PROXY.split(":")[2].partition("@")[0])
    for customer in world.customers:
        marks.add_address("a customer's e-mail address", customer.email)
    marks.add_address("an e-mail address that was asked for", STRANGER)
    for account in world.accounts:
        marks.add_address("a sub-account's e-mail address", account.email)
    return marks


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


def _arguments(endpoint: Endpoint, fields: Mapping[str, str]) -> dict[str, Any]:
    """Arguments of a read, from the fields of a request."""
    given: dict[str, Any] = {}
    for param in endpoint.params:
        text = fields.get(param.field)
        if text is not None and param.fixed is None:
            words = (word for word, sent in param.choices.items() if str(sent) == text)
            given[param.name] = next(words) if param.choices else text
        elif param.required_by_client:  # which a request may leave out
            given[param.name] = param.example
    return given


def _deletions_last() -> list[Write]:
    return sorted(WRITES, key=lambda each: each.name.startswith("delete"))


def _write_arguments(world: World, write: Write) -> dict[str, Any]:
    """Arguments with which a write succeeds, also after all the others."""
    given = arguments_of(write, world.example_write(write.qualified_name).parameters)
    return given | ({"customer_id": write.qualified_name.replace(".", " ")} if "customer_id" in given else {})


def run(specs: Sequence[Mapping[str, Any]]) -> None:
    """Run `tests.leaks.script`, once for each spec."""
    subprocess.run(
        [sys.executable, "-u", "-m", "tests.leaks.script"],
        input=json.dumps(specs).encode(),
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        timeout=240,
        check=True,
    )
