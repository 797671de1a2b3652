"""Who has registered: executors say so every 30 seconds, and are taken for gone after 90."""

from dataclasses import replace
from typing import Final

from app.common.errors import ConflictError
from app.scheduler.identifiers import Clock
from app.scheduler.models import Registration

DEAD_AFTER_SECONDS: Final = 90
MAX_REGISTRATIONS: Final = 1000


class ExecutorRegistry:
    """The registered addresses, in memory: after a restart of the console the executors register again."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._known: dict[tuple[str, str], Registration] = {}

    def register(self, app_name: str, address: str) -> bool:
        """Notes that the executor is alive; says whether it is new. Raises ConflictError when there are too many."""
        self._forget_the_dead()
        key = (app_name, address.rstrip("/"))
        former = self._known.get(key)
        if former is None and len(self._known) >= MAX_REGISTRATIONS:
            raise ConflictError("too many executors are registered")
        seen = former or Registration(*key, seen_at=0)
        self._known[key] = replace(seen, seen_at=self._clock())
        return former is None

    def remove(self, app_name: str, address: str) -> None:
        self._known.pop((app_name, address.rstrip("/")), None)

    def list_alive(self, app_name: str | None = None) -> list[Registration]:
        """Those heard of within the last 90 seconds, in the order in which they came; of one name, or of all."""
        self._forget_the_dead()
        return [found for found in self._known.values() if app_name in {None, found.app_name}]

    def _forget_the_dead(self) -> None:
        oldest = self._clock() - DEAD_AFTER_SECONDS
        self._known = {key: found for key, found in self._known.items() if found.seen_at >= oldest}
