"""The job that refreshes the settings in the executor."""

from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from app.common.errors import SettingsRefused, SourceUnavailable
from app.jobs import JobContext
from app.xxl_job.tasks.config_task import refresh_nacos_config_task
from support.settings import Desk, build_desk


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    opened = build_desk("orders: {limit: 1}\n")
    await opened.live.start()
    yield opened
    await opened.live.close()


def context(desk: Desk) -> JobContext:
    parts: Any = SimpleNamespace(runtime=SimpleNamespace(settings=desk.live))
    return cast("JobContext", parts)


async def test_it_tells_revision_and_changed_paths(desk: Desk) -> None:
    desk.source.publish("orders: {limit: 2}\n")
    result = await refresh_nacos_config_task(context(desk))

    assert result == "success: applied, revision 2, changed: orders.limit"
    assert desk.live.state.snapshot.settings.get("orders.limit") == 2


async def test_nothing_new_is_a_success_too(desk: Desk) -> None:
    assert await refresh_nacos_config_task(context(desk)) == "success: unchanged, revision 1, changed: nothing"


async def test_refused_settings_fail_the_run_with_the_reasons(desk: Desk) -> None:
    desk.source.publish("orders: {limit: many}\n")
    with pytest.raises(SettingsRefused, match=r"refused: .*orders\.limit"):
        await refresh_nacos_config_task(context(desk))


async def test_a_source_that_is_away_fails_the_run(desk: Desk) -> None:
    desk.source.available = False
    with pytest.raises(SourceUnavailable):
        await refresh_nacos_config_task(context(desk))
