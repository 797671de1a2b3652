"""Finds out who holds the interpreter: C code that doesn't let go of the GIL stops every thread, this executor's too.

While that lasts no Python code runs, so nothing here could look. `faulthandler`'s own thread needs no GIL: it writes
the stacks of all threads to a file whenever it was not put off in time. Afterwards the file says who was where.

Two things that look alike are told apart. A process that stood still as a whole (SIGSTOP, a sleeping laptop, a paused
container) held nothing: faulthandler's thread stood still too, and wrote at most once in all that time. And where
Python code only was slow or crowded, something moved between two dumps; while the GIL is held nothing moves.

A process has one `faulthandler.dump_traceback_later`: a job that calls it itself switches this watch off until the
next beat. Stacks are read without the GIL, which is safe while it is held: so the first is taken late, not at once.
"""

import faulthandler
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO, Final

from app.common.logger import log
from app.common.metrics import GIL_HELD
from app.jobs.executions import Execution
from app.xxl_job.executor.thread_dump import ThreadStack, parse_dumps

HELD_SECONDS: Final = 2.0
"""Shorter holds are not told; the console waits 3 s for an answer."""
_LEAST_DUMPS: Final = 2
_NOBODY: Final = "-"

Executing = Callable[[float], list[Execution]]
"""The runs that are being executed, or were after a moment: who held the GIL may be done before anybody can look."""


class GilWatch:
    """Told by `beat` that Python code runs; tells the log and the metrics when it didn't, and because of whom."""

    def __init__(
        self,
        executing: Executing,
        dumps: IO[bytes],
        *,
        held_seconds: float = HELD_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._executing = executing
        self._file = dumps
        self._dump_seconds = held_seconds / _LEAST_DUMPS
        self._clock = clock
        self._last = clock()

    @property
    def beat_seconds(self) -> float:
        """How often `beat` is to be called."""
        return self._dump_seconds / 4

    def arm(self) -> None:
        """The stacks are written unless this is called again in time."""
        self._last = self._clock()
        faulthandler.dump_traceback_later(self._dump_seconds, repeat=True, file=self._file.fileno())

    def beat(self) -> None:
        """Python code runs. To be called every `beat_seconds` by a thread that does nothing else."""
        faulthandler.cancel_dump_traceback_later()
        held, text = self._clock() - self._last, self._take_dumps()
        if text:
            self.judge(held, text)
        self.arm()

    def judge(self, held_seconds: float, text: str) -> None:
        """What the stacks say of the time that nothing ran."""
        dumps = parse_dumps(text)
        alike = sum(dump == dumps[-1] for dump in dumps)
        if alike < max(_LEAST_DUMPS, held_seconds / self._dump_seconds / 2):
            return
        stood = dumps[-1]
        suspects = _suspects(stood, self._executing(self._last + self._dump_seconds))
        for run, stack in suspects:
            GIL_HELD.inc(handler=run.handler)
            log.bind(
                job=run.handler,
                job_id=run.job_id,
                log_id=run.log_id,
                trace=run.trace_id,
                held_seconds=round(held_seconds, 1),
                among=len(suspects),
                stack=stack.text,
            ).error('a call held the interpreter and everything in this process: the job needs isolation="process"')
        if not suspects:
            GIL_HELD.inc(handler=_NOBODY)
            stacks = "; ".join(stack.text for stack in stood)
            log.bind(held_seconds=round(held_seconds, 1), stacks=stacks).error(
                "a call held the interpreter, and it was no job's"
            )

    def _take_dumps(self) -> str:
        self._file.seek(0)
        text = self._file.read().decode("utf-8", "replace")
        self._file.seek(0)
        self._file.truncate()
        return text


def _suspects(stood: list[ThreadStack], executions: list[Execution]) -> list[tuple[Execution, ThreadStack]]:
    """The runs whose function was being executed, by their threads' stacks. Who holds the GIL is one of them."""
    return [
        (run, stack)
        for run in executions
        for stack in stood
        if stack.thread_id == run.thread_id and stack.is_inside(run.function)
    ]


@contextmanager
def watching_the_gil(executing: Executing, *, held_seconds: float = HELD_SECONDS) -> Iterator[GilWatch]:
    """Watches in a thread of its own until the block ends: what only needs the GIL misses nothing else."""
    over = threading.Event()
    with tempfile.TemporaryFile() as dumps:
        watch = GilWatch(executing, dumps, held_seconds=held_seconds)
        thread = threading.Thread(target=_beat_until, args=(watch, over), name="gil-watch", daemon=True)
        watch.arm()
        thread.start()
        try:
            yield watch
        finally:
            over.set()
            thread.join()
            faulthandler.cancel_dump_traceback_later()


def _beat_until(watch: GilWatch, over: threading.Event) -> None:
    while not over.wait(watch.beat_seconds):
        watch.beat()
