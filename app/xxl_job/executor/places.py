"""The places for runs: so many at once in all, and so many of one handler. No step looks at all who wait."""

from collections import OrderedDict, deque
from collections.abc import Callable, Iterator

from app.config.settings import XxlJobSettings
from app.jobs.run import Run

_Line = OrderedDict[Run, None]


class Places:
    """Who has a place, who waits for one. A handler at its own limit holds up nobody else.

    A run first gets its handler's place, then stands in the common line; who comes first is served first in both.
    """

    def __init__(self, limits: Callable[[], XxlJobSettings]) -> None:
        self._read_limits = limits
        self._limits = limits()
        self._active: set[Run] = set()
        self._line: _Line = OrderedDict()
        self._lines: dict[str, _Line] = {}
        self._taken: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._active)

    @property
    def waiting(self) -> int:
        return len(self._line) + sum(map(len, self._lines.values()))

    def is_waiting(self, run: Run) -> bool:
        return run in self._line or run in self._lines.get(run.definition.name, ())

    def enter(self, run: Run) -> None:
        """The run wants a place; `take` says when it has one."""
        name = run.definition.name
        if name in self._lines or not self._has_room(run):
            self._lines.setdefault(name, OrderedDict())[run] = None
        else:
            self._reserve(run)

    def take(self) -> Iterator[Run]:
        """Those that have a place now and may start."""
        self._follow_settings()
        while self._line and len(self._active) < self._limits.max_concurrent_runs:
            run, _ = self._line.popitem(last=False)
            self._active.add(run)
            yield run

    def leave(self, run: Run) -> bool:
        """Gives up the place, or the wait for one. Returns whether it was waiting: then it has never been started."""
        name = run.definition.name
        own_line = self._lines.get(name)
        if own_line is not None and run in own_line:
            del own_line[run]
            if not own_line:
                del self._lines[name]
            return True
        waited = run in self._line
        if waited:
            del self._line[run]
        elif run in self._active:
            self._active.remove(run)
        else:
            return False
        self._release(name)
        return waited

    def _has_room(self, run: Run) -> bool:
        cap = self._cap_of(run)
        return cap is None or self._taken.get(run.definition.name, 0) < cap

    def _cap_of(self, run: Run) -> int | None:
        definition = run.definition
        return self._limits.job_limits.get(definition.name, definition.options.max_concurrent)

    def _reserve(self, run: Run) -> None:
        name = run.definition.name
        self._taken[name] = self._taken.get(name, 0) + 1
        self._line[run] = None

    def _release(self, name: str) -> None:
        self._taken[name] -= 1
        if not self._taken[name]:
            del self._taken[name]
        self._promote(name)

    def _promote(self, name: str) -> None:
        line = self._lines.get(name)
        while line and self._has_room(next(iter(line))):
            run, _ = line.popitem(last=False)
            self._reserve(run)
        if line is not None and not line:
            del self._lines[name]

    def _follow_settings(self) -> None:
        limits = self._read_limits()
        if limits is not self._limits:
            self._limits = limits
            deque(map(self._promote, list(self._lines)), maxlen=0)
