"""The day of a log, whatever the clock of the console says."""

import pytest

from app.xxl_job.executor.log_day import day_of, days_around, today

NEW_YEAR_UTC = 1_735_689_600_000


@pytest.mark.parametrize(
    ("zone", "day"), [("UTC", "2025-01-01"), ("Asia/Shanghai", "2025-01-01"), ("America/New_York", "2024-12-31")]
)
def test_the_day_is_that_of_the_zone(zone: str, day: str) -> None:
    assert day_of(NEW_YEAR_UTC, zone) == day


@pytest.mark.parametrize(
    ("moment", "day"),
    [(0, "1970-01-01"), (-1, "1969-12-31"), (2**63 - 1, "9999-12-30"), (-(2**63), "0001-01-02")],
)
def test_times_beyond_the_calendar_are_its_ends(moment: int, day: str) -> None:
    assert day_of(moment, "UTC") == day


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Etc/GMT+12", ""])
@pytest.mark.parametrize("moment", [2**63 - 1, -(2**63)])
def test_no_zone_leads_out_of_the_calendar(zone: str, moment: int) -> None:
    assert len(day_of(moment, zone)) == 10


def test_the_nearest_days_are_looked_at_first() -> None:
    assert list(days_around("2025-01-01")) == ["2024-12-31", "2025-01-02", "2024-12-30", "2025-01-03"]


@pytest.mark.parametrize(("day", "count"), [("9999-12-31", 2), ("0001-01-01", 2)])
def test_there_is_no_day_beyond_the_calendar(day: str, count: int) -> None:
    assert len(list(days_around(day))) == count


def test_today_differs_between_the_ends_of_the_world() -> None:
    assert today("Pacific/Kiritimati") > today("Etc/GMT+12")
