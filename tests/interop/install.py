"""Give each witness a virtual environment of its own: `python -m tests.interop.install`.

What is there already stays. One that cannot be installed does not keep the others from it: its test
says why.
"""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from textwrap import shorten

from tests.interop.clients import WITNESSES, Witness


def wanted(witness: Witness) -> str:
    """What the stamp of a witness must say."""
    return f"{witness.requirement} on Python {sys.version.split()[0]}"


def installed(witness: Witness) -> bool:
    """Whether it is there, and its Python still runs."""
    if not witness.stamp.is_file() or witness.stamp.read_text(encoding="utf-8") != wanted(witness):
        return False
    try:
        return subprocess.run([witness.python, "-c", ""], check=False).returncode == 0
    except OSError:
        return False


def install(witness: Witness) -> None:
    """Make its environment anew, and leave a word in it of how that went."""
    witness.environment.mkdir(parents=True, exist_ok=True)
    pip = [str(witness.python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    steps = [
        [sys.executable, "-m", "venv", "--clear", str(witness.environment)],
        [*pip, witness.requirement],
    ]
    for step in steps:
        done = subprocess.run(step, capture_output=True, text=True, check=False)
        if done.returncode:
            said = [line for line in (done.stderr or done.stdout).splitlines() if line.strip()]
            why = next((line for line in said if line.lower().startswith("error")), (said or ["no word"])[-1])
            word = f"pip install '{witness.requirement}': {shorten(why, 200)}"
            witness.failure.write_text(word, encoding="utf-8")
            return
    witness.stamp.write_text(wanted(witness), encoding="utf-8")


def main() -> None:
    """Install whoever is missing, all at once."""
    missing = [witness for witness in WITNESSES if not installed(witness)]
    if missing:
        names = ", ".join(witness.name for witness in missing)
        print(f"Installing {names}, each into an environment of its own (a minute the first time) ...")
        with ThreadPoolExecutor() as pool:
            list(pool.map(install, missing))


if __name__ == "__main__":
    main()
