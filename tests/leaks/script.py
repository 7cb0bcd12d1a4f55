"""A user's script, with the most verbose logs and tracebacks: `python -m tests.leaks.script`.

It reads from its standard input what to work with, uses all of it, meets every error, and shows and stores
whatever it gets. It shows no secret by itself: any secret in its output comes from the toolkit.

`http.client`'s own `debuglevel` stays off: it prints every request, and only the owner of the key turns it
on, by hand and for that purpose.
"""

from __future__ import annotations

import copy
import faulthandler
import http.client
import itertools
import json
import logging
import os
import pickle
import signal
import sys
import threading
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from operator import attrgetter
from pathlib import Path
from typing import Any

import cryptography.hazmat.primitives.serialization  # noqa: F401 - slow imports, once for all runs
import pandas as pd
import pyarrow.parquet  # noqa: F401
import requests  # noqa: F401

PATHS = {
    "partner": "/sapi/v1/broker/info",
    "accounts": "/sapi/v1/broker/subAccount",
    "keys": "/sapi/v1/broker/subAccountApi",
    "restriction": "/sapi/v1/broker/subAccountApi/ipRestriction",
    "customers": "/sapi/v1/apiReferral/customization",
    "rebates": "/sapi/v1/broker/rebate/recentRecord",
}
REPRESENTATIONS = ("_repr_html_", "_repr_mimebundle_", "_repr_markdown_", "_repr_png_")


class Given:
    """What the script works with. The type shows nothing, because the frames of this script are shown too."""

    __slots__ = ("_values",)

    def __init__(self, values: dict[str, Any]) -> None:
        self._values = values

    def __getitem__(self, name: str) -> Any:
        return self._values[name]

    def next_customer(self) -> str:
        """An e-mail address that no request has used yet."""
        return str(self._values["customers"].pop())


class Script:
    """Everything the script does, in the order of its methods.

    Attributes:
        met: Names of the errors and warnings that were met.
    """

    def __init__(self, given: Given, folder: Path) -> None:
        self.given, self.folder = given, folder
        self.met: set[str] = set()
        self.numbers = itertools.count()
        self.hosts = dict.fromkeys(("api", "fapi", "papi"), given["address"])
        self.link = self.opened("hmac")
        self.ops = self.link.operations(journal=folder / "journal")

    def opened(self, profile: str, **settings: Any) -> Any:
        import toolkit

        return toolkit.Link(profile, **({"hosts": self.hosts, "timeout": (2.0, 1.0)} | settings))

    # -- showing ----------------------------------------------------------------------------------------

    def show(self, seen: Any) -> None:
        """Print every representation of an object, and pickle it and its copies where that is possible."""
        print(f"{seen!r}\n{seen}\n{seen:}")
        for name in REPRESENTATIONS:
            with suppress(AttributeError, TypeError):
                print(getattr(seen, name)())
        with suppress(TypeError):
            print(vars(seen))
        for copied in (copy.copy, copy.deepcopy, lambda what: what):
            with suppress(TypeError, AttributeError, pickle.PicklingError):
                self.keep("pickle", pickle.dumps(copied(seen)))
        if isinstance(seen, pd.DataFrame):
            self.show_frame(seen)
        for name in ("frame", "error"):
            if isinstance(getattr(seen, name, None), BaseException | pd.DataFrame):
                self.show(getattr(seen, name))

    def show_frame(self, frame: pd.DataFrame) -> None:
        print(frame.attrs, *frame.columns)
        frame = frame.head(20)  # the rest looks the same
        path = self.folder / f"{next(self.numbers)}"
        for name in ("csv", "json", "html", "parquet"):
            getattr(frame, f"to_{name}")(path.with_suffix(f".{name}"))
        print(pd.read_parquet(path.with_suffix(".parquet")).to_csv())  # it is compressed

    def keep(self, kind: str, written: bytes) -> None:
        (self.folder / f"{next(self.numbers)}.{kind}").write_bytes(written)

    def tell(self, error: BaseException) -> None:
        """Print everything that the usual tools show of an error."""
        if type(error).__name__ not in self.met:  # slow
            sys.excepthook(type(error), error, error.__traceback__)
        self.met.add(type(error).__name__)
        current: BaseException | None = error
        with suppress(AttributeError):  # an object that is half constructed cannot be shown
            print("".join(traceback.TracebackException.from_exception(error, capture_locals=True).format()))
        logging.getLogger("user").error("it failed", exc_info=error)
        while current is not None:
            print(repr(current), current.args, vars(current), getattr(current, "__notes__", ()))
            with suppress(TypeError, AttributeError, pickle.PicklingError):
                self.keep("pickle", pickle.dumps(current))
            current = current.__cause__ or current.__context__
        if isinstance(getattr(error, "partial", None), pd.DataFrame):
            self.show(error.partial)  # type: ignore[attr-defined]

    def do(self, call: Callable[[], Any]) -> Any:
        """Call it, and show the result or the error."""
        try:
            seen = call()
        except BaseException as error:
            self.tell(error)
            return None
        self.show(seen)
        return seen

    def require(self, outcome: Any) -> None:
        self.do(outcome.require_confirmed)

    @contextmanager
    def fault(self, kind: str, path: str = "", **options: Any) -> Iterator[None]:
        """Add a fault to the sandbox."""
        fault = {"kind": kind, "path": PATHS.get(path, path), **options}
        self.control("POST", {name: value for name, value in fault.items() if value != ""})
        try:
            yield
        finally:
            self.control("DELETE", None)

    def control(self, method: str, content: object) -> None:
        connection = http.client.HTTPConnection(self.given["control"], timeout=60)
        with closing(connection):
            connection.request(method, "/sandbox/faults", json.dumps(content).encode())
            connection.getresponse().read()

    # -- in every run -----------------------------------------------------------------------------------

    def essence(self) -> None:
        """A little of everything that is fast: without any one of the guards it shows a mark."""
        given, link, ops = self.given, self.link, self.ops
        self.mistakes_with_keys()
        self.do(lambda: link)
        self.do(lambda: next(iter(link._connection.sender.keys)))
        self.do(lambda: link.spot.customers(email=given.next_customer()))
        self.do(lambda: link.get(PATHS["customers"], email=given["stranger"]))
        self.do(lambda: link.get(PATHS["restriction"], **given["asked"]))
        self.do(lambda: link.spot.customers(email=given["stranger"], custmer="x"))
        self.do(lambda: link.spot.customers(email=[given["stranger"]]))
        self.do(lambda: link.exchange.ip_restriction("1", given["key"].encode()))
        for kind, options in (
            ("error", {"code": -999_999, "message": given["echo"]}),
            ("redirect", {"to": f"https://elsewhere.example/{given['key']}?email={given['stranger']}"}),
            ("html", {"status": 200}),
        ):
            with self.fault(kind, "customers", **options):
                self.do(lambda: link.spot.customers(email=given["stranger"]))
        with self.fault("timeout", "partner"), interrupted():
            self.do(link.exchange.partner)
        self.do(lambda: ops.preview.spot.set_customer_id("seen before", given["stranger"]))
        self.do(lambda: ops.spot.set_customer_id("a customer", given.next_customer()))
        made = self.do(lambda: ops.exchange.create_api_key(given["account"], can_trade=True))
        self.do(made.take_key)
        self.do(made.take_key)
        self.do(ops.history)

    def mistakes_with_keys(self) -> None:
        import toolkit

        given = self.given
        self.do(lambda: toolkit.Link(given["key"], given["secret"]))  # type: ignore[misc]
        self.do(lambda: toolkit.Link(given["key"]))
        self.do(lambda: toolkit.Link(key=given["key"]))
        self.do(lambda: toolkit.Link(key=given["key"], secret=f"{given['secret']} "))
        self.do(lambda: toolkit.Link(key=given["key"], secert=given["secret"]))  # type: ignore[call-arg]
        self.do(lambda: toolkit.Link(key=given["key"], private_key=given["locked"], passphrase="wrong"))
        self.do(lambda: toolkit.Link(key=given["key"], private_key=given["secret"] * 9))
        self.do(lambda: toolkit.Link(key=given["key"], secret=given["secret"], limit_fraction=7))
        self.do(lambda: toolkit.Link(key=given["key"], secret=given["secret"], hosts={"api": given["proxy"]}))
        self.do(lambda: toolkit.Link("locked", passphrase=given["secret"]))
        self.do(lambda: toolkit.Link("unquoted"))
        self.do(lambda: toolkit.Link("misplaced"))

    # -- the parts, one of which a run may name ----------------------------------------------------------

    def endpoints(self) -> None:
        """Every endpoint with one kind of key, and some with each of the other kinds."""
        every = list(self.given["reads"])
        for profile, endpoints in (("ed25519", every[::6]), ("rsa", every[3::6]), ("hmac", every)):
            with self.opened(profile, workers=2, progress=True) as link:
                self.reads(link, endpoints)
        self.charts()
        self.all_writes()

    def errors(self) -> None:
        """Every error of the tree."""
        self.refusals_and_accidents()
        self.writes_that_fail()
        self.reports()
        self.files_that_fail()
        self.other_keys()
        self.threads()
        self.the_end()

    def reads(self, link: Any, endpoints: list[str]) -> None:
        for name in endpoints:
            self.do(lambda name=name: method_of(link, name)(**self.given["reads"][name]))  # type: ignore[misc]
        for each in (
            link,
            link.budget,
            link.budget.snapshot(),
            link.exchange,
            link.market.spot,
            link._connection,
        ):
            self.do(lambda each=each: each)  # type: ignore[misc]
        # Its other methods without arguments: usage, doctor and the like.
        for name in dir(link):
            if not name.startswith("_") and name != "close" and callable(getattr(link, name)):
                self.do(getattr(link, name))
        for name in endpoints:
            self.do(lambda name=name: link.estimate_weight(name, rows=3))  # type: ignore[misc]

    def charts(self) -> None:
        from toolkit import charts

        link = self.link
        for chart, frame, kind in (
            (charts.rebates, link.spot.rebates(), "png"),
            (charts.balances, link.exchange.spot_balances(), "svg"),
            (charts.traders, link.futures.trader_counts(), "svg"),
            (charts.candles, link.market.spot.klines("BTCUSDT", "1h"), "png"),
        ):
            axes = self.do(lambda chart=chart, frame=frame: chart(frame))  # type: ignore[misc]
            if axes is not None:
                axes.figure.savefig(self.folder / f"{next(self.numbers)}.{kind}", dpi=40)
        self.do(lambda: charts.rebates(link.exchange.partner()))

    def all_writes(self) -> None:
        customer = self.opened("customer").operations(journal=self.folder / "journal")
        for name, arguments in self.given["writes"].items():
            ops = customer if "own_customer" in name else self.ops
            for owner in (ops.preview, ops):
                method = method_of(owner, name)
                self.do(lambda method=method, arguments=arguments: method(**arguments))  # type: ignore[misc]
        for number in self.ops.history()["number"]:
            self.do(lambda number=number: self.ops.outcome(int(number)))  # type: ignore[misc]
        self.do(lambda: self.ops)
        self.do(self.ops.unresolved)

    def refusals_and_accidents(self) -> None:
        given, link = self.given, self.link
        refusals = {
            "ParameterError": (400, -1102),
            "NotFoundError": (400, -1121),
            "RefusedError": (400, -3041),
            "RetiredError": (410, -1016),
            "ApiError": (400, -999_999),
            "ClockError": (400, -1021),
        }
        for status, code in refusals.values():
            options = {"status": status, "code": code, "message": given["echo"], "times": None}
            with self.fault("error", "customers", **options):
                self.do(lambda: link.spot.customers(email=given["stranger"]))
        for kind, more in (
            ("firewall", {}),
            ("server-error", {"message": given["echo"], "times": None}),
            ("reset", {"times": None}),
            ("rate-limit", {"seconds": 1, "times": None}),
            ("missing-field", {}),
            ("unknown-field", {"field": "another_key", "value": given["key"]}),
            ("wrapped-error", {"message": given["echo"]}),
        ):
            with self.fault(kind, "partner", **more), warnings.catch_warnings():
                warnings.simplefilter("error")
                self.do(link.exchange.partner)
        with self.fault("disorder", "rebates"):
            self.do(link.exchange.rebates)
        self.do(lambda: link.exchange.rebates(numbers="exact")["income"] * 0.5)
        self.do(lambda: link.futures.traders(start="2025-01-01", end="2025-01-01"))
        away = dict.fromkeys(self.hosts, "https://nobody.invalid")
        with self.opened("hmac", hosts=away, proxies=given["proxies"]) as failure:
            self.do(failure.exchange.partner)

    def reports(self) -> None:
        """Answers from frames of all kinds, and their files, whole and damaged."""
        import toolkit
        from toolkit import analytics

        link, given = self.link, self.given
        made = {
            "earnings": self.do(lambda: analytics.earnings(link, "-2D")),
            "balances": self.do(lambda: analytics.balances(link, detail="totals", wallets=["um"])),
        }
        # What is secret is in no variable, since tracebacks show those of this script, too.
        self.do(lambda: analytics.keys(link, known={"1": [given["key"]]}))
        with self.fault("error", "/sapi/v1/broker/subAccountApi", message=given["echo"]):
            self.do(lambda: analytics.keys(link, known={given["account"]: [given["key"]]}))
        for suffix in ("parquet", "feather", "csv", "jsonl", "xlsx"):
            for name, frame in made.items():
                path = self.folder / f"{name}.{suffix}"
                self.do(lambda frame=frame, path=path: toolkit.export(frame, path))  # type: ignore[misc]
                self.do(lambda path=path: toolkit.read(path))  # type: ignore[misc]
            path = self.folder / f"addresses.{suffix}"
            self.do(lambda path=path: toolkit.export(link.exchange.sub_accounts(emails="clear"), path))  # type: ignore[misc]
            self.do(lambda path=path: toolkit.read(path))  # type: ignore[misc]
        path = self.folder / "earnings.csv"
        path.write_bytes(path.read_bytes()[:-9])
        self.do(lambda: toolkit.read(path))
        self.do(lambda: toolkit.export(made["earnings"], self.folder / f"{'long' * 99}.csv"))

    def files_that_fail(self) -> None:
        with closed(self.folder / "rate-limits") as folder, warnings.catch_warnings():
            warnings.simplefilter("error")
            os.environ["TOOLKIT_RATE_LIMITS"] = str(folder / "under")
            here = dict.fromkeys(self.hosts, self.given["address"].replace("127.0.0.1", "[::1]"))
            self.do(lambda: self.opened("hmac", hosts=here))
            del os.environ["TOOLKIT_RATE_LIMITS"]
        with closed(self.folder / "a file") as file:
            self.do(lambda: self.link.operations(journal=file))

    def writes_that_fail(self) -> None:
        given, ops = self.given, self.ops
        with self.fault("reset", "customers", method="POST"):
            failure = self.do(lambda: ops.spot.set_customer_id("lost", given["lost"]))
        self.require(failure)
        self.do(lambda: ops.spot.set_customer_id("pending", given["lost"]))
        self.do(lambda: failure.reconcile(wait=False))
        with self.fault("html", "keys", method="GET", status=200):
            self.do(lambda: ops.exchange.create_api_key(given["another"], can_trade=True))
        with self.fault("error", "customers", method="POST", message=given["echo"]):
            self.require(self.do(lambda: ops.spot.set_customer_id("refused", given.next_customer())))
        with self.fault("timeout", "customers", method="POST"), interrupted():
            self.do(lambda: ops.spot.set_customer_id("broken off", given.next_customer()))
        self.do(ops.unresolved)
        self.do(lambda: ops.exchange.delete_api_key(given["account"], given["key"]))
        with taken_away(ops, self.link), warnings.catch_warnings():
            warnings.simplefilter("error")
            self.do(lambda: ops.spot.set_customer_id("not recorded", given.next_customer()))

    def other_keys(self) -> None:
        """Keys that the exchange does not know, or that belong to another account."""
        for profile in ("wrong key", "wrong secret", "stranger", "nobody"):
            self.do(lambda profile=profile: self.opened(profile.replace(" ", "-")).exchange.partner())  # type: ignore[misc]
        import toolkit

        self.do(toolkit.Link.from_prompt)
        for name in ("TOOLKIT_KEY", "TOOLKIT_SECRET"):
            os.environ[name] = self.given["key"]
            self.do(lambda: toolkit.Link(hosts=self.hosts))
        for name in ("TOOLKIT_KEY", "TOOLKIT_SECRET"):
            del os.environ[name]

    def threads(self) -> None:
        """The interpreter itself shows what a thread raises."""
        with self.fault("error", "customers", code=-999_999, message=self.given["echo"]):
            thread = threading.Thread(target=lambda: self.link.spot.customers(email=self.given["stranger"]))
            thread.start()
            thread.join()

    def the_end(self) -> None:
        with self.fault("ban", "partner", seconds=60):
            self.do(self.link.exchange.partner)
        self.do(self.link.exchange.partner)
        self.link.close()
        faulthandler.dump_traceback(all_threads=True)


def method_of(owner: Any, endpoint: str) -> Any:
    """The method of an endpoint, such as `link.spot.rebates`."""
    return attrgetter(endpoint)(owner)


@contextmanager
def interrupted() -> Iterator[None]:
    """Interrupt the kernel a moment later."""

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, 0.15)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@contextmanager
def closed(path: Path) -> Iterator[Path]:
    """Put a file in place of a folder."""
    path.touch()
    yield path
    path.unlink()


@contextmanager
def taken_away(ops: Any, link: Any) -> Iterator[None]:
    """Remove the journal while a response is awaited."""
    aside = ops.journal.with_suffix(".aside")

    def take() -> None:
        if link.budget.snapshot().calls[-1].method == "POST" and not aside.exists():
            ops.journal.rename(aside)
            ops.journal.mkdir()

    unwatch = link.budget.watch(take)
    yield
    unwatch()
    ops.journal.rmdir()
    aside.rename(ops.journal)


def work(run: dict[str, Any]) -> None:
    """Set up this process for the run, then do what every run does and the part that it names."""
    os.environ.clear()
    os.environ.update(run["environment"])
    os.chdir(run["cwd"])
    with open("shown", "ab") as shown:
        for number in (1, 2):
            os.dup2(shown.fileno(), number)
    sys.path.insert(0, run["package"])
    given = Given(run.pop("given"))
    if given["part"]:
        import rich.traceback

        # Highlighting shows nothing more, and is slow.
        rich.traceback.Traceback._guess_lexer = lambda *_: "text"  # type: ignore[method-assign]
        # Wide, so that no secret is broken over two lines.
        rich.traceback.install(show_locals=True, width=200, locals_max_string=500)
    faulthandler.enable()
    warnings.simplefilter("always")
    logging.basicConfig(level=logging.DEBUG, stream=sys.stdout)
    for name in ("urllib3", "requests", "toolkit", "asyncio"):
        logging.getLogger(name).setLevel(logging.DEBUG)
    folder = Path("errors")
    folder.mkdir()
    script = Script(given, folder)
    script.essence()
    if given["part"]:
        getattr(script, given["part"])()
    (folder / "met").write_text(json.dumps(sorted(script.met)))


def main() -> None:
    """Fork a process for each run, which shares the slow imports of this one."""
    for run in json.load(sys.stdin):
        child = os.fork()
        if not child:
            work(run)
            return
        os.waitpid(child, 0)


if __name__ == "__main__":
    main()
