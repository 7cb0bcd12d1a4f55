"""The common part of the programs that read candles for `tests/benchmarks/peers`.

A program runs in its client's own environment; its one argument is the client's distribution. It reads the
job as JSON from stdin, and prints how long it took. The clock runs from the call of the client's function
until that has returned the rows; the program then writes them to files, one for each symbol, as float64.
"""

from __future__ import annotations

import importlib.metadata
import json
import sys
import time
from array import array
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from adapter import allow_loopback_only


@dataclass(frozen=True)
class Job:
    """What to read.

    Attributes:
        address: Address of the exchange.
        symbols: The symbols.
        start: First open time, in milliseconds.
        end: Last open time, in milliseconds.
        folder: Where the rows are written.
        settings: Settings of the client that differ between runs.
    """

    address: str
    symbols: Sequence[str]
    start: int
    end: int
    folder: str
    settings: Mapping[str, Any] = field(default_factory=dict)


def numbers(rows: Iterable[Sequence[Any]], width: int) -> array[float]:
    """The first columns of rows of texts and numbers, one row after the other."""
    return array("d", [float(value) for row in rows for value in row[:width]])


def main(connect: Callable[[Job], tuple[Callable[[], Any], Callable[[Any], Mapping[str, Any]]]]) -> None:
    """Read the candles of the job, and print the result.

    Args:
        connect: Returns, for a job, the function to be timed, and one that makes arrays by symbol of what
            that function returns.
    """
    sys.addaudithook(allow_loopback_only)
    out, sys.stdout = sys.stdout, sys.stderr
    job = Job(**json.load(sys.stdin))
    read, arrays_of = connect(job)
    result: dict[str, Any] = {"version": importlib.metadata.version(sys.argv[1]), "error": ""}
    began, processor = time.perf_counter(), time.process_time()
    try:
        read_rows = read()
    except Exception as error:
        read_rows, result["error"] = None, f"{type(error).__name__}: {error}"[:300]
    result["seconds"] = time.perf_counter() - began
    result["processor_seconds"] = time.process_time() - processor
    if read_rows is not None:
        for symbol, values in arrays_of(read_rows).items():
            with Path(job.folder, symbol).open("wb") as file:
                values.tofile(file)
    json.dump(result, out)
