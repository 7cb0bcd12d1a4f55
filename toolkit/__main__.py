"""The commands: `python -m toolkit`, also `binance-link-toolkit` and `jupyter toolkit`."""

from __future__ import annotations

from math import isfinite
from pathlib import Path

import click

from toolkit._version import __version__

SETTINGS = {"help_option_names": ["-h", "--help"], "max_content_width": 100, "show_default": True}


@click.group(context_settings=SETTINGS)
@click.version_option(__version__, "-V", "--version", prog_name="binance-link-toolkit")
def main() -> None:
    """The analytics desk of a Binance Link partner, in Jupyter.

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
    from toolkit.sandbox import serve_forever

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


if __name__ == "__main__":
    main()
