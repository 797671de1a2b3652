"""The border where a failure becomes a value."""

import asyncio

import pytest

from app.common.supervision import failure_of, failure_of_call


async def test_a_failure_of_awaited_work_is_returned() -> None:
    async def fail() -> None:
        raise LookupError("gone")

    assert repr(await failure_of(fail())) == "LookupError('gone')"
    assert await failure_of(asyncio.sleep(0)) is None


async def test_cancellation_passes_through() -> None:
    async def cancelled() -> None:
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await failure_of(cancelled())


def test_a_failure_of_a_call_is_returned() -> None:
    assert isinstance(failure_of_call(lambda: 1 / 0), ZeroDivisionError)
    assert failure_of_call(lambda: 1) is None


def test_the_wish_to_exit_passes_through() -> None:
    def leave() -> None:
        raise SystemExit(3)

    with pytest.raises(SystemExit):
        failure_of_call(leave)
