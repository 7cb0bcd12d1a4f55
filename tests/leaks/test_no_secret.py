"""A run that makes keys and meets every failure leaves no secret anywhere but where it was handed over.

There is one run, and all tests look at what it showed, logged, raised, pickled and wrote to disk. The secrets
to look for are taken from the sandbox's own data, and from the bytes that went over the socket.
"""

from __future__ import annotations

import contextlib
import gc
import hashlib
import io
import json
import logging
import pickle
import re
import signal
import socket
import threading
import traceback
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import cycle
from pathlib import Path
from typing import Any
from urllib.parse import quote

import nbformat
import pandas as pd
import pytest
from IPython.core.interactiveshell import InteractiveShell
from nbclient import NotebookClient

import toolkit
from tests.support import recording
from tests.support.paths import PACKAGE, ROOT
from tests.support.recording import RecordingServer
from tests.support.writes import memory_folder
from toolkit.api.writes.operations import Operations
from toolkit.endpoints import BASE_URLS
from toolkit.gateway.calls import Placement
from toolkit.sandbox import RegisteredKey, Sandbox
from toolkit.sandbox.keys import letters
from toolkit.writes import NewKey, Outcome

# The kernel is a separate program, which may warn of things that are not the toolkit's.
pytestmark = pytest.mark.filterwarnings("default")

ACCOUNTS = "/sapi/v1/broker/subAccount"
KEYS = "/sapi/v1/broker/subAccountApi"
CUSTOMERS = "/sapi/v1/apiReferral/customization"
PUBLIC = "MCowBQYDK2VwAyEAhiG1kVpB1pqXw9bL3yQ5kTcZPqQ0pJm3bS8m7bq0zq8="
RUNS = re.compile(r"(?<![A-Za-z0-9])[A-Za-z0-9]{64}(?![A-Za-z0-9])")
SIGNATURE = re.compile(rb"signature=([^&\s]+)")


@dataclass
class Marked:
    """The secrets that must not be found, in each encoding, with their kind."""

    kinds: dict[str, str] = field(default_factory=dict)

    def add(self, what: str, text: str) -> None:
        assert len(text) >= 8, (what, text)
        for spelling in {text, quote(text, safe=""), json.dumps(text)[1:-1]}:
            self.kinds[spelling] = what

    def within(self, text: str) -> list[str]:
        return [what for spelling, what in self.kinds.items() if spelling in text]


class Run:
    """The run, made once for all tests.

    Attributes:
        shown: Everything that could be seen, by where.
        secrets: What must not be in it.
    """

    def __init__(self, folder: Path, sandbox: Sandbox, server: RecordingServer) -> None:
        self.folder, self.sandbox, self.server = folder, sandbox, server
        self.shown: dict[str, str] = {}
        self.secrets = Marked()
        self.raised: dict[str, BaseException] = {}
        self.statuses: set[str] = set()
        world = sandbox.world
        writer = RegisteredKey(
            name="writer", key=letters("a writer's key"), secret=letters("its secret"), uid="1"
        )
        world.keys["writer"] = replace(writer, uid=world.partner.uid)
        self.writer = world.keys["writer"]
        for name, key in world.keys.items():
            self.secrets.add(f"key of {name}", key.key)
            self.secrets.add(f"secret of {name}", key.secret)
        # A sub-account gets at most one new key a second, so each call uses another one.
        self.accounts = cycle([each.id for each in world.accounts if each.futures])
        self.customers = world.customers[:120]
        # A failure that was resolved by hand blocks its customer for a while, so each call uses another one.
        self.emails = iter([each.email for each in self.customers[6:]])
        for customer in self.customers:
            self.secrets.add("a customer's address", customer.email)
        self.link = toolkit.Link(
            key=sandbox.key,
            secret=sandbox.secret,
            hosts=dict.fromkeys(BASE_URLS, server.address),
            timeout=(2.0, 0.8),
            progress=False,
        )

    def operations(self, parameters: Placement) -> Operations:
        return self.link.operations(
            key=self.writer.key,
            secret=self.writer.secret,
            same_account=True,
            parameters=parameters,
            journal=self.folder / "journal",
        )

    # -- looking ----------------------------------------------------------------------------------------

    def look(self, where: str, seen: object) -> None:
        """Record every representation of an object."""
        texts = [repr(seen), str(seen), f"{seen}"]
        for name in ("_repr_html_", "_repr_mimebundle_", "_repr_markdown_"):
            shows = getattr(seen, name, None)
            if callable(shows):
                texts.append(str(shows()))
        with contextlib.suppress(TypeError):
            texts.append(repr(vars(seen)))
        if isinstance(seen, pd.DataFrame):
            texts += [seen.to_csv(), seen.to_json(), repr(seen.attrs), repr(pickle.dumps(seen))]
        if isinstance(seen, Outcome):
            texts += [repr(seen.arguments), seen.next_step, repr(seen.frame), repr(seen.error)]
            self.statuses.add(seen.status)
            if seen.frame is not None:
                self.look(f"{where}, its frame", seen.frame)
        self.shown[f"{len(self.shown)} {where}"] = "\n".join(texts)
        if isinstance(seen, Outcome) and seen.error is not None:
            self.look_at_error(f"{where}, its error", seen.error)
            self.fails(f"{where}, required", seen.require_confirmed)

    def look_at_error(self, where: str, error: BaseException | None) -> None:
        while error is not None:
            texts = [str(error), repr(error), repr(vars(error)), repr(error.args)]
            texts += traceback.format_exception(error, chain=True)
            with contextlib.suppress(Exception):
                texts.append(repr(pickle.dumps(error)))
            self.shown[f"{len(self.shown)} {where}"] = "\n".join(texts)
            # Some tools print the local variables of every frame.
            trace = error.__traceback__
            while trace is not None:
                code = trace.tb_frame.f_code
                if Path(code.co_filename).is_relative_to(PACKAGE):
                    values = "\n".join(map(_repr_of, trace.tb_frame.f_locals.values()))
                    self.shown[f"{len(self.shown)} {where}, locals of {code.co_qualname}"] = values
                trace = trace.tb_next
            error = error.__cause__ or error.__context__

    def fails(self, where: str, call: Callable[[], object]) -> BaseException:
        """Record and return what a call raises; it must raise."""
        try:
            call()
        except (Exception, KeyboardInterrupt) as error:
            self.raised[where] = error
            self.look_at_error(where, error)
            return error
        raise AssertionError(f"{where} did not fail")

    def walk(self, where: str, start: object) -> None:
        """Record `vars` of every object of the toolkit that attributes lead to."""
        seen: set[int] = set()
        todo: list[object] = [start]
        while todo:
            this = todo.pop()
            if id(this) in seen:
                continue
            seen.add(id(this))
            if type(this).__module__.startswith("toolkit") and not isinstance(this, Sandbox):
                held = getattr(this, "__dict__", {})
                self.shown[f"{len(self.shown)} {where}: {type(this).__name__}"] = f"{this!r}\n{held!r}"
                todo += held.values()
            elif isinstance(this, dict):
                todo += this.values()
            elif isinstance(this, list | tuple):
                todo += this

    # -- the run ----------------------------------------------------------------------------------------

    def everything(self, parameters: Placement) -> None:
        ops, faults = self.operations(parameters), self.sandbox.exchange.faults
        accounts = self.accounts
        customers = self.emails

        made = ops.exchange.create_api_key(
            next(accounts), can_trade=True, idempotency_key=f"key {parameters}"
        )
        self.look("a new key's outcome", made)
        new = self.take(made)
        self.look("the same, handed over", made)
        self.fails("taken twice", made.take_key)
        again = ops.exchange.create_api_key(
            made.arguments["sub_account_id"], can_trade=True, idempotency_key=f"key {parameters}"
        )
        self.look("the same name", again)
        own = ops.exchange.create_api_key(next(accounts), can_trade=True, public_key=PUBLIC)
        self.look("a key of one's own", own)
        kept = self.take(own)

        # All writes about that key, and about a customer.
        account, email = made.arguments["sub_account_id"], next(customers)
        flags = {"can_trade": True, "margin_trade": False, "futures_trade": False}
        for endpoints in (ops.preview, ops):
            self.look("permissions", endpoints.exchange.set_permissions(account, new.key, **flags))
            self.look("universal", endpoints.exchange.set_universal_transfer(account, new.key, allowed=True))
            restricted = endpoints.exchange.set_ip_restriction(
                account, new.key, restriction="on", addresses=["192.0.2.7"]
            )
            self.look("restriction", restricted)
            self.look(
                "removal", endpoints.exchange.remove_addresses(account, new.key, addresses=["192.0.2.7"])
            )
            self.look("a customer", endpoints.spot.set_customer_id(f"{parameters} 1", email))
            self.look("a futures customer", endpoints.futures.set_customer_id(f"{parameters} 2", email))
            self.look("deletion", endpoints.exchange.delete_api_key(account, new.key, confirm=new.key))
        self.look("deleted twice", ops.exchange.delete_api_key(account, new.key, confirm=new.key))

        # Invalid arguments.
        self.fails("no confirmation", lambda: ops.exchange.delete_api_key(account, new.key))
        wrong = self.writer.key
        self.fails("another one", lambda: ops.exchange.delete_api_key(account, new.key, confirm=wrong))
        self.fails("blank", lambda: ops.spot.set_customer_id(" ", email))
        self.fails("two @", lambda: ops.spot.set_customer_id("x", f"{email}@x"))
        self.fails("incomplete", lambda: ops.spot.set_customer_id("\ud800", email))
        self.fails(
            "a name twice", lambda: ops.spot.set_customer_id("x", email, idempotency_key=f"key {parameters}")
        )
        self.fails("where", lambda: self.operations("nowhere"))  # type: ignore[arg-type]
        self.fails("preview", lambda: ops.preview.spot.set_customer_id("", email))

        self.fails("misspelt", lambda: ops.exchange.set_ip_restriction(account, new.key, restricton="on"))  # type: ignore[call-arg]
        self.fails("one short", lambda: ops.exchange.set_permissions(account, new.key))  # type: ignore[call-arg]

        # The same for reads.
        reads, key = self.link.exchange, new.key
        self.fails("read, misspelt", lambda: self.link.spot.customers(emial=email))  # type: ignore[call-arg]
        self.fails("read, two @", lambda: self.link.spot.customers(email=f"{email}@x"))
        self.fails("read, a blank", lambda: reads.ip_restriction(account, f"{key} "))
        self.fails("read, no text", lambda: reads.ip_restriction(account, key.encode()))  # type: ignore[arg-type]
        self.fails("read, no path", lambda: self.link.get("nowhere", email=email, subAccountApiKey=key))
        faults.add("error", path=CUSTOMERS, method="GET", code=-1130, message=f"not {email}")
        self.fails("read, refused", lambda: self.link.spot.customers(email=email))
        faults.clear()
        unwatch = self.link.budget.watch(raise_interrupt)
        self.fails("read, interrupted", lambda: self.link.spot.customers(email=email))
        unwatch()

        # Every failure, of a new key and of a customer.
        echo = f"bad {self.writer.key} {self.writer.secret} {new.key} {new.secret} {email} {quote(email)}"
        failures: list[tuple[str, dict[str, Any]]] = [
            ("error", {"message": echo}),
            ("error", {"message": echo, "code": -1022}),
            ("wrapped-error", {"message": echo}),
            ("server-error", {"message": echo, "after_effect": True}),
            ("server-error", {"message": echo, "after_effect": False}),
            ("html", {"status": 200, "after_effect": True}),
            ("redirect", {"to": f"https://elsewhere.example/{new.key}?email={email}&signature={'a' * 64}"}),
            ("timeout", {}),
            ("reset", {}),
            ("reset-before", {}),
            ("cut", {}),
            ("missing-field", {}),
            ("unknown-field", {"field": "secret_key_again", "value": new.secret}),
            ("unknown-field", {"field": "subaccountId", "value": {"email": email}}),
            ("unknown-field", {"field": "apiKey", "value": [new.key]}),
        ]
        # All of them with parameters in the body, the default; some with each other placement.
        for number, (kind, options) in enumerate(failures if parameters == "body" else failures[::5]):
            faults.add(kind, path=KEYS, method="POST", **options)
            failure = ops.exchange.create_api_key(next(accounts), can_trade=True)
            self.look(f"{kind} {number} to a key", failure)
            if failure._handover.holds_key:
                self.take(failure)
            self.resolve(f"{kind} {number} to a key", ops, failure)
            faults.clear()
            faults.add(kind, path=CUSTOMERS, method="POST", **options)
            email = next(customers)
            failure = ops.spot.set_customer_id(f"{parameters} {number + 10}", email)
            self.look(f"{kind} {number} to a customer", failure)
            if failure.status == "unknown":
                self.fails("pending", partial(ops.spot.set_customer_id, "another", email))
                self.look("preview of it", ops.preview.spot.set_customer_id("another", email))
            self.resolve(f"{kind} {number} to a customer", ops, failure)
            faults.clear()

        # With warnings turned into errors.
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            for path, method, call in (
                (
                    CUSTOMERS,
                    "POST",
                    lambda: ops.spot.set_customer_id(f"{parameters} warned", next(customers)),
                ),
                (KEYS, "GET", lambda: reads.api_keys(own.arguments["sub_account_id"], api_key=kept.key)),
            ):
                faults.add("unknown-field", path=path, method=method, field=f"new_{parameters}_{method}")
                warned = self.fails(f"warned, {method}", call)
                assert isinstance(warned, toolkit.errors.UndeclaredFieldWarning), warned
                faults.clear()

        # Interrupts during and after the request, and failures of the read before it.
        self.server.behave = interrupt
        email = next(customers)
        self.fails("interrupt", lambda: ops.spot.set_customer_id("i", email))
        self.server.behave = None
        unwatch = self.link.budget.watch(raise_interrupt)
        self.fails("interrupt behind it", lambda: ops.spot.set_customer_id("i2", email))
        unwatch()
        for number in ops.unresolved()["number"]:
            self.resolve("interrupted", ops, ops.outcome(int(number)))
        read_failures: dict[str, dict[str, Any]] = {
            "error": {"message": echo, "code": -1130},
            "html": {"status": 200},
        }
        for kind, options in (read_failures | ({"reset": {}} if parameters == "body" else {})).items():
            faults.add(kind, path=KEYS, method="GET", times=None, **options)
            call = partial(ops.exchange.create_api_key, next(accounts), can_trade=True)
            self.fails(f"{kind} before", call)
            faults.clear()

        for name, seen in {
            "link": self.link,
            "operations": ops,
            "exchange writes": ops.exchange,
            "spot writes": ops.spot,
            "previews": ops.preview,
            "history": ops.history(),
            "unresolved": ops.unresolved(),
            "usage": self.link.usage(),
            "snapshot": self.link.budget.snapshot(),
        }.items():
            self.look(name, seen)
        for number in ops.history()["number"]:
            self.look("from the journal", ops.outcome(int(number)))
        self.walk("operations", ops)
        self.walk("an outcome", made)
        for thing in (ops, made, new, made._reconcile, made._handover, self.link, ops.preview, ops.exchange):
            self.fails(f"pickled {type(thing).__name__}", lambda thing=thing: pickle.dumps(thing))  # type: ignore[misc]

    def the_journal_fails(self) -> None:
        ops = self.operations("body")
        email, aside = self.customers[5].email, ops.journal.with_suffix(".aside")

        def hide() -> None:
            ops.journal.rename(aside)
            ops.journal.mkdir()

        def hide_and_respond(sock: socket.socket) -> None:
            hide()
            sock.sendall(self.server._answer(self.server.writes[-1].raw))

        self.server.behave = hide_and_respond
        self.look("responded, not recorded", ops.spot.set_customer_id("j", email))
        self.server.behave = None
        self.fails("no journal", lambda: ops.spot.set_customer_id("j2", email))
        self.fails("no journal at all", lambda: self.operations("body"))
        ops.journal.rmdir()
        aside.rename(ops.journal)

    def wrong_secrets(self) -> None:
        key, secret = self.writer.key, self.writer.secret
        hosts = dict.fromkeys(BASE_URLS, self.server.address)
        for pair in ((key, f"{secret} "), (f" {key}", secret), (key, f"{secret}é"), (f"{key}é", secret)):
            bad_key, bad_secret = pair
            self.fails("a bad secret", lambda k=bad_key, s=bad_secret: self.link.operations(key=k, secret=s))  # type: ignore[misc]
            self.fails(
                "the same of a Link",
                lambda k=bad_key, s=bad_secret: toolkit.Link(key=k, secret=s, hosts=hosts),
            )  # type: ignore[misc]
        self.fails("incomplete", lambda: self.link.operations(key=key))
        self.fails("incomplete", lambda: self.link.operations(secret=secret))
        self.fails(
            "no limit_fraction", lambda: toolkit.Link(key=key, secret=secret, hosts=hosts, limit_fraction=7)
        )
        self.fails("no live", lambda: toolkit.Link(key=key, secret=secret).operations(key=key, secret=secret))

    def take(self, outcome: Outcome) -> NewKey:
        new = outcome.take_key()
        self.secrets.add("a new key", new.key)
        if new.secret:
            self.secrets.add("a new secret", new.secret)
        self.look("the new key", new)
        return new

    def resolve(self, where: str, ops: Operations, failure: Outcome) -> None:
        """Reconcile it in every way, and resolve it at the end."""
        self.fails(f"{where}, with another key", lambda: reconcile_with(ops, failure.number, self.writer.key))
        self.look(f"{where}, reconciled", failure.reconcile(wait=False))
        if failure.status == "unknown":
            self.look(f"{where}, resolved by hand", ops.resolve(failure.number, executed=True, note="seen"))

    def end(self) -> None:
        """Add the secrets that went over the socket."""
        self.link.close()
        for sent in self.server.sent:
            for signature in SIGNATURE.findall(sent.raw):
                self.secrets.add("a signature", signature.decode())
        for response in self.server.answered:
            for secret in re.findall(rb'"secretKey":"([^"]+)"', response):
                self.secrets.add("a new secret", secret.decode())

    def found(self, shown: dict[str, str]) -> dict[str, list[str]]:
        """The kinds of secrets that were found, by where."""
        found = {where: sorted(set(self.secrets.within(text))) for where, text in shown.items()}
        return {where: kinds for where, kinds in found.items() if kinds}


def reconcile_with(ops: Operations, number: int, api_key: str) -> None:
    outcome = ops.reconcile(number, wait=False, api_key=api_key)
    raise LookupError(f"{outcome.status} already")


def interrupt(sock: socket.socket) -> None:
    """Interrupt the kernel while a response is awaited."""
    main = threading.main_thread().ident
    assert main is not None
    signal.pthread_kill(main, signal.SIGINT)
    with contextlib.suppress(OSError):
        sock.recv(1)


def raise_interrupt() -> None:
    raise KeyboardInterrupt


def _repr_of(value: object) -> str:
    try:
        return repr(value)
    except Exception as error:
        return f"<repr raised {error!r}>"


class RecordingHandler(logging.Handler):
    """Keeps every log record, and everything that a handler could show of it."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.texts.append(f"{record.getMessage()} {record.__dict__!r}")
        if record.exc_info and record.exc_info[0]:
            shown = traceback.TracebackException(*record.exc_info, capture_locals=True)  # type: ignore[arg-type]
            self.texts += shown.format()


@pytest.fixture(scope="module")
def run() -> Iterator[Run]:
    log, out, err = RecordingHandler(), io.StringIO(), io.StringIO()
    root = logging.getLogger()
    level = root.level
    with pytest.MonkeyPatch.context() as patch, contextlib.ExitStack() as stack:
        folder = stack.enter_context(memory_folder())
        patch.setenv("TOOLKIT_RATE_LIMITS", str(folder / "rate-limits"))
        sandbox = stack.enter_context(Sandbox(seed=7, limit_scale=100))
        server = stack.enter_context(recording.recording_server(sandbox.address))
        made = Run(folder, sandbox, server)
        root.addHandler(log)
        root.setLevel(logging.DEBUG)
        try:
            with (
                warnings.catch_warnings(record=True) as warned,
                contextlib.redirect_stdout(out),
                contextlib.redirect_stderr(err),
            ):
                warnings.simplefilter("always")
                for parameters in ("body", "query", "mixed"):
                    made.everything(parameters)  # type: ignore[arg-type]
                made.the_journal_fails()
                made.wrong_secrets()
        finally:
            root.removeHandler(log)
            root.setLevel(level)
        made.end()
        made.shown |= {
            "the log": "\n".join(log.texts),
            "stdout": out.getvalue(),
            "stderr": err.getvalue(),
            "warnings": "\n".join(f"{each.message} {vars(each)!r}" for each in warned),
        }
        for path in folder.rglob("*"):
            if path.is_file():
                made.shown[f"file {path.relative_to(folder)}"] = path.read_bytes().decode("latin-1")
        yield made


def test_the_run_met_everything(run: Run) -> None:
    """Without this, the tests below would find nothing in any case."""
    assert run.statuses == {"confirmed", "rejected", "unknown"}
    kinds = {type(error).__name__ for error in run.raised.values()}
    assert kinds >= {"UsageError", "PendingWriteError", "JournalError", "KeyboardInterrupt", "TypeError"}
    assert kinds >= {"UndeclaredFieldWarning", "ParameterError"}
    assert kinds >= {"OutcomeUnknownError", "NotExecutedError", "SignatureError"}
    found_kinds = set(run.secrets.kinds.values())
    assert found_kinds >= {
        "key of partner",
        "secret of writer",
        "a new key",
        "a new secret",
        "a signature",
    }
    assert list(run.secrets.kinds.values()).count("a new secret") > 6
    assert list(run.secrets.kinds.values()).count("a signature") > 100
    for where in ("the log", "warnings", "locals of", "file rate-limits", "file journal", "the new key"):
        assert any(where in each and text for each, text in run.shown.items()), where
    assert "POST" in run.shown["the log"], "requests are logged"
    assert "could not be recorded" in run.shown["warnings"]


def test_nothing_that_is_shown_raised_or_logged_holds_a_secret(run: Run) -> None:
    assert run.found(run.shown) == {}


def test_verbose_tracebacks_of_ipython_hold_no_secret(run: Run) -> None:
    """They print the variables of every frame; frames of the toolkit are removed as a rule."""
    shell = InteractiveShell()
    shown: dict[str, str] = {}
    without_frames = 0
    for where, error in run.raised.items():
        if "required" in where or "pickled" in where:
            continue
        kind, trace = type(error), error.__traceback__
        assert trace is not None
        shell.InteractiveTB.set_mode(mode="Verbose")
        # Skip the frames of the caller, which show the caller's own variables.
        while trace.tb_next and not Path(trace.tb_frame.f_code.co_filename).is_relative_to(PACKAGE):
            trace = trace.tb_next
        if not Path(trace.tb_frame.f_code.co_filename).is_relative_to(PACKAGE):
            without_frames += 1
            continue
        lines = shell.InteractiveTB.structured_traceback(kind, error, trace, tb_offset=0)
        shown[where] = re.sub(r"\x1b\[[0-9;]*m", "", "\n".join(lines))
    assert without_frames > 20
    assert run.found(shown) == {}


CELLS = """
import logging, os, sys
import toolkit
logging.basicConfig(level=logging.DEBUG, stream=sys.stdout, force=True)
%xmode Verbose
def given(name):  # so that a verbose traceback does not show all of os.environ
    return os.environ["GIVEN_" + name]
def keep(key):
    os.environ["GIVEN_NEW"] = key
hosts = dict.fromkeys(("api", "fapi", "papi"), given("ADDRESS"))
pair = {"key": given("KEY"), "secret": given("SECRET")}
link = toolkit.Link(**pair, hosts=hosts, timeout=(2.0, 2.0))
del pair
pair = {"key": given("WRITER"), "secret": given("WRITERS_SECRET")}
ops = link.operations(**pair, same_account=True)
del pair
###
made = ops.exchange.create_api_key(given("ACCOUNT"), can_trade=True)
made
###
display(made, made.frame, vars(made), ops.history(), ops, link)
###
new = made.take_key()
new
###
keep(new.key)
made.take_key()
###
ops.exchange.set_ip_restriction(given("ACCOUNT"), new.key, restriction="on", addresses="192.0.2.1")
###
ops.preview.spot.set_customer_id("x", given("CUSTOMER"))
###
ops.spot.set_customer_id("the first is lost", given("CUSTOMER"))
###
ops.spot.set_customer_id("it is pending", given("CUSTOMER"))
###
link.operations(key=given("WRITER"), secret=given("WRITERS_SECRET") + " ")
###
toolkit.Link(key=given("WRITER"), secret=given("WRITERS_SECRET") + " ")
###
ops.exchange.delete_api_key(given("ACCOUNT"), given("NEW"))
###
ops.outcome(2).require_confirmed(), ops.outcome(3).require_confirmed()
###
ops.exchange.delete_api_key(given("ACCOUNT"), new.key, confirm=new.key)
###
ops.history()
"""


def test_a_notebook_holds_no_secret(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything in a saved notebook that a real kernel ran, and the journal beside it."""
    customer = run.sandbox.world.customers[7]
    account = [each for each in run.sandbox.world.accounts if each.futures][-1]
    values = {
        "ADDRESS": run.server.address,
        "KEY": run.sandbox.key,
        "SECRET": run.sandbox.secret,
        "WRITER": run.writer.key,
        "WRITERS_SECRET": run.writer.secret,
        "ACCOUNT": account.id,
        "CUSTOMER": customer.email,
    }
    for name, text in values.items():
        monkeypatch.setenv(f"GIVEN_{name}", text)
    for name in ("HOME", "IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR"):
        monkeypatch.setenv(name, str(tmp_path / name.lower()))
    monkeypatch.setenv("TOOLKIT_JOURNAL", str(tmp_path / "journal"))
    monkeypatch.setenv("TOOLKIT_RATE_LIMITS", str(tmp_path / "rate-limits"))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    cells = [nbformat.v4.new_code_cell(text.strip()) for text in CELLS.split("###")]
    notebook = nbformat.v4.new_notebook(cells=cells)
    run.sandbox.exchange.faults.add("reset", path=CUSTOMERS, method="POST")
    client = NotebookClient(
        notebook,
        timeout=60,
        kernel_name="python3",
        allow_errors=True,
        resources={"metadata": {"path": str(tmp_path)}},
    )
    client.execute()
    run.sandbox.exchange.faults.clear()
    run.end()
    run.secrets.add("a customer's address", customer.email)
    raised = [output.ename for cell in cells for output in cell.outputs if output.output_type == "error"]
    assert raised == [
        "UsageError",
        "PendingWriteError",
        "NoKeyError",
        "NoKeyError",
        "UsageError",
        "OutcomeUnknownError",
    ]
    shown = {f"cell {number}": json.dumps(cell) for number, cell in enumerate(cells)}
    shown |= {
        path.name: path.read_bytes().decode("latin-1")
        for folder in ("journal", "rate-limits")
        for path in (tmp_path / folder).rglob("*")
        if path.is_file()
    }
    assert any(name.startswith("journal") for name in shown)
    assert "urllib3.connectionpool" in shown["cell 1"], "debug logs are on"
    for kept in {effect.result_id for effect in run.sandbox.exchange.effects_of("exchange.create_api_key")}:
        assert kept.endswith("*")
    assert run.found(shown) == {}


def test_no_object_keeps_a_key_that_was_handed_over(run: Run) -> None:
    """Once the caller has dropped it, it is nowhere in this process."""
    account = [each for each in run.sandbox.world.accounts if each.futures][-2]
    outcome, digest = taken(run, account.id)
    run.server.sent.clear()
    run.server.answered.clear()
    gc.collect()
    assert [type(holder) for holder in holders(digest)] == []
    assert outcome.status == "confirmed"


def test_an_object_that_keeps_a_key_is_found(run: Run) -> None:
    """Without this, the test above could pass by finding nothing."""
    account = [each for each in run.sandbox.world.accounts if each.futures][-3]
    outcome = run.operations("body").exchange.create_api_key(account.id, can_trade=True)
    new_key = outcome._handover._key
    assert new_key is not None
    digest = hashlib.sha256(new_key.secret.encode()).digest()
    assert new_key in holders(digest)


def taken(run: Run, account: str) -> tuple[Outcome, bytes]:
    outcome = run.operations("body").exchange.create_api_key(account, can_trade=True)
    return outcome, hashlib.sha256(outcome.take_key().secret.encode()).digest()


def holders(digest: bytes) -> list[object]:
    """Objects that refer to text or bytes containing the secret with this digest."""
    found = []
    for holder in gc.get_objects():
        for held in gc.get_referents(holder):
            if isinstance(held, str | bytes | bytearray) and 64 <= len(held) < 5000 and holds(held, digest):
                found.append(holder)
    return found


def holds(held: str | bytes | bytearray, digest: bytes) -> bool:
    text = held if isinstance(held, str) else bytes(held).decode("latin-1")
    return any(hashlib.sha256(each.encode()).digest() == digest for each in RUNS.findall(text))
