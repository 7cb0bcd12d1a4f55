"""The launcher: JupyterLab and the sandbox side by side on 127.0.0.1, stopped together.

The Lab is one of its own. Its configuration, settings, workspaces, trust and runtime files live in
folders of this package's, and none that the user keeps for another Lab is read or written.
`config/` goes first on `JUPYTER_CONFIG_PATH`: no news prompt, no extension manager, no look for
updates, no search for language servers (which runs npm), hence no call to the outside.
A completion is waited for longer than Lab's one second: the first one imports what it completes, and
what comes too late is not shown at all.

Both are children that end with the launcher, however it ends (child.py). Nothing secret is in their
arguments, which every user of the machine can read: the token and the sandbox's key go through the
environment.

Terminals and `!` cells find this Python's programs first on their PATH (terminal.py), so that
`python -m toolkit` works there as it is printed.
"""

from __future__ import annotations

import http.client
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO
from urllib.parse import quote

import click
import platformdirs

from toolkit.lab.terminal import with_programs

__all__ = ["run"]


def __dir__() -> list[str]:
    return __all__


HOST = "127.0.0.1"
FIRST_NOTEBOOK = "01_tour.ipynb"
CONFIG = Path(__file__).parent / "config"
CHILD = Path(__file__).parent / "child.py"
TERMINAL = Path(__file__).parent / "terminal.py"
USUAL_PORTS = range(8888, 8908)
SANDBOX_START_TIMEOUT_S = 60.0
LAB_START_TIMEOUT_S = 120.0
STOP_TIMEOUT_S = 10.0
LONGEST_SOCKET_PATH = 103  # the shortest limit among the systems we know (macOS)
LONGEST_SOCKET_NAME = len("/kernel-00000000-0000-0000-0000-000000000000-ipc-000")


def run(path: Path | None = None, *, port: int | None = None, browser: bool = True) -> None:
    """Start the sandbox and a JupyterLab beside it; return when either the user or the Lab ends it.

    Args:
        path: A folder or a notebook; None for the tour where it is found, else this folder.
        port: The Lab's port; None for 8888 or the next one that is free.
        browser: Open the user's browser, where there is a screen.

    Raises:
        click.ClickException: The port is taken, or one of the two does not start.
    """
    folder, notebook = what_to_open(path)
    port = free_port(port)
    token = secrets.token_urlsafe(24)
    children: list[subprocess.Popen[str]] = []
    with _stop_signals() as stop, _runtime_folder() as runtime:
        try:
            click.echo("Starting the sandbox and JupyterLab, which takes some seconds ...")
            sandbox = _child(["toolkit", "sandbox", "--port", "0"], stdout=subprocess.PIPE)
            children.append(sandbox)
            where = _introduction(sandbox, stop)
            if where is None:
                return
            lab = _child(
                lab_arguments(folder, notebook, port, runtime, browser=browser and _has_screen()),
                env=lab_environment(os.environ, where, token, runtime),
            )
            children.append(lab)
            if not _answers(lab, port, token, stop):
                return
            click.echo(f"JupyterLab: {_address(port, notebook, token)}")
            click.echo(f"Sandbox:    {json.loads(where)['address']} (made-up data, for toolkit.demo())")
            click.echo("Ctrl-C stops both.")
            _watch(lab, sandbox, stop)
        finally:
            _stop_all(children)


def what_to_open(path: Path | None) -> tuple[Path, str | None]:
    """The Lab's root folder, and the notebook in it to begin with (None for the launcher page)."""
    if path is not None and not path.is_dir():
        return path.resolve().parent, path.name
    here = Path.cwd()
    folders = [path] if path is not None else [here / "notebooks", here]
    for folder in folders:
        if (folder / FIRST_NOTEBOOK).is_file():
            return folder.resolve(), FIRST_NOTEBOOK
    return folders[-1].resolve(), None


def free_port(wanted: int | None) -> int:
    """The wanted port if nobody listens there; without a wish the first free one from 8888 on."""
    if wanted is not None:
        if not _is_free(wanted):
            raise click.ClickException(
                f"port {wanted} of {HOST} is taken. Give another one with --port, "
                "or leave --port out and a free one is found."
            )
        return wanted
    for port in USUAL_PORTS:
        if _is_free(port):
            return port
    raise click.ClickException(
        f"ports {USUAL_PORTS[0]} to {USUAL_PORTS[-1]} of {HOST} are all taken. Give another one with --port."
    )


def lab_arguments(folder: Path, notebook: str | None, port: int, runtime: str, *, browser: bool) -> list[str]:
    """The command line of JupyterLab, without anything secret."""
    arguments = [
        "jupyterlab",
        f"--ServerApp.ip={HOST}",
        f"--ServerApp.port={port}",
        "--ServerApp.port_retries=0",
        f"--ServerApp.root_dir={folder}",
        f"--ServerApp.open_browser={browser}",
        f"--KernelManager.transport={kernel_transport(runtime)}",
    ]
    if os.name == "posix":
        # As Jupyter does: without a terminal around it, what a login shell reads has not been read yet.
        shell = [sys.executable, str(TERMINAL), *([] if sys.stdout.isatty() else ["--login"])]
        arguments.append(f"--ServerApp.terminado_settings=shell_command={shell!r}")
    if notebook is not None:
        arguments.append(f"--LabApp.default_url={_page(notebook)}")
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        arguments.append("--allow-root")
    return arguments


def kernel_transport(runtime: str) -> str:
    """How Lab and kernels talk: sockets in a folder that only this user can enter, where they fit.

    Over TCP whoever may watch the loopback device reads along, API keys included, and ipykernel warns
    of it. The path of a socket is short by law, though, and Windows has no such sockets.
    """
    fits = len(os.fsencode(runtime)) + LONGEST_SOCKET_NAME <= LONGEST_SOCKET_PATH
    return "ipc" if fits and os.name == "posix" else "tcp"


def lab_environment(outer: Mapping[str, str], sandbox: str, token: str, runtime: str) -> dict[str, str]:
    """The environment of JupyterLab and its kernels: the user's own, but for what steers Jupyter.

    This Python's programs come first, for `!` cells and on Windows for terminals.
    """
    ours = platformdirs.user_data_path("binance-link-toolkit", appauthor=False).expanduser() / "lab"
    kept = {name: value for name, value in outer.items() if not name.startswith("JUPYTER")}
    return with_programs(kept) | {
        "JUPYTER_CONFIG_PATH": str(CONFIG),
        "JUPYTER_CONFIG_DIR": str(ours / "config"),
        "JUPYTER_DATA_DIR": str(ours / "data"),
        "JUPYTER_RUNTIME_DIR": runtime,
        "JUPYTERLAB_SETTINGS_DIR": str(ours / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(ours / "workspaces"),
        "JUPYTER_PREFER_ENV_PATH": "1",
        "JUPYTER_TOKEN": token,
        "TOOLKIT_SANDBOX": sandbox,
    }


def _page(notebook: str | None) -> str:
    return "/lab" if notebook is None else f"/lab/tree/{quote(notebook)}"


def _address(port: int, notebook: str | None, token: str) -> str:
    return f"http://{HOST}:{port}{_page(notebook)}?token={token}"


def _is_free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        if os.name == "posix":
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True


def _runtime_folder() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="toolkit-lab-", ignore_cleanup_errors=True)


def _has_screen() -> bool:
    if os.environ.get("CI"):
        return False
    if sys.platform in {"win32", "darwin"}:
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def _child(
    module_and_arguments: Sequence[str], *, env: Mapping[str, str] | None = None, stdout: int | None = None
) -> subprocess.Popen[str]:
    # A session of its own: Ctrl-C in the terminal reaches the launcher alone, which stops both in order.
    return subprocess.Popen(  # noqa: S603 (every argument is ours, and no shell reads them)
        [sys.executable, "-u", str(CHILD), *module_and_arguments],
        env=env,
        stdin=subprocess.PIPE,
        stdout=stdout,
        text=True,
        encoding="utf-8",
        start_new_session=True,
    )


@contextmanager
def _stop_signals() -> Iterator[threading.Event]:
    """An event that Ctrl-C, a polite kill and a closed terminal set, instead of ending us half-way."""
    stop = threading.Event()
    names = ("SIGINT", "SIGTERM", "SIGHUP")
    signals = [getattr(signal, name) for name in names if hasattr(signal, name)]
    before = {number: signal.signal(number, lambda *_: stop.set()) for number in signals}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _introduction(sandbox: subprocess.Popen[str], stop: threading.Event) -> str | None:
    """The one JSON line by which the sandbox says where it is; None where we were told to stop."""
    lines: list[str] = []
    out = _out(sandbox)
    reader = threading.Thread(target=lambda: lines.append(out.readline()), daemon=True)
    reader.start()
    timeout_s = time.monotonic() + SANDBOX_START_TIMEOUT_S
    while reader.is_alive() and time.monotonic() < timeout_s:
        if stop.wait(0.02):
            return None
    line = lines[0].strip() if lines else ""
    if not line.startswith("{"):
        raise click.ClickException("the sandbox did not start; what it said, if anything, is above.")
    return line


def _out(child: subprocess.Popen[str]) -> IO[str]:
    assert child.stdout is not None  # noqa: S101 (it was asked for)
    return child.stdout


def _answers(lab: subprocess.Popen[str], port: int, token: str, stop: threading.Event) -> bool:
    """Wait until the Lab answers to its token; False where we were told to stop."""
    timeout_s = time.monotonic() + LAB_START_TIMEOUT_S
    while time.monotonic() < timeout_s:
        if lab.poll() is not None:
            raise click.ClickException(
                f"JupyterLab stopped before it answered (exit code {lab.returncode}); what it said is above."
            )
        if _status(port, token) == http.client.OK:
            return True
        if stop.wait(0.1):
            return False
    raise click.ClickException(f"JupyterLab did not answer within {LAB_START_TIMEOUT_S:.0f} seconds.")


def _status(port: int, token: str) -> int | None:
    # http.client knows no proxies, so a proxy of the environment cannot come between.
    connection = http.client.HTTPConnection(HOST, port, timeout=5)
    try:
        connection.request("GET", "/api/status", headers={"Authorization": f"token {token}"})
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def _watch(lab: subprocess.Popen[str], sandbox: subprocess.Popen[str], stop: threading.Event) -> None:
    announced = False
    while not stop.wait(0.2):
        if lab.poll() is not None:
            if lab.returncode != 0:
                raise click.ClickException(f"JupyterLab ended by itself (exit code {lab.returncode}).")
            return
        if sandbox.poll() is not None and not announced:
            announced = True
            click.echo(f"The sandbox ended by itself (exit code {sandbox.returncode}).", err=True)


def _stop_all(children: Sequence[subprocess.Popen[str]]) -> None:
    """Ask all politely and at once, wait, and end by force what is still there."""
    for child in children:
        if child.poll() is None:
            child.terminate()
    timeout_s = time.monotonic() + STOP_TIMEOUT_S
    for child in children:
        try:
            child.wait(max(0.0, timeout_s - time.monotonic()))
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
        for pipe in (child.stdin, child.stdout):
            if pipe is not None:
                pipe.close()
