"""LiveSettings: takes texts, applies them whole or refuses them whole."""

from typing import Any

from app.common.errors import Unavailable
from app.config.resource import Health, Refused, Resource
from app.config.snapshot import LiveState, Settings, Snapshot, section, settings, snapshot

__all__ = ["Health", "LiveSettings", "LiveState", "Refused", "Resource", "Settings", "Snapshot", "section", "settings",
           "snapshot"]  # fmt: skip


class LiveSettings:
    """The process's settings and resources."""

    def __init__(self) -> None:
        self._state: LiveState | None = None

    @property
    def state(self) -> LiveState:
        """The current snapshot and values; read by reference from any thread."""
        if self._state is None:
            raise Unavailable("the settings are not loaded yet")
        return self._state

    def value(self, name: str) -> Any:
        """The current value of a resource. Raises Unavailable at once, naming it, when it isn't connected."""
        try:
            return self.state.values[name]
        except KeyError:
            raise Unavailable(f"{name} is not available") from None
