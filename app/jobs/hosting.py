"""What a process that runs jobs changes about itself; everything is put back."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from app.jobs.exits import exits_contained
from app.jobs.printed import prints_copied
from app.jobs.threads import context_follows_threads


@contextmanager
def hosting_runs(loop: asyncio.AbstractEventLoop) -> Iterator[None]:
    """While open: printed text reaches job logs, threads that runs start belong to them, and no run's task on `loop`
    can end the process."""
    with prints_copied(), context_follows_threads(), exits_contained(loop):
        yield
