"""Where the SDK's log lines go: a logger of their own, redacted, short, and rarely."""

import logging
import time
from typing import Final

from app.common.redaction import redact

_PAUSE_SECONDS: Final = 60.0
_MAX_CHARACTERS: Final = 300


class _Tamed(logging.Filter):
    """One record a minute from each line of code: in an outage the SDK says the same hundred times a minute.

    Its lines hold whole requests, with token and document.
    """

    def __init__(self) -> None:
        super().__init__()
        self._last: dict[tuple[str, int], float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        place, now = (record.pathname, record.lineno), time.monotonic()
        if now - self._last.get(place, -_PAUSE_SECONDS) < _PAUSE_SECONDS:
            return False
        self._last[place] = now
        record.msg, record.args = redact(record.getMessage())[:_MAX_CHARACTERS], None
        return True


_tamed: Final = _Tamed()


def sdk_logger() -> logging.Logger:
    """The standard logger `nacos.sdk`; nothing below WARNING, where payloads are."""
    logger = logging.getLogger("nacos.sdk")
    if _tamed not in logger.filters:
        logger.addFilter(_tamed)
        logger.setLevel(logging.WARNING)
    return logger
