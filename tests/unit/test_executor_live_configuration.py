"""The executor's configuration follows the settings, and keeps the former when the new one can't be used."""

from pathlib import Path

import pytest

from app.common.errors import StartupError
from app.config.environment import load_environment
from app.xxl_job.executor.live_configuration import LiveConfiguration
from support.settings import build_desk

TEXT = "xxl-job: {url: 'http://console/x', access_token: %s, queue_size: %d}\n"


async def test_a_change_is_seen_and_one_that_cannot_be_used_is_not(tmp_path: Path) -> None:
    environment = load_environment({"APP_ENV": "prod", "DATA_DIR": str(tmp_path)})
    desk = build_desk(TEXT % ("good-token", 1))
    await desk.live.start()
    live = LiveConfiguration(environment, lambda: desk.live.state)
    first = live.current

    await desk.apply(TEXT % ("better-token", 2))
    second = live.current
    await desk.apply(TEXT % ("default_token", 3))
    third = live.current
    await desk.live.close()

    assert (first.token, first.limits.queue_size) == ("good-token", 1)
    assert (second.token, second.limits.queue_size) == ("better-token", 2)
    assert third is second


async def test_a_first_configuration_that_cannot_be_used_ends_the_start(tmp_path: Path) -> None:
    desk = build_desk("xxl-job: {url: 'http://console/x'}\n")
    await desk.live.start()
    with pytest.raises(StartupError, match=r"xxl-job\.access_token"):
        LiveConfiguration(load_environment({"APP_ENV": "prod", "DATA_DIR": str(tmp_path)}), lambda: desk.live.state)
    await desk.live.close()
