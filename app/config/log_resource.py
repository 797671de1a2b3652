"""The `log` section as a live resource: levels, format and sinks follow the settings."""

from dataclasses import replace

from app.common.logger import LogHandle, LogOptions
from app.config.resource import Health
from app.config.settings import LogSettings


class LogResource:
    """Applies `log` to the process's log handle; the handle itself belongs to who configured it."""

    name = "log"
    section = "log"

    def __init__(self, handle: LogHandle, options: LogOptions) -> None:
        self._handle = handle
        self._options = options

    async def prepare(self, new: LogSettings, old: LogSettings | None) -> LogOptions:
        return replace(
            self._options,
            level=new.level,
            levels=dict(new.levels),
            format=new.format,
            console=new.console,
            file=new.file,
            retention_days=new.retention_days,
        )

    def commit(self, value: LogOptions) -> None:
        self._handle.update(value)

    async def settle(self, old: LogOptions | None) -> None:
        return None

    async def discard(self, value: LogOptions) -> None:
        return None

    async def check(self) -> Health:
        return Health(up=True, details={"lines_dropped": self._handle.lines_dropped})
