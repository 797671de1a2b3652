"""Threads that a run starts belong to it: its trace, its snapshot and its log follow them.

Context variables follow tasks and `asyncio.to_thread` by themselves; `threading.Thread` and the pool of
`ThreadPoolExecutor` start with nothing (until Python 3.14). A library's line written in such a thread would have no
trace id and be in no job log, and its settings would not be the run's. So, while a process hosts runs, two methods of
the standard library are wrapped, here and nowhere else, and put back at the end:

- `Thread.start` inside a run: the thread begins with a copy of the run's context.
- `ThreadPoolExecutor.submit` inside a run: the call sees a copy of it. The pool's thread itself doesn't: it outlives
  the run and works for others.

Outside of runs both do what they always did. A library that starts its own lasting thread at first use, and is first
used inside a run, keeps that run's context in it: such a library is better opened with the Runtime.
"""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import Context, copy_context
from typing import Any, cast

from app.common.context import run_var


@contextmanager
def context_follows_threads() -> Iterator[None]:
    """While open, what a run starts in threads is part of the run."""
    thread_class, pool_class = cast("Any", threading.Thread), cast("Any", ThreadPoolExecutor)
    start, submit = thread_class.start, pool_class.submit

    def start_inside(thread: threading.Thread) -> None:
        if run_var.get() is not None:
            _take_along(thread)
        start(thread)

    def submit_inside(pool: ThreadPoolExecutor, /, *call: Any, **options: Any) -> Any:
        if run_var.get() is None:
            return submit(pool, *call, **options)
        return Context().run(submit, pool, copy_context().run, *call, **options)

    thread_class.start, pool_class.submit = start_inside, submit_inside
    try:
        yield
    finally:
        thread_class.start, pool_class.submit = start, submit


def _take_along(thread: threading.Thread) -> None:
    context, run = copy_context(), thread.run

    def run_inside() -> None:
        vars(thread).pop("run", None)
        context.run(run)

    vars(thread)["run"] = run_inside
