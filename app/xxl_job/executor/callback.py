"""One callback: what the console is told of a finished run. Pure functions."""

from dataclasses import dataclass
from typing import Any, Final

from app.jobs.record import RunRecord

LONGEST_MESSAGE: Final = 15_000
"""The console's column; counted as Java counts, in UTF-16 units."""


@dataclass(frozen=True)
class Callback:
    """Fixed with the outcome and identical whenever it is sent."""

    run_id: str
    log_id: int
    log_date_time: int
    code: int
    message: str

    def as_json(self) -> dict[str, Any]:
        """With the fields of 2.3 and later, and those of 2.2."""
        return {
            "logId": self.log_id,
            "logDateTim": self.log_date_time,
            "handleCode": self.code,
            "handleMsg": self.message,
            "executeResult": {"code": self.code, "msg": self.message},
        }


def build_callback(record: RunRecord, code: int, message: str) -> Callback:
    return Callback(record.run_id, record.log_id, record.log_date_time, code, cut(message))


def cut(text: str, longest: int = LONGEST_MESSAGE) -> str:
    """At most `longest` UTF-16 units, never half a character; lone surrogates are replaced."""
    whole = text.encode("utf-8", "replace").decode()
    return whole.encode("utf-16-le")[: longest * 2].decode("utf-16-le", "ignore")
