"""What happens to the settings is told."""

import pytest

from app.common.metrics import SETTINGS_APPLIES, SETTINGS_FROM_LAST_GOOD
from app.config.sources.base import Trigger
from support.settings import build_desk, documents

GOOD, BAD = "orders: {limit: 1}\n", "server: [\n"


async def test_every_apply_is_counted_by_its_outcome() -> None:
    desk = build_desk(GOOD)
    outcomes = ("applied", "unchanged", "refused")
    before = [SETTINGS_APPLIES.value(outcome=outcome) for outcome in outcomes]
    await desk.live.start()
    for text in (GOOD, BAD, BAD):
        await desk.apply(text)
    await desk.live.close()
    counted = [SETTINGS_APPLIES.value(outcome=outcome) for outcome in outcomes]
    assert [now - then for now, then in zip(counted, before, strict=True)] == [1, 1, 2]


async def test_a_metric_shows_that_the_last_good_settings_serve() -> None:
    desk = build_desk()
    desk.source.start_from_last_good(GOOD)
    await desk.live.start()
    while_away = SETTINGS_FROM_LAST_GOOD.value()
    await desk.apply(GOOD)
    await desk.live.close()
    assert (while_away, SETTINGS_FROM_LAST_GOOD.value()) == (1, 0)


async def test_a_hint_is_logged_once(capsys: pytest.CaptureFixture[str]) -> None:
    desk = build_desk("sever: {}\n")
    await desk.live.start()
    desk.source.publish("sever: {}\norders: {limit: 2}\n")
    await desk.live.pull(Trigger.REFRESH)
    await desk.live.close()
    assert capsys.readouterr().err.count("settings key is not known") == 1


async def test_a_refused_first_text_is_in_the_log_the_history_and_before_the_start() -> None:
    desk = build_desk(BAD)
    desk.source.remembered.append(documents(GOOD))
    await desk.live.start()
    await desk.live.close()
    told = [(result.outcome, result.from_last_good) for result in desk.observer.results]
    assert told == [("refused", False), ("applied", True)]
    assert [entry.outcome for entry in desk.live.reports.history] == ["applied", "refused"]
