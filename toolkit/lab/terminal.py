"""Start the user's shell in a terminal of JupyterLab, with the programs of this Python first on the PATH.

    python terminal.py [--login]

The start-up files of a shell may reset the PATH, as Debian's /etc/profile does, or put other programs first,
as conda and pyenv do. So a login shell only reads its files and then runs this file again, and bash puts the
programs first again after ~/.bashrc. This is run as a file, like child.py.
"""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path

PROGRAMS = "LAB_PROGRAMS"
BASHRC = Path(__file__).parent / "shells" / "bashrc"
# Shells that support `-l -c COMMAND`.
LOGIN_SHELLS = ("bash", "dash", "fish", "ksh", "sh", "zsh")


def shell_command(shell: str, *, login: bool) -> list[str]:
    """The command that starts a shell, or that reads the files of a login shell and runs this file again."""
    name = Path(shell).name
    if login and name in LOGIN_SHELLS:
        return [shell, "-l", "-c", f"exec {shlex.join([sys.executable, __file__])}"]
    return [shell, "--rcfile", str(BASHRC), "-i"] if name == "bash" else [shell]


def with_programs(environment: Mapping[str, str]) -> dict[str, str]:
    """An environment with the programs of this Python first on the PATH, as if it was activated."""
    programs = str(Path(sys.executable).parent)
    folders = environment.get("PATH", os.defpath).split(os.pathsep)
    path = os.pathsep.join([programs, *(folder for folder in folders if folder != programs)])
    virtual = {"VIRTUAL_ENV": sys.prefix} if sys.prefix != sys.base_prefix else {}
    return dict(environment) | virtual | {"PATH": path, PROGRAMS: programs}


def main() -> None:
    """Replace this process by the user's shell."""
    shell = os.environ.get("SHELL") or "sh"
    environment = with_programs(os.environ)
    os.environ["PATH"] = environment["PATH"]  # used to find the shell
    command = shell_command(shell, login="--login" in sys.argv[1:])
    os.execvpe(command[0], command, environment)  # noqa: S606 - the user's own shell


if __name__ == "__main__":
    main()
