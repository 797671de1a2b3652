"""One callback: what the console is told of a finished run. Pure functions."""

from typing import Final, NamedTuple

from app.jobs.record import RunRecord

LONGEST_MESSAGE: Final = 15_000
"""The console's column; counted as Java counts, in UTF-16 units."""
FAILURE_CODE: Final = 500


class Callback(NamedTuple):
    """Fixed with the outcome and identical whenever it is sent."""

    run_id: str
    log_id: int
    log_date_time: int
    code: int
    message: str


def build_callback(record: RunRecord) -> Callback:
    """Of a run whose outcome is fixed."""
    code = FAILURE_CODE if record.code is None else record.code
    return Callback(record.run_id, record.log_id, record.log_date_time, code, cut(record.message))


def cut(text: str, longest: int = LONGEST_MESSAGE) -> str:
    """At most `longest` UTF-16 units, never half a character; lone surrogates are replaced."""
    if text.isascii():
        return text[:longest]
    whole = text[:longest].encode("utf-8", "replace").decode()
    return whole.encode("utf-16-le")[: longest * 2].decode("utf-16-le", "ignore")
