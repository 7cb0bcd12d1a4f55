"""Kills programs while they export, and reads what is there."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import toolkit
from tests.multiprocess.exporter import frame
from tests.multiprocess.scene import pause
from tests.support.paths import ROOT
from toolkit.exports.atomic import provenance_path

# Seconds within which a program that exports all the time is killed.
_LONGEST = 0.08


@dataclass(slots=True)
class ExportKills:
    """Counts of all kills.

    Attributes:
        kills: Programs killed.
        replaced: How often another frame was there than before.
        between: How often the file and its provenance were of two exports.
        abandoned: How often a draft was left.
        mistakes: What must not have happened.
    """

    kills: int = 0
    replaced: int = 0
    between: int = 0
    abandoned: int = 0
    mistakes: list[str] = field(default_factory=list)


class ExportKiller:
    """Exports to one path, in processes that are killed.

    Args:
        path: Where they export to.
        seed: Determines the moments of random kills; the timing of real processes varies.
    """

    def __init__(self, path: Path, seed: int = 0) -> None:
        self.path, self.rng, self.stats = path, random.Random(seed), ExportKills()
        toolkit.export(frame(0), path)
        self._last = 0

    def __enter__(self) -> ExportKiller:
        self._helper = subprocess.Popen(
            [sys.executable, "-m", "tests.multiprocess.exporter"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._line() == "ready"
        return self

    def __exit__(self, *_: object) -> None:
        for pipe in (self._helper.stdin, self._helper.stdout):
            assert pipe is not None
            pipe.close()
        self._helper.wait()

    def kill_at_random(self) -> None:
        """Kill a program that exports one frame after the other."""
        pid = self._start(event=0)
        pause(self.rng.uniform(0, _LONGEST))
        os.kill(pid, signal.SIGKILL)
        assert self._end() == -signal.SIGKILL
        self._check(several=True)

    def kill_at(self, event: int) -> bool:
        """Kill a program before it touches a file for the n-th time; False if it never did so often."""
        self._start(event)
        killed = self._end() == -signal.SIGKILL
        self._check(several=False)
        return killed

    def _start(self, event: int) -> int:
        assert self._helper.stdin is not None
        job = {"path": str(self.path), "number": self._last + 1, "event": event}
        self._helper.stdin.write(json.dumps(job) + "\n")
        self._helper.stdin.flush()
        return int(self._line())

    def _end(self) -> int:
        assert self._helper.stdin is not None
        self._helper.stdin.write("\n")
        self._helper.stdin.flush()
        return int(self._line())

    def _check(self, *, several: bool) -> None:
        stats, before = self.stats, self._last
        stats.kills += 1
        stats.abandoned += any(each.name.endswith(".new") for each in self.path.parent.iterdir())
        stats.between += "before" in json.loads(provenance_path(self.path).read_bytes())
        try:
            found = toolkit.read(self.path)
        except toolkit.errors.ProvenanceError as error:
            stats.mistakes.append(f"kill {stats.kills}: {error}")
            toolkit.export(frame(before), self.path)
            return
        number = found.attrs["number"]
        if number < before or not (several or number <= before + 1):
            stats.mistakes.append(f"kill {stats.kills}: {number} after {before}")
        if not found.equals(frame(number)):
            stats.mistakes.append(f"kill {stats.kills}: rows of another frame than {number}")
        stats.replaced += number != before
        self._last = number

    def _line(self) -> str:
        assert self._helper.stdout is not None
        return self._helper.stdout.readline().strip()
