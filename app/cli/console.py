"""The embedded console as the command line reaches it: over HTTP, with the machine's own token."""

from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import quote

import httpx
from pydantic import TypeAdapter

from app.bootstrap import read_settings
from app.common.errors import AppError
from app.common.logger import log
from app.config.environment import Environment, load_environment
from app.config.settings import ServerSettings
from app.config.snapshot import Settings
from app.config.tokens import ops_token
from app.scheduler.schemas import JobView, LogPageView, RunView, TriggerBody

_API: Final = "/api/v1/scheduler"
_EVERY_ADDRESS: Final = {"0.0.0.0", "::", ""}  # noqa: S104 - names what can't be dialled
_JOBS: Final = TypeAdapter(list[JobView])


class CommandFailed(AppError):
    """The command can't do what it was asked to."""

    code = "COMMAND_FAILED"

    def __init__(self, message: str, *, reason: str = "") -> None:
        """`reason`: the code that the server gave, if it answered."""
        super().__init__(message)
        self.reason = reason


class Console:
    """A session with the console at `url`. Every method raises CommandFailed, whose text says what to do."""

    def __init__(self, url: str, token: str) -> None:
        self._url = url.rstrip("/")
        self._http = httpx.Client(
            base_url=self._url,
            headers={"Authorization": f"Bearer {token}"},
            timeout=30,
            trust_env=False,
            verify=self._url.startswith("https:"),  # reading the authorities takes 40 ms, which plain HTTP need not pay
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    def list_jobs(self) -> list[JobView]:
        return _JOBS.validate_python(self._call("GET", "/jobs"))

    def trigger(self, name: str, body: TriggerBody) -> RunView:
        path = f"/jobs/{quote(name, safe='')}/trigger"
        return RunView.model_validate(self._call("POST", path, body.model_dump(mode="json")))

    def get_run(self, log_id: int) -> RunView:
        return RunView.model_validate(self._call("GET", f"/runs/{log_id}"))

    def read_log(self, log_id: int, from_line: int) -> LogPageView:
        return LogPageView.model_validate(self._call("GET", f"/runs/{log_id}/log?from_line={from_line}"))

    def _call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        try:
            answer = self._http.request(method, _API + path, json=body)
        except httpx.HTTPError as error:
            raise CommandFailed(f"nothing answers at {self._url}: start it with `make run`") from error
        if answer.is_success:
            return answer.json()
        raise self._failure(answer)

    def _failure(self, answer: httpx.Response) -> CommandFailed:
        if answer.status_code == httpx.codes.UNAUTHORIZED:
            return CommandFailed(f"{self._url} doesn't take this machine's token: does it run with another DATA_DIR?")
        try:
            body = answer.json()
            return CommandFailed(str(body["message"]), reason=str(body["code"]))
        except (ValueError, KeyError, TypeError):
            return CommandFailed(f"{self._url} answers {answer.status_code}: is it this project's web process?")


def open_console(url: str | None) -> Console:
    """The console of the local web process, found by the settings unless `url` says where it is."""
    environment = load_environment()
    if not environment.is_local:
        raise CommandFailed(
            f"the embedded console is part of the local environment, and APP_ENV is {environment.name}: "
            "use XXL-JOB's own console there"
        )
    settings = _read_quietly(environment)
    return Console(url or _local_url(settings.server), ops_token(environment, settings) or "")


def _read_quietly(environment: Environment) -> Settings:
    """What reading tells the log is for processes that serve; a refusal is raised all the same."""
    log.disable("app.config")
    try:
        return read_settings(environment)
    finally:
        log.enable("app.config")


def _local_url(server: ServerSettings) -> str:
    host = "127.0.0.1" if (server.host or "") in _EVERY_ADDRESS else server.host
    return f"http://{host}:{server.port}"
