"""Executors that send the requests of one fetch: in threads, or in the calling thread."""

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
    """The result of a job, or the error that it raised."""

    job: J
    payload: Any
    error: BaseException | None = None


class Executor(Protocol[J]):
    """Runs the jobs of a fetch.

    Attributes:
        size: Maximum number of jobs at the same time.
        busy: Number of jobs submitted and not yet returned.
    """

    size: int
    busy: int

    def submit(self, job: J) -> None:
        """Submit a job; fewer than `size` may be busy."""
        ...

    def next_done(self, seconds: float) -> JobResult[J] | None:
        """Return the next finished job, None if there is none within so many seconds."""
        ...


class InlineExecutor(Generic[J]):
    """Runs one job at a time in the calling thread, when its result is requested."""

    size = 1

    def __init__(self, work: Callable[[J], Any]) -> None:
        self.busy = 0
        self._work = work
        self._jobs: deque[J] = deque()

    def submit(self, job: J) -> None:
        """Keep the job for `next_done`."""
        self._jobs.append(job)
        self.busy += 1

    def next_done(self, seconds: float) -> JobResult[J] | None:
        """Run the job, unless only a finished one was asked for (`seconds` is 0)."""
        if not seconds or not self._jobs:
            return None
        job = self._jobs.popleft()
        try:
            return JobResult(job, self._work(job))
        except Exception as error:  # noqa: BLE001 - raised later, in order
            return JobResult(job, None, error)
        finally:
            self.busy -= 1


class ThreadExecutor(Generic[J]):
    """Runs jobs in threads, which are started when needed and end with the fetch.

    If the system refuses to start more threads, the existing ones do all the work; if there are none, the
    calling thread does it in `next_done`.

    Args:
        size: Maximum number of threads.
        work: Runs one job.
    """

    def __init__(self, size: int, work: Callable[[J], Any]) -> None:
        self.size = size
        self.busy = 0
        self.threads: list[threading.Thread] = []
        self._work = work
        self._jobs: SimpleQueue[J | None] = SimpleQueue()
        self._results: SimpleQueue[JobResult[J]] = SimpleQueue()

    def submit(self, job: J) -> None:
        """Submit a job."""
        self.busy += 1
        if len(self.threads) < min(self.busy, self.size):
            self._start()
        self._jobs.put(job)

    def _start(self) -> None:
        # Daemon threads do not keep the interpreter from exiting.
        thread = threading.Thread(target=self._run, name="fetch", daemon=True)
        self.threads.append(thread)
        try:
            thread.start()
        except (RuntimeError, MemoryError):  # too many threads, or no memory for the stack
            self.threads.remove(thread)
            self.size = max(1, len(self.threads))

    def next_done(self, seconds: float) -> JobResult[J] | None:
        """Return the next finished job."""
        if seconds and self.busy and not self.threads:
            self._run_here()
        try:
            result = self._results.get(timeout=seconds) if seconds else self._results.get_nowait()
        except Empty:
            return None
        self.busy -= 1
        return result

    def close(self) -> None:
        """Stop: each thread ends after its present job."""
        for _ in self.threads:
            self._jobs.put(None)

    def wait_closed(self, seconds: float) -> bool:
        """Wait up to so many seconds; return whether all threads have ended."""
        until = time.monotonic() + seconds
        for thread in self.threads:
            if thread.ident is not None:  # otherwise it was interrupted before its start
                thread.join(max(0.0, until - time.monotonic()))
        return not any(thread.is_alive() for thread in self.threads)

    def _run(self) -> None:
        while (job := self._jobs.get()) is not None:
            try:
                result = JobResult(job, self._work(job))
            except BaseException as error:  # noqa: BLE001 - raised again in the calling thread
                result = JobResult(job, None, error)
            self._results.put(result)
            del job, result  # an idle thread keeps no response alive

    def _run_here(self) -> None:
        """Run a job in the calling thread; an interrupt is raised at once."""
        job = self._jobs.get()
        if job is None:
            return
        try:
            self._results.put(JobResult(job, self._work(job)))
        except Exception as error:  # noqa: BLE001 - raised later, in order
            self._results.put(JobResult(job, None, error))
