"""What goes wrong in a child, as plain data and back: type, message and traceback cross, no object does."""

import sys
import traceback
from typing import Any

from app.common.redaction import text_of
from app.common.supervision import failure_of_call
from app.xxl_job.executor.isolation.frames import Frame


class RemoteTraceback(Exception):
    """Shows the traceback of another process where a cause is shown."""

    def __str__(self) -> str:
        return f'\n"""\n{self.args[0]}"""'


class RemoteFailure(Exception):
    """Something raised in a child process. Its class is named as the original and, where it can be, is a kind of it."""

    def __init__(self, message: str) -> None:
        Exception.__init__(self, message)
        self.message = message

    def __str__(self) -> str:
        return self.message


class WorkerDied(Exception):
    """The child process ended in the middle of a run."""


class WorkerUnfit(Exception):
    """The child ended before the run began in it: another one may take the run."""


def result_of(frame: Frame) -> str:
    """What the body returned, as text. Raises what it raised."""
    if frame["failure"] is not None:
        raise unpack_failure(frame["failure"])
    text: str = frame["text"]
    return text


def pack_failure(error: BaseException) -> dict[str, str]:
    kind = type(error)
    return {
        "module": kind.__module__,
        "type": kind.__qualname__,
        "message": text_of(error),
        "traceback": "".join(traceback.format_exception(error)),
    }


def unpack_failure(packed: Frame) -> RemoteFailure:
    """The failure with the child's traceback as its cause."""
    original = _find_class(packed["module"], packed["type"])
    made: list[RemoteFailure] = []
    if original is not None:
        failure_of_call(lambda: made.append(_like(packed, RemoteFailure, original)))
    failure = made[0] if made else _like(packed, RemoteFailure)
    failure.__cause__ = RemoteTraceback(packed["traceback"])
    return failure


def _like(packed: Frame, *bases: type) -> RemoteFailure:
    """An instance of a class made for it; what the original's constructor would want is never asked."""
    kind: Any = type(packed["type"].rpartition(".")[2], bases, {"__module__": packed["module"]})
    failure: RemoteFailure = kind(packed["message"])
    return failure


def _find_class(module: str, name: str) -> type[Exception] | None:
    """The class if this process has imported it already; nothing is imported for the sake of a name."""
    found: Any = sys.modules.get(module)
    for part in name.split("."):
        found = getattr(found, part, None)
    return found if isinstance(found, type) and issubclass(found, Exception) else None
