"""The runtime: the process's ports in one frozen object. Types only; `app.bootstrap` builds it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.alerts.base import AlertSender
from app.config.environment import Environment
from app.config.live import LiveSettings

if TYPE_CHECKING:
    from starlette.requests import HTTPConnection

    from app.config.db.database import Database
    from app.config.http_client import HttpClient


@dataclass(frozen=True)
class Runtime:
    """What every feature, job and page works with. Parts are replaceable: `open_runtime(process, overrides={...})`."""

    environment: Environment
    instance: str
    """`<role>-<host>-<worker>`: names log files, and the process in every answer."""
    settings: LiveSettings
    db: "Database"
    http: "HttpClient"
    alerts: AlertSender


def runtime_of(connection: "HTTPConnection") -> Runtime:
    """The runtime of the application that serves this request."""
    runtime: Runtime = connection.app.state.runtime
    return runtime
