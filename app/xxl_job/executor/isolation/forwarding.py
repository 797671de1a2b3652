"""A child's logging: every line, stdlib's too, goes to the executor, which writes it."""

from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from app.common.log_intercept import Interception
from app.common.log_options import LevelTable
from app.common.logger import log
from app.config.resource import Health
from app.config.settings import LogSettings
from app.xxl_job.executor.isolation.log_lines import pack_line

if TYPE_CHECKING:
    from loguru import Message, Record

Send = Callable[..., None]
"""Takes one frame or several."""


class Forwarding:
    """The section `log` as a live resource of the child: only levels concern it."""

    name = "log"
    section = "log"

    def __init__(self, send: Send) -> None:
        """Takes loguru and stdlib logging over, for the rest of the process."""
        self._send = send
        self._levels = LevelTable("INFO", {})
        self._interception = Interception(self._levels)
        log.remove()
        log.add(
            self._sink,
            level="TRACE",
            format=lambda _: "{exception}",
            filter=self._passes,
            backtrace=False,
            diagnose=False,
        )

    async def prepare(self, new: LogSettings, old: LogSettings | None) -> LevelTable:
        return LevelTable(new.level, new.levels)

    def commit(self, value: LevelTable) -> None:
        self._levels = value
        self._interception.apply(value)

    async def settle(self, old: LevelTable | None) -> None:
        return None

    async def discard(self, value: LevelTable) -> None:
        return None

    async def check(self) -> Health:
        return Health(up=True)

    def _passes(self, record: "Record") -> bool:
        name = record["extra"].get("logger") or record["name"] or ""
        return record["level"].no >= self._levels.number(str(name))

    def _sink(self, message: "Message") -> None:
        with suppress(OSError):  # the parent is gone, and this process is about to be
            self._send(pack_line(message))
