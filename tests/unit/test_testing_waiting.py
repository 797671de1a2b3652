"""Waiting ends when it is true, or says that it never was."""

import pytest

from app.testing.waiting import until


async def test_what_came_true_is_returned() -> None:
    values = iter([None, 0, "", "there"])
    assert await until(lambda: next(values)) == "there"


async def test_waiting_in_vain_is_said() -> None:
    with pytest.raises(AssertionError, match=r"not within 0\.02 s"):
        await until(lambda: False, seconds=0.02)
