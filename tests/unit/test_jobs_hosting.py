"""A process that hosts runs is afterwards what it was."""

import asyncio
import sys
import threading

from app.jobs.hosting import hosting_runs


async def test_everything_is_put_back() -> None:
    loop = asyncio.get_running_loop()

    def changed() -> tuple[object, ...]:
        return sys.stdout, sys.stderr, threading.Thread.start, loop.get_task_factory()

    former = changed()
    with hosting_runs(loop):
        assert not any(now is then for now, then in zip(changed(), former, strict=True))
    assert changed() == former
