"""ratchjob's own interfaces: what a person at the console does. Its job API is open, its console API wants a login."""

import base64
from typing import Any

import httpx

from servers.login_client import LoginClient
from servers.waiting import wait_for

NAMESPACE = "xxl"
CONSOLE_PREFIX = "/ratchjob/api/console/v1"


class ConsoleClient(LoginClient):
    """Creates, triggers and watches jobs."""

    def __init__(self, *, api: str, console: str, username: str, password: str) -> None:
        self._api = httpx.Client(base_url=api, timeout=10, trust_env=False)
        self._console = httpx.Client(base_url=console, timeout=10, trust_env=False)
        super().__init__(self._api, self._console)
        self._credentials = {
            "username": username,
            "password": base64.b64encode(password.encode()).decode(),
            "captcha": "",
        }

    def _fetch_token(self) -> str:
        answer = self._console.post(f"{CONSOLE_PREFIX}/login/login", data=self._credentials)
        answer.raise_for_status()
        body = answer.json()
        if not body.get("data"):
            raise httpx.HTTPStatusError(str(body), request=answer.request, response=answer)
        return str(body["data"]["token"])

    def create_job(self, app_name: str, handler: str, **fields: Any) -> int:
        """A job that is only triggered by hand, unless `fields` (ratchjob's names) say otherwise; returns its id."""
        job = {
            "enable": True,
            "appName": app_name,
            "namespace": NAMESPACE,
            "description": handler,
            "scheduleType": "NONE",
            "cronValue": "",
            "runMode": "BEAN",
            "handleName": handler,
            "triggerParam": "",
            "routerStrategy": "FIRST",
            "pastDueStrategy": "DEFAULT",
            "blockingStrategy": "SERIAL_EXECUTION",
            "timeoutSecond": 0,
            "tryTimes": 0,
            **fields,
        }
        return int(self._post("/job/create", job)["id"])

    def update_job(self, job_id: int, **fields: Any) -> None:
        self._post("/job/update", {**self.job(job_id), **fields})

    def remove_job(self, job_id: int) -> None:
        self._post("/job/remove", {"id": job_id})

    def job(self, job_id: int) -> dict[str, Any]:
        return dict(self._get("/job/info", id=job_id))

    def jobs(self, app_name: str) -> list[dict[str, Any]]:
        return list(self._get("/job/list", namespace=NAMESPACE, appName=app_name, pageNo=1, pageSize=100)["list"])

    def executors(self, app_name: str) -> list[str]:
        """The addresses registered under the name."""
        return [str(address) for address in self._get("/app/instance/addrs", namespace=NAMESPACE, appName=app_name)]

    def tasks(self, job_id: int, app_name: str) -> list[dict[str, Any]]:
        """The job's runs, newest first: taskId, status SUCCESS|FAIL|RUNNING, callbackMessage and others."""
        found = self._get("/job/task/list", jobId=job_id, namespace=NAMESPACE, appName=app_name)
        return list(found["list"])

    def wait_for_run(self, job_id: int, app_name: str, *, number: int = 1, seconds: float = 20.0) -> dict[str, Any]:
        """The newest run once there are `number` of them and it has ended."""

        def newest_ended() -> dict[str, Any] | None:
            tasks = self.tasks(job_id, app_name)
            ended = len(tasks) >= number and tasks[0]["status"] in {"SUCCESS", "FAIL"}
            return tasks[0] if ended else None

        return wait_for(newest_ended, seconds=seconds, what=f"end of run {number} of job {job_id}")

    def trigger(self, job_id: int, *, param: str = "", address: str = "") -> None:
        """Runs the job now, as its button does; `address` picks one executor."""
        body = {"jobId": job_id, "instanceAddr": address, "triggerParam": param}
        self._console_call("POST", "/job/trigger", json=body)

    def task_log(self, task_id: int, job_id: int, *, from_line: int = 1) -> dict[str, Any]:
        """One page of the run's log, fetched from the executor: fromLineNum, toLineNum, logContent, isEnd."""
        where = {"taskId": task_id, "jobId": job_id, "fromLineNum": from_line, "namespace": NAMESPACE}
        return dict(self._console_call("GET", "/job/task/log", params=where))

    def _get(self, path: str, **params: Any) -> Any:
        return _content(self._api.get(f"/ratch/v1{path}", params=params))

    def _post(self, path: str, body: dict[str, Any]) -> Any:
        return _content(self._api.post(f"/ratch/v1{path}", json=body))

    def _console_call(self, method: str, path: str, **options: Any) -> Any:
        headers = {"Token": self.token}
        return _content(self._console.request(method, f"{CONSOLE_PREFIX}{path}", headers=headers, **options))


def _content(answer: httpx.Response) -> Any:
    """The payload: create and update answer it as content with a code, everything else as data with success."""
    answer.raise_for_status()
    body = answer.json()
    if body.get("success") is False or body.get("code") not in {None, httpx.codes.OK}:
        raise RuntimeError(f"the console answered {body}")
    return body.get("content", body.get("data"))
