"""Start the user's shell in a terminal of the Lab, with the programs of this Python first on its PATH.

    python terminal.py [--login]

What a shell reads when it starts may set PATH anew, as /etc/profile of Debian does, or put others first, as
conda and pyenv do. So a login shell only reads its files and comes back here; and bash, which most have,
puts ours first again once it has read ~/.bashrc. Run as a file, like child.py.
"""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path

PROGRAMS = "LAB_PROGRAMS"
BASHRC = Path(__file__).parent / "shells" / "bashrc"
# Those that take `-l -c COMMAND`.
WITH_LOGIN = ("bash", "dash", "fish", "ksh", "sh", "zsh")


def shell_command(shell: str, *, login: bool) -> list[str]:
    """The command that starts a shell, or has it read what a login shell does and come back here."""
    name = Path(shell).name
    if login and name in WITH_LOGIN:
        return [shell, "-l", "-c", f"exec {shlex.join([sys.executable, __file__])}"]
    return [shell, "--rcfile", str(BASHRC), "-i"] if name == "bash" else [shell]


def with_programs(environment: Mapping[str, str]) -> dict[str, str]:
    """An environment in which this Python's programs come first, as when it is activated."""
    programs = str(Path(sys.executable).parent)
    others = environment.get("PATH", os.defpath).split(os.pathsep)
    path = os.pathsep.join([programs, *(each for each in others if each != programs)])
    more = {"VIRTUAL_ENV": sys.prefix} if sys.prefix != sys.base_prefix else {}
    return dict(environment) | more | {"PATH": path, PROGRAMS: programs}


def main() -> None:
    """Become the user's shell."""
    shell = os.environ.get("SHELL") or "sh"
    environment = with_programs(os.environ)
    os.environ["PATH"] = environment["PATH"]  # where the shell is looked for
    command = shell_command(shell, login="--login" in sys.argv[1:])
    os.execvpe(command[0], command, environment)  # noqa: S606 - the user's own shell


if __name__ == "__main__":
    main()
