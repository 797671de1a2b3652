"""The executor's configuration as of now: read by reference from the control plane, without asking the main loop."""

from collections.abc import Callable

from app.common.errors import StartupError
from app.common.logger import log
from app.config.environment import Environment
from app.config.snapshot import LiveState, Snapshot
from app.config.xxl_job_config import ExecutorConfiguration, build_executor_configuration


class LiveConfiguration:
    """Rebuilds the configuration when the snapshot was swapped. One that can't be used leaves the former in force."""

    def __init__(self, environment: Environment, state: Callable[[], LiveState]) -> None:
        """Raises StartupError when even the first one can't be used."""
        self._environment = environment
        self._state = state
        self._snapshot: Snapshot = state().snapshot
        self._configuration = build_executor_configuration(environment, self._snapshot.settings)

    @property
    def current(self) -> ExecutorConfiguration:
        snapshot = self._state().snapshot
        if snapshot is not self._snapshot:
            self._snapshot = snapshot
            try:
                self._configuration = build_executor_configuration(self._environment, snapshot.settings)
            except StartupError as error:
                log.bind(reason=error.message).error("executor settings refused, the former ones stay in force")
        return self._configuration
