"""The border to pyxxl (GPL-3.0-only): its runner is our base, its JobHandler and `g` keep working in task modules."""

import logging
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import fields
from types import ModuleType
from typing import TYPE_CHECKING, Final, cast

from pyxxl.ctx import GlobalVars
from pyxxl.executor import JobHandler
from pyxxl.main import PyxxlRunner
from pyxxl.schema import RunData
from pyxxl.setting import ExecutorConfig

from app.config.xxl_job_config import ExecutorConfiguration
from app.jobs.links import Leave
from app.jobs.registry import JobRegistry, build_definition
from app.jobs.run import Run
from app.xxl_job.executor.http_protocol import Site

if TYPE_CHECKING:
    import threading

TASK_LOGGER: Final = logging.getLogger("pyxxl.task")
"""One for all runs: which run a line belongs to is known by its context."""
_OF_RECORD: Final = {
    "jobId": "job_id",
    "logId": "log_id",
    "executorHandler": "handler",
    "executorParams": "param",
    "logDateTime": "log_date_time",
    "broadcastIndex": "shard_index",
    "broadcastTotal": "shard_total",
}
"""pyxxl's name of a field, and ours."""


class QuietConfig(ExecutorConfig):
    """pyxxl's configuration without its start: that writes the token to a log file and lets the environment win."""

    def __post_init__(self) -> None:
        self._valid_xxl_admin_baseurl()
        self._valid_executor_app_name()
        self.executor_logger = logging.getLogger("pyxxl.executor")


class ExecutorRunner(PyxxlRunner):
    """pyxxl's runner with our endpoints: no open /metrics, no logger per run, no Executor of its own."""

    def __init__(self, configuration: ExecutorConfiguration, build_site: Callable[[], Site]) -> None:
        config = QuietConfig(
            xxl_admin_baseurl=f"{configuration.console_urls[0]}/api/",
            executor_app_name=configuration.app_name,
            access_token=configuration.token,
            executor_listen_host=configuration.host,
            executor_listen_port=configuration.port,
            dotenv_try=False,
        )
        super().__init__(config, JobHandler())
        self._build_site = build_site

    def create_server_app(self) -> Site:  # type: ignore[override] # our port serves it, not aiohttp
        """Our endpoints. Registration, callbacks and shutdown are the control plane's, not the application's."""
        return self._build_site()


def adopt_handlers(module: ModuleType, registry: JobRegistry) -> None:
    """Registers the handlers of every module-level JobHandler of a stock pyxxl module."""
    for value in vars(module).values():
        if isinstance(value, JobHandler):
            for name, info in value._handlers.items():
                registry.add(build_definition(name, info.handler))


@contextmanager
def plain_functions_welcome() -> Iterator[None]:
    """pyxxl warns of plain functions, which block its loop; here each has a thread of its own."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Using the sync method", SyntaxWarning)
        yield


class RunView(RunData):
    """A run in pyxxl's words. A field is looked up when it is asked for: most handlers ask for none."""

    def __init__(self, run: Run) -> None:
        object.__setattr__(self, "run", run)


def _field(name: str) -> property:
    def read(view: RunView) -> object:
        run: Run = vars(view)["run"]
        if name in _OF_RECORD:
            return getattr(run.record, _OF_RECORD[name])
        return run.fields.get(name, "" if name == "executorBlockStrategy" else None)

    return property(read)


for _name in fields(RunData):
    setattr(RunView, _name.name, _field(_name.name))


def pyxxl_globals(run: Run) -> Leave:
    """A link of the run's chain: `g.xxl_run_data`, `g.logger`, `g.cancel_event`."""
    data_token = GlobalVars._DATA.set(RunView(run))
    logger_token = GlobalVars._LOGGER.set(TASK_LOGGER)
    event_token = GlobalVars._EVENT.set(cast("threading.Event", run.stop_event))

    def leave() -> None:
        GlobalVars._DATA.reset(data_token)
        GlobalVars._LOGGER.reset(logger_token)
        GlobalVars._EVENT.reset(event_token)

    return leave
