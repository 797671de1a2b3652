"""What the process is told by its environment: which environment it is, and where its files are."""

import functools
import os
import re
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from app.common.const import LOCAL_ENVIRONMENT
from app.common.errors import StartupError

PROJECT_ROOT: Final = Path(__file__).resolve().parents[2]
_ENVIRONMENT_NAME: Final = re.compile(r"[a-z0-9_-]+")


@functools.cache
def host_name() -> str:
    """The machine's name, asked for once: the call costs as much as a tenth of a request."""
    return socket.gethostname()


@dataclass(frozen=True)
class Environment:
    """The process's place: built once from environment variables, never changed afterwards."""

    name: str
    config_dir: Path
    data_dir: Path
    log_path: Path
    xxl_log_path: Path
    secrets_dir: Path
    host: str
    instance_id: str | None = None
    variables: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def is_local(self) -> bool:
        return self.name == LOCAL_ENVIRONMENT

    @property
    def config_file(self) -> Path:
        return self.config_dir / f"config_{self.name}.yaml"

    def create_directories(self) -> None:
        """Creates the data folder if absent. Log folders are made by who writes there, for they may be unwritable."""
        try:
            self.data_dir.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StartupError(
                f"DATA_DIR {self.data_dir} can't be created: {error.strerror}; set DATA_DIR to a writable folder"
            ) from error


def load_environment(variables: Mapping[str, str] | None = None) -> Environment:
    """Reads `APP_ENV`, `CONFIG_DIR`, `DATA_DIR`, `LOG_PATH`, `XXL_LOG_PATH`, `SECRETS_DIR`, `INSTANCE_ID`.

    Raises StartupError for an environment name outside `[a-z0-9_-]+`.
    """
    variables = dict(os.environ if variables is None else variables)
    name = variables.get("APP_ENV") or LOCAL_ENVIRONMENT
    if not _ENVIRONMENT_NAME.fullmatch(name):
        raise StartupError("APP_ENV must match [a-z0-9_-]+, for example APP_ENV=prod")

    def path(variable: str, default: str) -> Path:
        return PROJECT_ROOT / (variables.get(variable) or default)

    return Environment(
        name=name,
        config_dir=path("CONFIG_DIR", "."),
        data_dir=path("DATA_DIR", "data"),
        log_path=path("LOG_PATH", "log"),
        xxl_log_path=path("XXL_LOG_PATH", "xxl_log"),
        secrets_dir=path("SECRETS_DIR", "/run/secrets"),
        host=host_name(),
        instance_id=variables.get("INSTANCE_ID") or None,
        variables=variables,
    )
