"""The launcher: starts JupyterLab and a sandbox on 127.0.0.1, and stops both together.

This JupyterLab is separate from any other of the user. Its configuration, settings, workspaces, trust and
runtime files are in folders of the toolkit; files of another JupyterLab are neither read nor written.
`config/` comes first on `JUPYTER_CONFIG_PATH`. It switches off the news prompt, the extension manager, update
checks and the search for language servers (which runs npm), so that nothing is sent to the internet.
It also raises the time-out of completions from one second: the first completion imports what it completes,
and JupyterLab drops late results.

Both are child processes that end with the launcher, however it ends (child.py). Every user of the machine can
read their arguments, so the token and the sandbox's key are passed through the environment.

In terminals and `!` cells, the programs of this Python come first on the PATH (terminal.py), so that
`python -m toolkit` works there as documented.
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
DEFAULT_PORTS = range(8888, 8908)
SANDBOX_START_TIMEOUT_S = 60.0
LAB_START_TIMEOUT_S = 120.0
STOP_TIMEOUT_S = 10.0
MAX_SOCKET_PATH = 103  # bytes; the limit of macOS, which is the lowest
MAX_SOCKET_NAME = len("/kernel-00000000-0000-0000-0000-000000000000-ipc-000")


def run(path: Path | None = None, *, port: int | None = None, browser: bool = True) -> None:
    """Start a sandbox and JupyterLab; return when the user stops them or JupyterLab ends.

    Args:
        path: A folder or a notebook. None: the tour if it is found, otherwise the current folder.
        port: Port of JupyterLab. None: 8888, or the next free port.
        browser: Open the user's browser if there is a screen.

    Raises:
        click.ClickException: The port is taken, or the sandbox or JupyterLab does not start.
    """
    folder, notebook = what_to_open(path)
    port = free_port(port)
    token = secrets.token_urlsafe(24)
    children: list[subprocess.Popen[str]] = []
    with _stop_signals() as stop, _runtime_folder() as runtime:
        try:
            click.echo("Starting the sandbox and JupyterLab. This takes a few seconds ...")
            sandbox = _start_child(["toolkit", "sandbox", "--port", "0"], stdout=subprocess.PIPE)
            children.append(sandbox)
            announcement = _read_announcement(sandbox, stop)
            if announcement is None:
                return
            lab = _start_child(
                lab_arguments(folder, notebook, port, runtime, browser=browser and _has_screen()),
                env=lab_environment(os.environ, announcement, token, runtime),
            )
            children.append(lab)
            if not _wait_for_lab(lab, port, token, stop):
                return
            click.echo(f"JupyterLab: {_address(port, notebook, token)}")
            click.echo(
                f"Sandbox:    {json.loads(announcement)['address']} (made-up data, for toolkit.demo())"
            )
            click.echo("Ctrl-C stops both.")
            _watch(lab, sandbox, stop)
        finally:
            _stop_all(children)


def what_to_open(path: Path | None) -> tuple[Path, str | None]:
    """JupyterLab's root folder, and the notebook to open in it (None: the launcher page)."""
    if path is not None and not path.is_dir():
        return path.resolve().parent, path.name
    here = Path.cwd()
    folders = [path] if path is not None else [here / "notebooks", here]
    for folder in folders:
        if (folder / FIRST_NOTEBOOK).is_file():
            return folder.resolve(), FIRST_NOTEBOOK
    return folders[-1].resolve(), None


def free_port(wanted: int | None) -> int:
    """The wanted port if it is free; None: the first free one from 8888 on.

    Raises:
        click.ClickException: It is taken, or all are.
    """
    if wanted is not None:
        if not _is_free(wanted):
            raise click.ClickException(
                f"port {wanted} of {HOST} is taken. Choose another one with --port, or omit --port to use a "
                "free one."
            )
        return wanted
    for port in DEFAULT_PORTS:
        if _is_free(port):
            return port
    raise click.ClickException(
        f"ports {DEFAULT_PORTS[0]} to {DEFAULT_PORTS[-1]} of {HOST} are all taken. Choose another one with "
        "--port."
    )


def lab_arguments(folder: Path, notebook: str | None, port: int, runtime: str, *, browser: bool) -> list[str]:
    """The command line of JupyterLab. It contains no secret."""
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
        # As in Jupyter: outside a terminal, the files of a login shell have not been read yet.
        shell = [sys.executable, str(TERMINAL), *([] if sys.stdout.isatty() else ["--login"])]
        arguments.append(f"--ServerApp.terminado_settings=shell_command={shell!r}")
    if notebook is not None:
        arguments.append(f"--LabApp.default_url={_page(notebook)}")
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        arguments.append("--allow-root")
    return arguments


def kernel_transport(runtime: str) -> str:
    """How JupyterLab talks to kernels: "ipc", sockets in a folder that only this user can enter, or "tcp".

    Anyone who can capture loopback traffic can read what goes over TCP, including API keys, and ipykernel
    warns about it. "tcp" is used on Windows, and if the folder's path is too long for a socket.
    """
    fits = len(os.fsencode(runtime)) + MAX_SOCKET_NAME <= MAX_SOCKET_PATH
    return "ipc" if fits and os.name == "posix" else "tcp"


def lab_environment(outer: Mapping[str, str], sandbox: str, token: str, runtime: str) -> dict[str, str]:
    """The environment of JupyterLab and its kernels: the user's, without variables that configure Jupyter.

    The programs of this Python come first on the PATH, for `!` cells and, on Windows, for terminals.
    """
    folder = platformdirs.user_data_path("binance-link-toolkit", appauthor=False).expanduser() / "lab"
    inherited = {name: value for name, value in outer.items() if not name.startswith("JUPYTER")}
    return with_programs(inherited) | {
        "JUPYTER_CONFIG_PATH": str(CONFIG),
        "JUPYTER_CONFIG_DIR": str(folder / "config"),
        "JUPYTER_DATA_DIR": str(folder / "data"),
        "JUPYTER_RUNTIME_DIR": runtime,
        "JUPYTERLAB_SETTINGS_DIR": str(folder / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(folder / "workspaces"),
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


def _start_child(
    module_and_arguments: Sequence[str], *, env: Mapping[str, str] | None = None, stdout: int | None = None
) -> subprocess.Popen[str]:
    # In a session of its own, so that Ctrl-C in the terminal reaches only the launcher, which stops both.
    return subprocess.Popen(  # noqa: S603 - the arguments are our own, and no shell reads them
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
    """An event that is set by SIGINT, SIGTERM and SIGHUP, in place of ending this process."""
    stop = threading.Event()
    names = ("SIGINT", "SIGTERM", "SIGHUP")
    signals = [getattr(signal, name) for name in names if hasattr(signal, name)]
    previous = {number: signal.signal(number, lambda *_: stop.set()) for number in signals}
    try:
        yield stop
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def _read_announcement(sandbox: subprocess.Popen[str], stop: threading.Event) -> str | None:
    """The line of JSON with the sandbox's address and key; None if the user stops the launcher first."""
    lines: list[str] = []
    stdout = _stdout(sandbox)
    reader = threading.Thread(target=lambda: lines.append(stdout.readline()), daemon=True)
    reader.start()
    deadline = time.monotonic() + SANDBOX_START_TIMEOUT_S
    while reader.is_alive() and time.monotonic() < deadline:
        if stop.wait(0.02):
            return None
    line = lines[0].strip() if lines else ""
    if not line.startswith("{"):
        raise click.ClickException("the sandbox did not start. Its output, if any, is above.")
    return line


def _stdout(child: subprocess.Popen[str]) -> IO[str]:
    assert child.stdout is not None  # noqa: S101 - it was started with a pipe
    return child.stdout


def _wait_for_lab(lab: subprocess.Popen[str], port: int, token: str, stop: threading.Event) -> bool:
    """Wait until JupyterLab accepts its token; False if the user stops the launcher first."""
    deadline = time.monotonic() + LAB_START_TIMEOUT_S
    while time.monotonic() < deadline:
        if lab.poll() is not None:
            raise click.ClickException(
                f"JupyterLab ended before it was ready (exit code {lab.returncode}). Its output is above."
            )
        if _status(port, token) == http.client.OK:
            return True
        if stop.wait(0.1):
            return False
    raise click.ClickException(f"JupyterLab was not ready within {LAB_START_TIMEOUT_S:.0f} seconds.")


def _status(port: int, token: str) -> int | None:
    # http.client ignores the proxies of the environment.
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
    """Terminate all children, wait, and kill those that are still running."""
    for child in children:
        if child.poll() is None:
            child.terminate()
    deadline = time.monotonic() + STOP_TIMEOUT_S
    for child in children:
        try:
            child.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
        for pipe in (child.stdin, child.stdout):
            if pipe is not None:
                pipe.close()
