"""The border where a failure of somebody else's code becomes a value: the only place that catches everything."""

from collections.abc import Awaitable, Callable


async def failure_of(work: Awaitable[object]) -> Exception | None:
    """Awaits `work` and returns its exception, or None. Cancellation passes through."""
    try:
        await work
    except Exception as error:  # noqa: BLE001 - the border: the caller reports it
        return error
    return None


def failure_of_call(work: Callable[[], object]) -> Exception | None:
    """Calls `work` and returns its exception, or None. SystemExit and KeyboardInterrupt pass through."""
    try:
        work()
    except Exception as error:  # noqa: BLE001 - the border: the caller reports it
        return error
    return None


def ending_of_call(work: Callable[[], object]) -> BaseException | None:
    """`failure_of_call` for what runs around somebody else's code that may even leave the process."""
    try:
        work()
    except BaseException as error:  # noqa: BLE001 - the border: the caller reports it
        return error
    return None
