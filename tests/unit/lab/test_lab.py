"""The launcher, run as a real process with a home folder of its own."""

from __future__ import annotations

import http.client
import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import toolkit
from tests.support.launched import Launched
from toolkit import lab
from toolkit.lab.terminal import shell_command

LINUX = pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="reads /proc")

# Stands in for JupyterLab, and starts at once: for tests of the launcher alone.
STAND_IN = """
import http.server, sys
port = int(next(a for a in sys.argv if "ServerApp.port=" in a).split("=")[1])
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
    def log_message(self, *_): pass
http.server.HTTPServer(("127.0.0.1", port), Handler).serve_forever()
"""


def gone(launched: Launched, seconds: float = 10) -> bool:
    deadline = time.monotonic() + seconds
    while launched.running():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def put_another_python_first(home: Path) -> None:
    """Make every shell of this home find another Python first, as conda and pyenv do."""
    other = home / "other" / "python"
    other.parent.mkdir()
    other.write_text("#!/bin/sh\necho another Python\n")
    other.chmod(0o755)
    (home / ".bashrc").write_text('export READ_BASHRC=yes PATH="$HOME/other:$PATH"\n')
    (home / ".profile").write_text('export READ_PROFILE=yes PATH="$HOME/other:/usr/bin:/bin"\n')


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def launched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Launched]:
    """A real JupyterLab, in the home of a user who has another JupyterLab with settings of its own."""
    home = tmp_path_factory.mktemp("home")
    theirs = home / ".jupyter"
    (theirs / "lab" / "user-settings").mkdir(parents=True)
    (theirs / "lab" / "user-settings" / "x.jupyterlab-settings").write_text("{}")
    (theirs / "jupyter_server_config.json").write_text('{"IdentityProvider": {"token": ""}}')
    put_another_python_first(home)
    folder = tmp_path_factory.mktemp("work")
    (folder / "notebooks").mkdir()
    (folder / "notebooks" / "01_tour.ipynb").write_text(
        '{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}'
    )
    launched = Launched(home, folder)
    try:
        yield launched.until("Ctrl-C")
        launched.process.terminate()
        assert launched.ended() == 0, "SIGTERM is a clean end"
    finally:
        launched.stop()


@pytest.fixture
def quick(tmp_path: Path) -> Iterator[Launched]:
    """The launcher with a stand-in for JupyterLab."""
    module = tmp_path / "stand_in" / "jupyterlab"
    module.mkdir(parents=True)
    (module / "__main__.py").write_text(STAND_IN)
    (module / "__init__.py").write_text("")
    launched = Launched(tmp_path, tmp_path, stand_in=module.parent)
    try:
        yield launched.until("Ctrl-C")
    finally:
        launched.stop()


def test_jupyterlab_requires_its_token(launched: Launched) -> None:
    assert f"http://127.0.0.1:{launched.port}/lab/tree/01_tour.ipynb?token=" in launched.output
    assert launched.ask("/api/status")[0] == 200
    assert launched.ask("/api/status", token=False)[0] == 403
    assert "01_tour.ipynb" in launched.ask("/api/contents")[1]


def test_there_are_no_news_no_update_checks_and_no_extension_manager(launched: Launched) -> None:
    page = launched.ask("/lab")[1]
    config = json.loads(
        re.search(r'<script id="jupyter-config-data"[^>]*>(.*?)</script>', page, re.DOTALL)[1]
    )
    assert {
        "@jupyterlab/apputils-extension:announcements",
        "@jupyterlab/extensionmanager-extension",
    } <= set(config["disabledExtensions"])
    assert json.loads(launched.ask("/lab/api/news")[1])["news"] == []
    assert json.loads(launched.ask("/lab/api/update")[1])["notification"] is None


def test_the_time_out_of_completions_is_raised(launched: Launched) -> None:
    """The first completion imports much, and JupyterLab shows none that takes longer than this."""
    status, body = launched.ask("/lab/api/settings/@jupyterlab/completer-extension:manager")

    assert status == 200
    assert json.loads(body)["schema"]["properties"]["providerTimeout"]["default"] >= 10_000


def test_files_of_another_jupyterlab_are_neither_read_nor_written(launched: Launched) -> None:
    settings = "/lab/api/settings/@jupyterlab/apputils-extension:themes"
    connection = http.client.HTTPConnection("127.0.0.1", launched.port, timeout=30)
    body = json.dumps({"raw": '{"theme": "JupyterLab Dark"}'})
    connection.request("PUT", settings, body, {"Authorization": f"token {launched.token}"})
    assert connection.getresponse().status == 204
    connection.close()

    assert set(contents(launched.home / ".jupyter")) == {
        "jupyter_server_config.json",
        "lab/user-settings/x.jupyterlab-settings",
    }
    theirs = (".jupyter/", ".bashrc", ".profile", "other/", ".bash_history", ".ipython/", ".cache/")
    written = {name for name in contents(launched.home) if not name.startswith(theirs)}
    assert [name for name in written if "themes" in name] != []
    assert {
        name for name in written if not name.startswith(".local/share/binance-link-toolkit/lab/")
    } == set()


@LINUX
def test_documented_commands_work_in_terminals_and_cells(
    launched: Launched, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Although the start-up files of the shell put another Python first."""
    shown = launched.in_terminal(
        "command -v python; echo read: $READ_PROFILE $READ_BASHRC; python -m toolkit --version"
    )
    assert f"{Path(sys.executable).parent}/python\n" in shown
    assert "read: yes yes\n" in shown
    assert f"binance-link-toolkit, version {toolkit.__version__}\n" in shown

    shown = launched.in_cell("!command -v python; echo $VIRTUAL_ENV; binance-link-toolkit --version")
    assert shown.splitlines() == [
        f"{Path(sys.executable).parent}/python",
        sys.prefix if sys.prefix != sys.base_prefix else "",
        f"binance-link-toolkit, version {toolkit.__version__}",
    ]


@LINUX
@pytest.mark.parametrize("arguments", [[], ["--login"]], ids=["inner", "login"])
@pytest.mark.parametrize("shell", ["bash", "sh"])
def test_a_shell_finds_the_programs_of_this_python_first(
    tmp_path: Path, shell: str, arguments: list[str]
) -> None:
    put_another_python_first(tmp_path)
    path = shutil.which(shell)
    if path is None:
        pytest.skip(f"there is no {shell} here")
    ran = subprocess.run(
        [sys.executable, str(lab.TERMINAL), *arguments],
        input="command -v python; echo $READ_PROFILE\n",
        env={"HOME": str(tmp_path), "PATH": "/usr/bin:/bin", "SHELL": path},
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout.splitlines() == [f"{Path(sys.executable).parent}/python", "yes" * bool(arguments)]


def test_an_unknown_shell_is_started_without_options() -> None:
    assert shell_command("/opt/nu", login=True) == ["/opt/nu"]
    assert shell_command("/bin/zsh", login=False) == ["/bin/zsh"]
    command = shell_command("/bin/zsh", login=True)
    assert command[:3] == ["/bin/zsh", "-l", "-c"]
    assert shlex.split(command[3]) == ["exec", sys.executable, str(lab.TERMINAL)]


@LINUX
def test_no_process_has_a_secret_in_its_arguments(launched: Launched) -> None:
    pid = launched.pid_of("jupyterlab")
    environment = dict(
        entry.split("=", 1) for entry in Path(f"/proc/{pid}/environ").read_text().split("\0") if "=" in entry
    )
    sandbox = json.loads(environment["TOOLKIT_SANDBOX"])
    assert {"address", "key", "secret"} <= set(sandbox)
    assert sandbox["address"] in launched.output

    arguments = " ".join(launched.running().values())
    for secret in (sandbox["secret"], sandbox["key"], launched.token):
        assert len(secret) >= 32
        assert secret not in arguments
    assert sandbox["secret"] not in launched.output


@LINUX
def test_ctrl_c_stops_jupyterlab_its_kernels_and_the_sandbox(tmp_path: Path) -> None:
    mine = Launched(tmp_path, tmp_path)
    try:
        mine.until("Ctrl-C")
        assert mine.ask("/api/kernels", "POST")[0] == 201
        commands = " ".join(mine.running().values())
        assert all(child in commands for child in ("jupyterlab", "ipykernel", "toolkit sandbox"))
        mine.process.send_signal(signal.SIGINT)
        assert mine.ended() == 0
        assert mine.running() == {}
    finally:
        mine.stop()


@LINUX
def test_a_closed_terminal_stops_both(quick: Launched) -> None:
    quick.process.send_signal(signal.SIGHUP)
    assert quick.ended() == 0
    assert quick.running() == {}


@LINUX
def test_jupyterlab_outlives_the_sandbox_but_not_the_reverse(quick: Launched) -> None:
    os.kill(quick.pid_of("toolkit sandbox"), signal.SIGKILL)
    quick.until("The sandbox ended by itself")
    assert quick.ask("/api/status")[0] == 200

    os.kill(quick.pid_of("jupyterlab"), signal.SIGKILL)
    assert quick.ended() == 1
    assert "JupyterLab ended by itself" in quick.output
    assert quick.running() == {}


@LINUX
def test_the_sandbox_is_stopped_when_jupyterlab_ends(quick: Launched) -> None:
    os.kill(quick.pid_of("jupyterlab"), signal.SIGKILL)
    assert quick.ended() == 1
    assert quick.running() == {}


@LINUX
def test_a_killed_launcher_takes_both_with_it(quick: Launched) -> None:
    quick.process.kill()
    assert gone(quick)


def test_a_taken_port_is_reported_without_a_traceback(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        launched = Launched(tmp_path, tmp_path, port=taken.getsockname()[1])
        assert launched.ended() == 1
        assert f"port {launched.port} of 127.0.0.1 is taken" in launched.output
        assert "Traceback" not in launched.output
        assert lab.free_port(None) != launched.port


def test_the_folder_and_notebook_that_are_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert lab.what_to_open(None) == (tmp_path, None)
    folder = tmp_path / "notebooks"
    folder.mkdir()
    assert lab.what_to_open(None) == (tmp_path, None)
    tour = folder / "01_tour.ipynb"
    tour.touch()
    assert lab.what_to_open(None) == (folder, "01_tour.ipynb")
    assert lab.what_to_open(Path("notebooks")) == (folder, "01_tour.ipynb")
    assert lab.what_to_open(Path("notebooks/01_tour.ipynb")) == (folder, "01_tour.ipynb")
    monkeypatch.chdir(folder)
    assert lab.what_to_open(None) == (folder, "01_tour.ipynb")


def test_kernels_use_sockets_if_the_path_is_short_enough() -> None:
    assert lab.kernel_transport("/tmp/toolkit-lab-abcdefgh") == "ipc"
    assert lab.kernel_transport("/var/folders/" + 60 * "x") == "tcp"


def test_variables_that_configure_jupyter_are_not_passed_on() -> None:
    outer = {"JUPYTER_NO_CONFIG": "1", "JUPYTERLAB_DIR": "/x", "JUPYTER_TOKEN": "theirs", "PATH": "/bin"}
    inner = lab.lab_environment(outer, "{}", "ours", "/tmp/r")
    assert inner["PATH"] == f"{Path(sys.executable).parent}{os.pathsep}/bin"
    assert inner["JUPYTER_TOKEN"] == "ours"
    assert "JUPYTER_NO_CONFIG" not in inner
    assert "JUPYTERLAB_DIR" not in inner
