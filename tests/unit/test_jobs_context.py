"""What a handler holds."""

import dataclasses
from typing import Any

import pytest

from app.jobs import JobContext


def context() -> JobContext:
    nothing: Any = object()
    return JobContext(
        job_id=4, log_id=7, handler="it", param="p", args=None, shard_index=0, shard_total=1, deadline=None, attempt=1,
        trace_id="xxl-app-7", log=nothing, snapshot=nothing, runtime=nothing,
    )  # fmt: skip


def test_a_context_is_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        context().param = "other"  # type: ignore[misc]


def test_stopping_is_asked_through_it() -> None:
    ctx = context()
    assert not ctx.should_stop()
    ctx.stop_event.set()
    assert ctx.should_stop()


def test_its_text_shows_no_settings_and_no_runtime() -> None:
    assert "object" not in repr(context())
