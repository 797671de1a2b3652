"""Which day a job log belongs to: the trigger's, in the zone of the settings."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

_FIRST_MS: Final = -62_135_510_400_000
"""The second day of year 1 and, below, the last but one of year 9999: a zone's width within the calendar."""
_LAST_MS: Final = 253_402_128_000_000
_NEIGHBOURS: Final = (-1, 1, -2, 2)


def day_of(log_date_time: int, zone: str) -> str:
    """`2025-01-31`; an empty `zone` is the machine's. Dates beyond the calendar are its ends."""
    return _day_of_second(min(max(log_date_time, _FIRST_MS), _LAST_MS) // 1000, zone)


def days_around(day: str) -> Iterator[str]:
    """Where a log may stand that was written under another zone, or whose time the console's database rounded."""
    for step in _NEIGHBOURS:
        try:
            yield (date.fromisoformat(day) + timedelta(days=step)).isoformat()
        except OverflowError:
            continue


def today(zone: str) -> date:
    return datetime.now(UTC).astimezone(ZoneInfo(zone) if zone else None).date()


@lru_cache(maxsize=256)
def _day_of_second(second: int, zone: str) -> str:
    moment = datetime.fromtimestamp(second, UTC).astimezone(ZoneInfo(zone) if zone else None)
    return moment.date().isoformat()
