"""Settings and environment → what the executor works with."""

from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

from app.common.errors import StartupError
from app.config.environment import Environment
from app.config.settings import XxlJobSettings
from app.config.snapshot import Settings
from app.config.tokens import access_token

LOOPBACK: Final = "127.0.0.1"
ALL_INTERFACES: Final = "0.0.0.0"  # noqa: S104 - the bind address outside the local environment
CONSOLE_PATH: Final = "/xxl-job-admin"


@dataclass(frozen=True)
class ExecutorConfiguration:
    """One reading of the settings. Equal when nothing that the executor cares about differs."""

    console_urls: tuple[str, ...]
    """Tried in order; without trailing slash and without `/api`."""
    app_name: str
    host: str
    port: int
    token: str = field(repr=False)
    advertise: str
    """A URL, a CIDR, an interface's name, an address, or empty."""
    pod_ip: str
    limits: XxlJobSettings
    """The section as it stands: limits, retention, ledger and scripts are read from here."""


def build_executor_configuration(environment: Environment, settings: Settings) -> ExecutorConfiguration:
    """Raises StartupError naming the key that is missing or too weak."""
    section = settings.xxl_job
    return ExecutorConfiguration(
        console_urls=_console_urls(environment, settings),
        app_name=section.app_name,
        host=section.host or (LOOPBACK if environment.is_local else ALL_INTERFACES),
        port=section.port,
        token=access_token(environment, settings),
        advertise=environment.variables.get("XXL_JOB_ADVERTISE", "").strip() or section.advertise.strip(),
        pod_ip=environment.variables.get("POD_IP", "").strip(),
        limits=section,
    )


def _console_urls(environment: Environment, settings: Settings) -> tuple[str, ...]:
    urls = tuple(_normalised(url) for url in settings.xxl_job.url.split(",") if url.strip())
    if urls:
        return urls
    if not environment.is_local:
        raise StartupError("xxl-job.url is empty: set the console's address, like http://host:8080/xxl-job-admin")
    return (f"http://{LOOPBACK}:{settings.server.port}{CONSOLE_PATH}",)


def _normalised(url: str) -> str:
    try:
        urlsplit(url).port  # noqa: B018 - raises for a number that is no port
        return XxlJobSettings(url=url).url
    except ValueError:
        raise StartupError("xxl-job.url must be like http://host:8080/xxl-job-admin, or a comma list of such") from None
