"""A run that leaves the process ends itself only.

What the handler raises, `SystemExit` too, is caught around it. A task that it started is out of reach there: asyncio
hands SystemExit and KeyboardInterrupt of any task to whoever runs the loop, and that is the process. So tasks that are
created inside a run are guarded: to who awaits them, such an exit is a failure like any other; if nobody does, it is
logged as any exception of a task that was never retrieved. Out of reach remain `os._exit`, which needs
isolation="process", and `sys.exit()` in a callback given to `loop.call_soon` or `call_later`: that ends the process,
drained, as it ends any asyncio program.
"""

import asyncio
from collections.abc import Coroutine, Generator, Iterator
from contextlib import contextmanager
from typing import Any, cast

from app.common.context import run_var
from app.common.errors import AppError


@contextmanager
def exits_contained(loop: asyncio.AbstractEventLoop) -> Iterator[None]:
    """While open, no task that a run creates on `loop` can end the process."""
    former = loop.get_task_factory()

    def create(
        loop: asyncio.AbstractEventLoop,
        coroutine: Coroutine[Any, Any, Any] | Generator[Any, None, Any],
        **options: Any,
    ) -> asyncio.Future[Any]:
        guarded = coroutine if run_var.get() is None else _Guarded(coroutine)
        return asyncio.Task(guarded, loop=loop, **options) if former is None else former(loop, guarded, **options)

    loop.set_task_factory(create)
    try:
        yield
    finally:
        loop.set_task_factory(former)


class _Guarded(Coroutine[Any, Any, Any]):
    """The coroutine itself, step by step: a wrapping one that is cancelled before its start would never await it."""

    def __init__(self, work: Any) -> None:
        self._work = work

    def send(self, value: Any, /) -> Any:
        try:
            return self._work.send(value)
        except (SystemExit, KeyboardInterrupt) as error:
            raise _failure_of(error) from error

    def throw(self, *error: Any) -> Any:
        try:
            return self._work.throw(*error)
        except (SystemExit, KeyboardInterrupt) as left:
            raise _failure_of(left) from left

    def close(self) -> None:
        self._work.close()

    def __await__(self) -> Generator[Any, None, Any]:
        return cast("Generator[Any, None, Any]", self._work.__await__())

    def __getattr__(self, name: str) -> Any:
        return getattr(self._work, name)


def _failure_of(error: BaseException) -> AppError:
    return AppError(f"a task of the job raised {type(error).__name__}: {error}")
