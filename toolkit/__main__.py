"""The commands: `python -m toolkit`, also `binance-link-toolkit` and `jupyter toolkit`."""

from __future__ import annotations

import json
import shlex
import warnings
from collections.abc import Iterator
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
    """Says what is wrong with a command line without the characters in it that cannot be seen."""

    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:
        """Read the command line up to the command's name."""
        with _printable():
            return super().make_context(*args, **kwargs)

    def invoke(self, ctx: click.Context) -> Any:
        """Read the rest of it, and run the command."""
        with _printable():
            return super().invoke(ctx)


@contextmanager
def _printable() -> Iterator[None]:
    try:
        yield
    except click.ClickException as error:
        object.__setattr__(error, "message", printable(error.message, keep="\n"))  # click calls it final
        raise


@click.group(cls=Commands, context_settings=SETTINGS)
@click.version_option(__version__, "-V", "--version", prog_name="binance-link-toolkit")
def main() -> None:
    """An analytics toolkit for Binance Link partners, in Jupyter.

    Start with `lab`: it opens the tour on made-up data and needs neither keys nor a network.
    """


@main.command()
@click.argument("path", required=False, type=click.Path(exists=True, path_type=Path))
@click.option("--port", type=click.IntRange(1, 65535), help="Port of JupyterLab; else 8888 or the next free.")
@click.option("--no-browser", is_flag=True, show_default=False, help="Print the address, open nothing.")
def lab(path: Path | None, port: int | None, no_browser: bool) -> None:
    """Open JupyterLab with a sandbox beside it.

    PATH is a folder or a notebook; without it the tour in ./notebooks is opened, or this folder where
    there is none. Both listen on 127.0.0.1 only, and Ctrl-C stops both. This Lab keeps its settings
    apart from any other Lab of yours, and calls nobody on the outside.
    """
    from toolkit.lab import run

    run(path, port=port, browser=not no_browser)


@main.command()
@click.option("--port", type=click.IntRange(0, 65535), default=8099, help="Port to listen on; 0 for any.")
@click.option("--seed", type=int, default=7, help="Which made-up partner: the same number, the same world.")
@click.option("--latency-ms", type=click.FloatRange(min=0), default=0.0, help="Delay of each answer.")
@click.option(
    "--limit-scale",
    type=click.FloatRange(min=0, min_open=True),
    default=1.0,
    help="Multiply every rate limit: 0.01 to see them at work soon.",
)
@click.option(
    "--window-seconds",
    type=click.IntRange(min=1),
    help="Length of every limit's window, instead of the documented minute.",
)
def sandbox(port: int, seed: int, latency_ms: float, limit_scale: float, window_seconds: int | None) -> None:
    """Run the sandbox: a strict exchange with made-up data.

    It listens on 127.0.0.1 only, prints one line of JSON with its address, key, secret and
    limits, and serves until it is stopped (Ctrl-C). Any client of the Link API may be pointed at it.
    """
    from toolkit.sandbox.server import serve_forever

    if not isfinite(limit_scale) or not isfinite(latency_ms):
        raise click.UsageError("--limit-scale and --latency-ms are finite numbers.")
    try:
        serve_forever(
            port=port,
            seed=seed,
            latency_ms=latency_ms,
            limit_scale=limit_scale,
            window_seconds=window_seconds,
        )
    except OSError as error:
        raise click.ClickException(f"port {port} of 127.0.0.1 cannot be used: {error.strerror}.") from None


@main.group()
def key() -> None:
    """Make API keys, and write down where they are.

    No key is ever given on the command line, where other users of the machine could read it: what is
    secret is asked for and not shown.
    """


@key.command("new")
@click.argument("name", default="default")
@click.option("--file", type=click.Path(path_type=Path), help="Where the private part goes.")
@click.option("--lock", is_flag=True, help="Lock the private part with a passphrase, which is asked for.")
def new_key(name: str, file: Path | None, lock: bool) -> None:
    """Make an Ed25519 pair, and print the public part.

    The private part goes into NAME.pem in your config folder, which you alone may read. The public part
    is pasted at the exchange, which gives an API key for it.
    """
    from toolkit.auth.keys import ask_hidden, checked_name, config_folder, make_pair

    with _notify():
        beside = f"{checked_name(name)}.pem"
        path = config_folder() / beside if file is None else _resolved(file)
        passphrase = None
        if lock:
            passphrase = ask_hidden("Passphrase: ")
            if not passphrase or passphrase != ask_hidden("The same again: "):
                raise click.ClickException("The two are not the same, or empty. Nothing was made.")
        public = make_pair(path, passphrase)
    click.echo(printable(f"The private part is in {path}: keep it, and show it to nobody."), err=True)
    click.echo(
        "The public part is below. At the exchange: API Management, Create API, Self-generated; paste all of "
        "it, allow reading only, and limit the key to your addresses. Then write down the API key that it "
        "gives you:\n\n"
        f"    python -m toolkit key add {name} --private-key {printable(shlex.quote(str(path)))}\n",
        err=True,
    )
    click.echo(public, nl=False)


@key.command("add")
@click.argument("name", default="default")
@click.option("--private-key", type=click.Path(path_type=Path), help="File of its private key, in PEM.")
@click.option(
    "--serves",
    multiple=True,
    type=click.Choice(["USER_DATA", "TRADE"]),
    default=["USER_DATA", "TRADE"],
    help="A security type it may serve; may be said twice.",
)
@click.option("--keyring", is_flag=True, help="Put it into the system's keyring instead of the file.")
@click.option("--keep-passphrase", is_flag=True, help="With --keyring: put the passphrase there, too.")
def add_key(
    name: str, private_key: Path | None, serves: tuple[Security, ...], keyring: bool, keep_passphrase: bool
) -> None:
    """Write a key down as the profile NAME, which `toolkit.Link("NAME")` opens.

    The API key is asked for, and its secret where it has no private key. A passphrase is asked for to see
    that the private key opens, and is not written down, except with --keep-passphrase.
    """
    from toolkit.auth.keys import add_profile, ask_hidden, ask_passphrase, free_name

    if keep_passphrase and not (keyring and private_key):
        raise click.UsageError("--keep-passphrase goes with --keyring and --private-key.")
    with _notify():
        where = add_profile(
            free_name(name, in_keyring=keyring),
            key=ask_hidden("API key: "),
            secret=None if private_key else ask_hidden("Secret: "),
            private_key=private_key,
            passphrase=ask_passphrase(str(private_key)) if keep_passphrase else None,
            serves=serves,
            in_keyring=keyring,
            ask=ask_passphrase,
        )
    click.echo(printable(f"Profile {name} is in {where}. `python -m toolkit doctor {name}` looks at it."))


def _resolved(path: Path) -> Path:
    """All of a path, from any folder."""
    with suppress(OSError, RuntimeError):  # nobody has such a home folder, or links go round in a circle
        return path.expanduser().resolve()
    return path


@contextmanager
def _notify() -> Iterator[None]:
    """What goes wrong is said in a line."""
    said = ""
    try:
        yield
    except ToolkitError as error:
        said = str(error)
    if said:
        raise click.ClickException(said)


@main.command()
@click.argument("profile", required=False)
@click.option("--demo", is_flag=True, show_default=False, help="Examine the sandbox: no key is needed.")
@click.option("--strict", is_flag=True, show_default=False, help="Exit with 1 for warnings, too.")
@click.option("--json", "as_json", is_flag=True, show_default=False, help="Print the lines as JSON.")
def doctor(profile: str | None, demo: bool, strict: bool, as_json: bool) -> None:
    """Say what is well and what is not: hosts, clocks, keys, limits, ledger and journal.

    PROFILE is the name of a profile; without it keys are looked for as `toolkit.Link()` does. Nothing
    is changed, and what is sent weighs next to nothing. Nothing secret is printed. The exit status is 0
    when nothing failed, 1 when something did, 2 when the command is not written like this.
    """
    if demo and profile is not None:
        raise click.UsageError(
            "A PROFILE is for the real exchange, --demo for the sandbox: give one of them."
        )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RateLimitWarning)  # there is a line about it
        try:
            link = _opened(profile, demo)
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


def _opened(profile: str | None, demo: bool) -> Link:
    """The Link to examine; one without a key where there is none, which is a line of its own."""
    import toolkit
    from toolkit.auth.keys import Keys

    try:
        return toolkit.demo() if demo else toolkit.Link(profile)
    except NoKeyError as error:
        return toolkit.Link(keys=Keys([], str(error)))


if __name__ == "__main__":
    main()
