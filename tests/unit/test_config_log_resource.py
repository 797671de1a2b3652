"""The `log` section as a live resource."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.common.logger import LogHandle, LogOptions, configure_logging, log
from app.config.log_resource import LogResource
from app.config.settings import LogSettings


@pytest.fixture
def options(tmp_path: Path) -> LogOptions:
    return LogOptions(instance="web-host-0", log_path=tmp_path, env="test", console=False)


@pytest.fixture
def handle(options: LogOptions) -> Iterator[LogHandle]:
    handle = configure_logging(options)
    yield handle
    handle.close()


async def test_a_committed_level_is_in_force(handle: LogHandle, options: LogOptions, tmp_path: Path) -> None:
    resource = LogResource(handle, options)
    log.debug("before")
    resource.commit(await resource.prepare(LogSettings(level="DEBUG", console=False), None))
    log.debug("after")
    handle.flush()
    text = "".join(path.read_text() for path in tmp_path.rglob("*.log"))
    assert "after" in text
    assert "before" not in text


async def test_a_prepared_value_changes_nothing_yet(handle: LogHandle, options: LogOptions, tmp_path: Path) -> None:
    await LogResource(handle, options).prepare(LogSettings(level="DEBUG", console=False), None)
    log.debug("prepared only")
    handle.flush()
    assert "prepared only" not in "".join(path.read_text() for path in tmp_path.rglob("*.log"))


async def test_it_is_up_and_tells_what_was_dropped(handle: LogHandle, options: LogOptions) -> None:
    health = await LogResource(handle, options).check()
    assert (health.up, health.details) == (True, {"lines_dropped": 0})
