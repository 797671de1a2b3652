"""Context variables: the trace id, the pinned snapshot, the current run. Set by the edges, reset by token."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import Context, ContextVar, Token, copy_context
from typing import Any, Final

NO_TRACE: Final = "-"

trace_id_var: ContextVar[str] = ContextVar("trace_id", default=NO_TRACE)
pinned_snapshot_var: ContextVar[Any] = ContextVar("pinned_snapshot", default=None)
"""The `Snapshot` that the current request or run sees. Typed where it is read: `app.config.live`."""
run_var: ContextVar[Any] = ContextVar("run", default=None)
"""The current `JobContext`. Typed where it is read: `app.jobs.context`."""


def get_trace_id() -> str:
    """The trace id of the current request or run, `-` outside of one."""
    return trace_id_var.get()


@contextmanager
def bound(trace_id: str, *, snapshot: object | None = None, run: object | None = None) -> Iterator[None]:
    """Binds trace id, snapshot and run for the block, and puts the former values back after it."""
    tokens: list[tuple[ContextVar[Any], Token[Any]]] = [
        (trace_id_var, trace_id_var.set(trace_id)),
        (pinned_snapshot_var, pinned_snapshot_var.set(snapshot)),
        (run_var, run_var.set(run)),
    ]
    try:
        yield
    finally:
        for variable, token in reversed(tokens):
            variable.reset(token)


def unpinned_context() -> Context:
    """For a task that outlives the request or run: its trace id stays, its snapshot and its run don't."""
    context = copy_context()
    context.run(pinned_snapshot_var.set, None)
    context.run(run_var.set, None)
    return context


def start_apart(thread: threading.Thread) -> None:
    """Starts a thread that outlives the request or run, with nothing of its context: not its trace, nor its log."""
    Context().run(thread.start)
