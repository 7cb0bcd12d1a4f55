"""Who sends the requests of one fetch: some threads, or the calling thread itself."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Any, Generic, Protocol, TypeVar

J = TypeVar("J")


@dataclass(frozen=True, slots=True)
class JobResult(Generic[J]):
    """A job that was done: what came of it, or the error it ended with."""

    job: J
    payload: Any
    error: BaseException | None = None


class Executor(Protocol[J]):
    """Does jobs for a fetch.

    Attributes:
        size: Jobs it does at once, at most.
        busy: Jobs given to it that have not been handed back.
    """

    size: int
    busy: int

    def submit(self, job: J) -> None:
        """Have a job done; there has to be a free hand for it."""
        ...

    def next_done(self, seconds: float) -> JobResult[J] | None:
        """The next job that was done, None where none is within so many seconds."""
        ...


class InlineExecutor(Generic[J]):
    """The calling thread does one job at a time, when it asks what came of it."""

    size = 1

    def __init__(self, work: Callable[[J], Any]) -> None:
        self.busy = 0
        self._work = work
        self._jobs: deque[J] = deque()

    def submit(self, job: J) -> None:
        """Keep a job until `next_done`."""
        self._jobs.append(job)
        self.busy += 1

    def next_done(self, seconds: float) -> JobResult[J] | None:
        """Do the job; not when only what is done already was asked for."""
        if not seconds or not self._jobs:
            return None
        job = self._jobs.popleft()
        try:
            return JobResult(job, self._work(job))
        except Exception as error:  # noqa: BLE001 - raised again, when its turn comes
            return JobResult(job, None, error)
        finally:
            self.busy -= 1


class ThreadExecutor(Generic[J]):
    """Threads that do jobs side by side, started when they are needed and ended with the fetch.

    Where the system starts no more of them, those that are there do it all; where there is none, the
    calling thread does, when it asks what came of it.

    Args:
        size: How many there are at most.
        work: Does one job.
    """

    def __init__(self, size: int, work: Callable[[J], Any]) -> None:
        self.size = size
        self.busy = 0
        self.threads: list[threading.Thread] = []
        self._work = work
        self._jobs: SimpleQueue[J | None] = SimpleQueue()
        self._results: SimpleQueue[JobResult[J]] = SimpleQueue()

    def submit(self, job: J) -> None:
        """Have a job done."""
        self.busy += 1
        if len(self.threads) < min(self.busy, self.size):
            self._start()
        self._jobs.put(job)

    def _start(self) -> None:
        # They do not keep the interpreter from ending.
        thread = threading.Thread(target=self._run, name="fetch", daemon=True)
        self.threads.append(thread)
        try:
            thread.start()
        except (RuntimeError, MemoryError):  # too many of them, or no room for its stack
            self.threads.remove(thread)
            self.size = max(1, len(self.threads))

    def next_done(self, seconds: float) -> JobResult[J] | None:
        """The next job that was done."""
        if seconds and self.busy and not self.threads:
            self._run_here()
        try:
            result = self._results.get(timeout=seconds) if seconds else self._results.get_nowait()
        except Empty:
            return None
        self.busy -= 1
        return result

    def close(self) -> None:
        """Give out no more jobs: each thread ends with the one it has."""
        for _ in self.threads:
            self._jobs.put(None)

    def wait_closed(self, seconds: float) -> bool:
        """Whether all threads have ended, after so many seconds at most."""
        until = time.monotonic() + seconds
        for thread in self.threads:
            if thread.ident is not None:  # else an interrupt came before it was started
                thread.join(max(0.0, until - time.monotonic()))
        return not any(thread.is_alive() for thread in self.threads)

    def _run(self) -> None:
        while (job := self._jobs.get()) is not None:
            try:
                result = JobResult(job, self._work(job))
            except BaseException as error:  # noqa: BLE001 - raised again in the calling thread
                result = JobResult(job, None, error)
            self._results.put(result)
            del job, result  # an idle thread keeps no answer alive

    def _run_here(self) -> None:
        """Do a job in the calling thread; an interrupt leaves at once."""
        job = self._jobs.get()
        if job is None:
            return
        try:
            self._results.put(JobResult(job, self._work(job)))
        except Exception as error:  # noqa: BLE001 - raised again, when its turn comes
            self._results.put(JobResult(job, None, error))
