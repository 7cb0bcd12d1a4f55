"""The command line: `python -m toolkit`, `binance-link-toolkit` and `jupyter toolkit`."""

from __future__ import annotations

import json
import shlex
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from toolkit._version import __version__
from toolkit.endpoints import Security
from toolkit.errors import NoKeyError, RateLimitWarning, ToolkitError, UsageError
from toolkit.text.printable import printable

if TYPE_CHECKING:
    from toolkit.client import Link

SETTINGS = {"help_option_names": ["-h", "--help"], "max_content_width": 100, "show_default": True}


class Commands(click.Group):
    """A group of commands whose error messages hold no control or invisible characters."""

    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:
        """Parse the command line up to the name of the command."""
        with _printable():
            return super().make_context(*args, **kwargs)

    def invoke(self, ctx: click.Context) -> Any:
        """Parse the rest of the command line and run the command."""
        with _printable():
            return super().invoke(ctx)


@contextmanager
def _printable() -> Iterator[None]:
    try:
        yield
    except click.ClickException as error:
        object.__setattr__(error, "message", printable(error.message, keep="\n"))  # Final, for type checkers
        raise


@click.group(cls=Commands, context_settings=SETTINGS)
@click.version_option(__version__, "-V", "--version", prog_name="binance-link-toolkit")
def main() -> None:
    """An analytics toolkit for Binance Link partners, in Jupyter.

    Start with `lab`: it opens the tour on made-up data and needs neither keys nor a network.
    """


@main.command()
@click.argument("path", required=False, type=click.Path(exists=True, path_type=Path))
@click.option(
    "--port", type=click.IntRange(1, 65535), help="Port of JupyterLab; default: 8888 or the next free one."
)
@click.option("--no-browser", is_flag=True, show_default=False, help="Print the address and open no browser.")
def lab(path: Path | None, port: int | None, no_browser: bool) -> None:
    """Open JupyterLab together with a sandbox.

    PATH is a folder or a notebook; by default it is the tour in ./notebooks, or this folder if there is no
    tour. JupyterLab and the sandbox listen on 127.0.0.1 only, and Ctrl-C stops both. This JupyterLab keeps
    its settings separate from any other one you have, and sends no requests to the internet.
    """
    from toolkit.lab import run

    run(path, port=port, browser=not no_browser)


@main.command()
@click.option("--port", type=click.IntRange(0, 65535), default=8099, help="Port to listen on; 0 for any.")
@click.option(
    "--seed", type=int, default=7, help="Seed of the made-up partner: the same seed gives the same data."
)
@click.option("--latency-ms", type=click.FloatRange(min=0), default=0.0, help="Delay of each response.")
@click.option(
    "--limit-scale",
    type=click.FloatRange(min=0, min_open=True),
    default=1.0,
    help="Factor applied to every rate limit; with 0.01 they fill up soon.",
)
@click.option(
    "--window-seconds",
    type=click.IntRange(min=1),
    help="Length of the window of every rate limit, instead of the documented minute.",
)
def sandbox(port: int, seed: int, latency_ms: float, limit_scale: float, window_seconds: int | None) -> None:
    """Run the sandbox: a strict exchange with made-up data.

    It listens on 127.0.0.1 only, prints one line of JSON with its address, key, secret, account and limits,
    and runs until it is stopped (Ctrl-C). Any client of the Link API can use it.
    """
    from toolkit.sandbox.server import serve_forever

    if not isfinite(limit_scale) or not isfinite(latency_ms):
        raise click.UsageError("--limit-scale and --latency-ms have to be finite numbers.")
    try:
        serve_forever(
            port=port,
            seed=seed,
            latency_ms=latency_ms,
            limit_scale=limit_scale,
            window_seconds=window_seconds,
        )
    except OSError as error:
        raise click.ClickException(f"Port {port} of 127.0.0.1 cannot be used: {error.strerror}.") from None


@main.group()
def key() -> None:
    """Make key pairs, and store API keys in profiles.

    Secrets are never given on the command line, where other users of the machine could read them: they are
    typed into a hidden prompt.
    """


@key.command("new")
@click.argument("name", default="default")
@click.option("--file", type=click.Path(path_type=Path), help="File for the private key.")
@click.option("--lock", is_flag=True, help="Protect the private key with a passphrase (prompted for).")
def new_key(name: str, file: Path | None, lock: bool) -> None:
    """Make an Ed25519 key pair and print the public key.

    The private key is stored in NAME.pem in your config folder, readable only by you. Paste the public key
    at the exchange, which then gives you an API key.
    """
    from toolkit.auth.keys import config_folder, make_key_pair
    from toolkit.auth.keys.profiles import checked_name
    from toolkit.auth.keys.prompt import ask_hidden

    with _errors_shown():
        beside = f"{checked_name(name)}.pem"
        path = config_folder() / beside if file is None else _resolved(file)
        passphrase = None
        if lock:
            passphrase = ask_hidden("Passphrase: ")
            if not passphrase or passphrase != ask_hidden("Repeat the passphrase: "):
                raise click.ClickException("The passphrases differ or are empty. No key was made.")
        public = make_key_pair(path, passphrase)
    click.echo(printable(f"The private key is in {path}. Keep it, and share it with nobody."), err=True)
    click.echo(
        "The public key follows. At the exchange, choose API Management, Create API, Self-generated; paste "
        "the whole public key, allow reading only, and restrict the key to your IP addresses. Then store the "
        "API key that you get:\n\n"
        f"    python -m toolkit key add {name} --private-key {printable(shlex.quote(str(path)))}\n",
        err=True,
    )
    click.echo(public, nl=False)


@key.command("add")
@click.argument("name", default="default")
@click.option("--private-key", type=click.Path(path_type=Path), help="File of its private key (PEM).")
@click.option(
    "--serves",
    multiple=True,
    type=click.Choice(["USER_DATA", "TRADE"]),
    default=["USER_DATA", "TRADE"],
    help="Security type that the key may serve; can be given twice.",
)
@click.option("--keyring", is_flag=True, help="Store it in the system's keyring instead of the file.")
@click.option("--keep-passphrase", is_flag=True, help="With --keyring: store the passphrase there, too.")
def add_key(
    name: str, private_key: Path | None, serves: tuple[Security, ...], keyring: bool, keep_passphrase: bool
) -> None:
    """Store a key as the profile NAME, for `toolkit.Link("NAME")`.

    It prompts for the API key, and for its secret unless --private-key is given. It prompts for the
    passphrase of the private key, if it has one, to check that it is right; the passphrase is stored only
    with --keep-passphrase.
    """
    from toolkit.auth.keys import add_profile
    from toolkit.auth.keys.creation import unused_name
    from toolkit.auth.keys.prompt import ask_hidden, ask_passphrase

    if keep_passphrase and not (keyring and private_key):
        raise click.UsageError("--keep-passphrase needs --keyring and --private-key.")
    with _errors_shown():
        where = add_profile(
            unused_name(name, in_keyring=keyring),
            key=ask_hidden("API key: "),
            secret=None if private_key else ask_hidden("Secret: "),
            private_key=private_key,
            passphrase=ask_passphrase(str(private_key)) if keep_passphrase else None,
            serves=serves,
            in_keyring=keyring,
            ask=ask_passphrase,
        )
    click.echo(printable(f"Profile {name} is in {where}. `python -m toolkit doctor {name}` checks it."))


def _resolved(path: Path) -> Path:
    """The absolute path."""
    with suppress(OSError, RuntimeError):  # no such home folder, or a loop of links
        return path.expanduser().resolve()
    return path


@contextmanager
def _errors_shown() -> Iterator[None]:
    """Show an error of the toolkit as one line, without a traceback."""
    message = ""
    try:
        yield
    except ToolkitError as error:
        message = str(error)
    if message:
        raise click.ClickException(message)


@main.command()
@click.argument("profile", required=False)
@click.option("--demo", is_flag=True, show_default=False, help="Check the sandbox; needs no key.")
@click.option("--strict", is_flag=True, show_default=False, help="Exit with status 1 for warnings, too.")
@click.option("--json", "as_json", is_flag=True, show_default=False, help="Print the checks as JSON.")
def doctor(profile: str | None, demo: bool, strict: bool, as_json: bool) -> None:
    """Check hosts, clocks, keys, rate limits and the journal.

    PROFILE is the name of a profile; without it, keys are found as by `toolkit.Link()`. Nothing is changed,
    the requests weigh next to nothing, and nothing secret is printed. The exit status is 0 if no check
    failed, 1 if one did, and 2 for a wrong command line.
    """
    if demo and profile is not None:
        raise click.UsageError(
            "A PROFILE is for the real exchange, --demo for the sandbox: give one of the two."
        )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RateLimitWarning)  # one of the checks reports it
        try:
            link = _link_to_check(profile, demo)
        except UsageError as error:
            raise click.UsageError(str(error)) from None
        with link:
            diagnosis = link.doctor()
    if as_json:
        rows = diagnosis.frame.astype(object).where(diagnosis.frame.notna(), None).to_dict("records")
        click.echo(json.dumps(rows, indent=2, ensure_ascii=False))
    else:
        click.echo(repr(diagnosis))
    bad = {"failure", "warning"} if strict else {"failure"}
    raise SystemExit(int(diagnosis.status in bad))


def _link_to_check(profile: str | None, demo: bool) -> Link:
    """The Link to check; without a key if it cannot be used, which one of the checks reports."""
    import toolkit
    from toolkit.auth.keys import Keys

    try:
        return toolkit.demo() if demo else toolkit.Link(profile)
    except NoKeyError as error:
        return toolkit.Link(keys=Keys([], str(error), unusable=True))


_PERIOD_HELP = 'Such as "last month", "2026-10", "2026-Q3", MTD, YTD, -30D or 2026-01-01..2026-02-15.'
_PROFILE_HELP = "Name of a profile; by default, keys are found as by `toolkit.Link()`."
_FOR_CRON = [
    click.option("--zone", default="UTC", help="Time zone of the period, such as Europe/Berlin."),
    click.option(
        "--demo", "in_demo", is_flag=True, show_default=False, help="Read from the sandbox; needs no key."
    ),
    click.option(
        "--numbers", type=click.Choice(["exact", "float"]), default="exact", help="How amounts are kept."
    ),
    click.option("--json", "as_json", is_flag=True, show_default=False, help="Print one JSON object."),
]


def _with_options_for_cron(command: Callable[..., None]) -> Callable[..., None]:
    for option in reversed(_FOR_CRON):
        command = option(command)
    return command


@main.command()
@click.argument("read")
@click.option("--period", help=_PERIOD_HELP + " For a read that takes start and end.")
@click.option(
    "--out",
    required=True,
    help="The file: .parquet, .feather, .csv, .jsonl or .xlsx. {period} stands for the period.",
)
@click.option(
    "-a",
    "--argument",
    "arguments",
    multiple=True,
    metavar="NAME=VALUE",
    help="Another argument of the read, such as market=um; can be given several times.",
)
@click.option("--profile", help=_PROFILE_HELP)
@_with_options_for_cron
def export(*, as_json: bool, **options: Any) -> None:
    """Write the rows of a read, such as spot.rebates, to a file.

    For cron: it prints one line, asks nothing, and shows a progress bar only in a terminal. An existing file
    is replaced once the new one is complete; two commands never write one file. Beside the file are its
    provenance and a lock. E-mail addresses are masked.

    The exit status is 0 if the rows are complete, 1 if the read or the file failed, 2 if an argument or the
    key cannot be used, 3 if the file was written and rows are missing, and 4 if another command is writing
    the file. After 1, 2 and 4, an old file is as it was.
    """
    from toolkit.commands.export import export_read
    from toolkit.commands.running import Report

    Report("export", as_json=as_json).run(lambda: export_read(**options))


@main.command()
@click.option("--period", default="last month", help=_PERIOD_HELP)
@click.option("--currency", default="USDT", help="What income is valued in.")
@click.option(
    "--by",
    multiple=True,
    help="Sums by asset, symbol, customer_id, sub_account_id, system, kind, account, day, week, month, "
    "quarter or year; can be given several times.",
)
@click.option(
    "--when",
    type=click.Choice(["received", "traded"]),
    default="received",
    help="Count income when it was received, or when the trade happened.",
)
@click.option(
    "--system",
    "systems",
    multiple=True,
    type=click.Choice(["exchange", "spot", "futures"]),
    help="Ask these systems only, where you take part in some; can be given several times. Default: all.",
)
@click.option("--out", help="A file for it, as for `export`. With --by, it has the sums; .xlsx has both.")
@click.option("--profile", "profiles", multiple=True, help=_PROFILE_HELP + " Several: several accounts.")
@_with_options_for_cron
def earnings(*, as_json: bool, **options: Any) -> None:
    """Add up all that you earned as a partner in a period, in one currency.

    The line says how many rows have no price and are not in the sum. The exit status is 0 if the income is
    complete, 3 if some of it could not be fetched, and otherwise as for `export`.
    """
    from toolkit.commands.earnings import report_earnings
    from toolkit.commands.running import Report

    Report("earnings", as_json=as_json).run(lambda: report_earnings(**options))


if __name__ == "__main__":
    main()
