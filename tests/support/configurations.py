"""Executor configurations, without an executor."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

from app.config.settings import XxlJobSettings
from app.config.xxl_job_config import ExecutorConfiguration
from app.testing.fake_console import FakeConsole


def configuration_of(console: FakeConsole, **fields: Any) -> ExecutorConfiguration:
    """The configuration of an executor of this console."""
    values: dict[str, Any] = {
        "console_urls": (console.url,),
        "app_name": "test-executor",
        "host": "127.0.0.1",
        "port": 0,
        "token": console.token,
        "advertise": "",
        "pod_ip": "",
        "limits": XxlJobSettings(),
        **fields,
    }
    return ExecutorConfiguration(**values)


async def until(condition: Callable[[], Any], seconds: float = 10.0) -> Any:
    """Polls until `condition()` is truthy, and returns it."""
    end = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < end, "waited in vain"
        await asyncio.sleep(0.005)
    return value
