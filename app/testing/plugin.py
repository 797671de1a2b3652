"""The kit as pytest fixtures: `pytest_plugins = ["app.testing.plugin"]` in the conftest.py at the tests' root.

Nothing is imported before a test asks for it; `executor` alone needs the `xxl` extra.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

if TYPE_CHECKING:
    from app.testing.executor import RunningExecutor
    from app.testing.fake_console import FakeConsole
    from app.testing.fake_nacos import FakeNacos
    from app.testing.fake_nacos_server import FakeNacosServer
    from app.testing.job_run import JobRun
    from app.testing.robot_double import RobotDouble


@pytest.fixture
def run_job(tmp_path: Path) -> "Callable[..., Awaitable[JobRun]]":
    """`await run_job("name", param=…)`; the runs of one test share its temporary folder, and so its database."""
    from app.testing.run_job import run_job as run  # noqa: PLC0415 - see the module

    return partial(run, folder=tmp_path)


@pytest.fixture
def run_job_sync(tmp_path: Path) -> "Callable[..., JobRun]":
    """`run_job` for tests that are no coroutines."""
    from app.testing.run_job import run_job_sync as run  # noqa: PLC0415 - see the module

    return partial(run, folder=tmp_path)


@pytest.fixture
def fake_console(request: pytest.FixtureRequest) -> "Iterator[FakeConsole]":
    """A console of version 3.3; others by `@pytest.mark.parametrize("fake_console", ["2.3", "3.5"], indirect=True)`."""
    from app.testing.fake_console import ConsoleDialect, FakeConsole  # noqa: PLC0415 - see the module

    with FakeConsole(dialect=getattr(request, "param", ConsoleDialect.V3_3)) as console:
        yield console


@pytest.fixture
def fake_consoles() -> "Iterator[Callable[..., FakeConsole]]":
    """Several: `fake_consoles(dialect="3.5", path="")` starts one more, with FakeConsole's own parameters."""
    from app.testing.fake_console import FakeConsole  # noqa: PLC0415 - see the module

    with ExitStack() as stack:
        yield lambda **options: stack.enter_context(FakeConsole(**options))


@pytest.fixture
def fake_nacos() -> "FakeNacos":
    """Nacos in process: `fake_nacos.source(folder)` goes into a runtime as the override `source`."""
    from app.testing.fake_nacos import FakeNacos  # noqa: PLC0415 - see the module

    return FakeNacos()


@pytest.fixture
def fake_nacos_server() -> "Iterator[FakeNacosServer]":
    """Nacos on this machine's ports, for processes: `fake_nacos_server.section()` is their `nacos` section."""
    from app.testing.fake_nacos_server import FakeNacosServer  # noqa: PLC0415 - see the module

    with FakeNacosServer() as nacos:
        yield nacos


@pytest.fixture
def robot() -> "Iterator[RobotDouble]":
    """A robot with one key, `robot-key-1`; `robot.url` is `wechat.base_url`."""
    from app.testing.robot_double import RobotDouble  # noqa: PLC0415 - see the module

    with RobotDouble() as double:
        yield double


@pytest.fixture
def executor_settings() -> Mapping[str, Any]:
    """The settings of `executor`, beyond the way to its console; a module overrides it by its own fixture."""
    return {}


@pytest_asyncio.fixture
async def executor(
    tmp_path: Path, fake_console: "FakeConsole", executor_settings: Mapping[str, Any]
) -> "AsyncIterator[RunningExecutor]":
    """The whole executor with every job, registered with `fake_console`."""
    from app.testing.executor import open_executor  # noqa: PLC0415 - see the module

    async with open_executor(tmp_path, fake_console, executor_settings) as running:
        yield running
