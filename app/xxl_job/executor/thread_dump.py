"""What faulthandler writes, read back."""

import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

_THREAD: Final = re.compile(r"(?:Current t|T)hread 0x([0-9a-f]+).*")
_FRAME: Final = re.compile(r'\s+File "(.*)", line (\d+|\?\?\?) in (.*)')
_TIMEOUT: Final = re.compile(r"Timeout \(.*\)!")
_SHOWN_FRAMES: Final = 8


@dataclass(frozen=True)
class ThreadStack:
    """Where one thread was: file, line and function of each frame, innermost first."""

    thread_id: int
    frames: tuple[tuple[str, str, str], ...]

    @property
    def text(self) -> str:
        """For a log line."""
        return " < ".join(f"{file}:{line} {function}" for file, line, function in self.frames[:_SHOWN_FRAMES])

    def is_inside(self, function: Callable[..., Any]) -> bool:
        """Whether the function's own code is among the frames."""
        code = getattr(inspect.unwrap(function), "__code__", None)
        return code is not None and any(
            (file, name) == (code.co_filename, code.co_name) for file, _, name in self.frames
        )


def parse_dumps(text: str) -> list[list[ThreadStack]]:
    """The dumps in the order they were written, each with its threads; what is cut or unknown is passed over."""
    dumps: list[list[ThreadStack]] = []
    for line in text.splitlines():
        if _TIMEOUT.fullmatch(line):
            dumps.append([])
        elif dumps and (thread := _THREAD.fullmatch(line)):
            dumps[-1].append(ThreadStack(int(thread[1], 16), ()))
        elif dumps and dumps[-1] and (frame := _FRAME.fullmatch(line)):
            former = dumps[-1].pop()
            dumps[-1].append(ThreadStack(former.thread_id, (*former.frames, (frame[1], frame[2], frame[3]))))
    return dumps
