"""The executor's endpoints: beat, idleBeat, run (3.5: trigger), kill, log, behind the token, on the control loop."""

import asyncio
import json
from collections.abc import Callable
from functools import partial
from typing import Any, Final

from app.common.errors import ValidationError
from app.common.logger import log
from app.config.xxl_job_config import ExecutorConfiguration
from app.xxl_job.executor import protocol
from app.xxl_job.executor.dialect import TRIGGER_PATH, WRONG_TOKEN, check_caller
from app.xxl_job.executor.engine import Engine
from app.xxl_job.executor.http_message import Request, build_reply
from app.xxl_job.executor.job_logs import JobLogs
from app.xxl_job.executor.log_page import FINISHED_PAGE_BYTES, RUNNING_PAGE_BYTES
from app.xxl_job.executor.protocol import Answer
from app.xxl_job.executor.runs_page import RunsPage

_JAVA: Final = "Java/"
_OTHER_FINISHED_PAGE_BYTES: Final = 2 * 1024 * 1024
"""ratchjob refuses answers over 5 MiB, and the page is sent twice."""
_GET: Final = frozenset({b"GET", b"HEAD"})
_POST: Final = frozenset({b"POST"})
_NO_ENCODING: Final = frozenset({"", "identity"})
_OK: Final = build_reply(json.dumps(Answer().as_json()).encode())

Handler = Callable[[Request], bytes | None]


class Endpoints:
    """What the console may ask. Whatever happens, it gets the protocol's answer."""

    def __init__(
        self, engine: Engine, logs: JobLogs, configuration: Callable[[], ExecutorConfiguration], runs: RunsPage
    ) -> None:
        self._engine = engine
        self._logs = logs
        self._configuration = configuration
        self._runs = runs
        self._routes: dict[str, tuple[frozenset[bytes], Handler]] = {
            "/beat": (_POST, self.beat),
            "/idleBeat": (_POST, self.idle_beat),
            "/run": (_POST, self.run),
            TRIGGER_PATH: (_POST, self.run),
            "/kill": (_POST, self.kill),
            "/log": (_POST, self.log),
            "/runs": (_GET, self.list_runs),
        }

    def refuse(self, request: Request) -> bytes | None:
        """Nobody learns anything without the token, nor has a body kept."""
        if refusal := check_caller(request.path, request.headers, self._configuration()):
            return _encode(Answer(protocol.FAIL, refusal))
        if request.headers.get("Content-Encoding", "") not in _NO_ENCODING:
            return _encode(Answer(protocol.FAIL, "the request's body can't be read"))
        return None

    def answer(self, request: Request) -> bytes | None:
        """The answer of the endpoint; None when it comes later."""
        methods, handler = self._routes.get(request.path, (_POST, _find_nothing))
        if request.method not in methods:
            return _encode(Answer(protocol.FAIL, "invalid request: Method Not Allowed"))
        try:
            return handler(request)
        except Exception as error:  # noqa: BLE001 - whatever it is, the console gets the protocol's answer
            return _explain(request, error)

    def beat(self, _request: Request) -> bytes:
        """Whether the executor takes runs."""
        return _encode(self._engine.beat())

    def idle_beat(self, request: Request) -> bytes:
        """Whether the job is neither running nor waiting here."""
        return _encode(self._engine.idle_beat(protocol.parse_job_id(protocol.parse_body(request.body))))

    def run(self, request: Request) -> None:
        """Takes a run, or says why not."""
        trigger = protocol.parse_trigger(protocol.parse_body(request.body))
        self._engine.accept(trigger, request.arrived, lambda answer: request.respond(_encode(answer)))

    def kill(self, request: Request) -> bytes:
        """Stops a job's run and empties its queue; doesn't wait for the job."""
        return _encode(self._engine.kill(protocol.parse_job_id(protocol.parse_body(request.body))))

    def log(self, request: Request) -> None:
        """A page of a run's log."""
        query = protocol.parse_log_query(protocol.parse_body(request.body))
        finished = self._engine.is_finished(query.log_id)
        limit = RUNNING_PAGE_BYTES
        if finished:
            from_java = request.headers.get("User-Agent", "").startswith(_JAVA)
            limit = FINISHED_PAGE_BYTES if from_java else _OTHER_FINISHED_PAGE_BYTES

        def read() -> bytes:  # a page may be 16 MB: its JSON isn't made on the loop either
            return build_reply(self._logs.read(query, finished=finished, limit_bytes=limit).as_answer())

        _answer_from_thread(request, read)

    def list_runs(self, request: Request) -> bytes | None:
        """What the ledger keeps, newest first: `limit`, `before`, `handler`, `outcome`, `state`, `job_id`, `log_id`.

        Needs the token, also where an empty one lets everybody trigger runs.
        """
        if not self._configuration().token:
            return _encode(Answer(protocol.FAIL, WRONG_TOKEN))
        query = request.query
        _answer_from_thread(request, lambda: _reply({"code": protocol.OK, "msg": None, "data": self._runs.read(query)}))
        return None


def _find_nothing(_request: Request) -> bytes:
    return _encode(Answer(protocol.FAIL, "invalid request: Not Found"))


def _answer_from_thread(request: Request, read: Callable[[], bytes]) -> None:
    reading = asyncio.get_running_loop().run_in_executor(None, read)
    reading.add_done_callback(partial(_bring, request))


def _bring(request: Request, reading: "asyncio.Future[bytes]") -> None:
    if not reading.cancelled():
        error = reading.exception()
        request.respond(reading.result() if error is None else _explain(request, error))


def _explain(request: Request, error: BaseException) -> bytes:
    if isinstance(error, ValidationError):
        return _encode(Answer(protocol.FAIL, error.message))
    log.bind(path=request.path).opt(exception=error).error("executor endpoint failed")
    return _encode(Answer(protocol.FAIL, "internal error of the executor"))


def _encode(answer: Answer) -> bytes:
    if answer.code == protocol.OK and answer.payload is None and answer.msg is None:
        return _OK
    return _reply(answer.as_json())


def _reply(content: dict[str, Any]) -> bytes:
    return build_reply(json.dumps(content).encode())
