"""The executor's endpoints: beat, idleBeat, run (3.5: trigger), kill, log, behind the token, on the control loop."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from aiohttp import web
from multidict import CIMultiDict

from app.common.errors import ValidationError
from app.common.logger import log
from app.config.xxl_job_config import ExecutorConfiguration
from app.xxl_job.executor import protocol
from app.xxl_job.executor.connections import Connection
from app.xxl_job.executor.dialect import TRIGGER_PATH, WRONG_TOKEN, check_caller
from app.xxl_job.executor.engine import Engine
from app.xxl_job.executor.job_logs import JobLogs
from app.xxl_job.executor.log_page import FINISHED_PAGE_BYTES, RUNNING_PAGE_BYTES
from app.xxl_job.executor.protocol import Answer
from app.xxl_job.executor.runs_page import RunsPage

LARGEST_BODY_BYTES: Final = 5 * 1024 * 1024
"""As Java's executor takes."""
_JAVA: Final = "Java/"
_OTHER_FINISHED_PAGE_BYTES: Final = 2 * 1024 * 1024
"""ratchjob refuses answers over 5 MiB, and the page is sent twice."""
_JSON: Final = CIMultiDict({"Content-Type": "application/json; charset=utf-8"})
_OK_BODY: Final = json.dumps(Answer().as_json()).encode()


@dataclass(frozen=True)
class Endpoints:
    """What the console may ask."""

    engine: Engine
    logs: JobLogs
    configuration: Callable[[], ExecutorConfiguration]
    runs: RunsPage

    def build_app(self) -> web.Application:
        app = web.Application(middlewares=[self._guard], client_max_size=LARGEST_BODY_BYTES)
        app.router.add_post("/beat", self.beat)
        app.router.add_post("/idleBeat", self.idle_beat)
        app.router.add_post("/run", self.run)
        app.router.add_post(TRIGGER_PATH, self.run)
        app.router.add_post("/kill", self.kill)
        app.router.add_post("/log", self.log)
        app.router.add_get("/runs", self.list_runs)
        return app

    async def beat(self, _request: web.Request) -> web.Response:
        """Whether the executor takes runs."""
        return _respond(self.engine.beat())

    async def idle_beat(self, request: web.Request) -> web.Response:
        """Whether the job is neither running nor waiting here."""
        fields, _ = await _read(request)
        return _respond(self.engine.idle_beat(protocol.parse_job_id(fields)))

    async def run(self, request: web.Request) -> web.Response:
        """Takes a run, or says why not."""
        fields, arrived = await _read(request)
        trigger = protocol.parse_trigger(fields)
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self.engine.accept(trigger, arrived, partial(_answer, answer))
        return _respond(await answer)

    async def kill(self, request: web.Request) -> web.Response:
        """Stops a job's run and empties its queue; doesn't wait for the job."""
        fields, _ = await _read(request)
        return _respond(self.engine.kill(protocol.parse_job_id(fields)))

    async def log(self, request: web.Request) -> web.Response:
        """A page of a run's log."""
        fields, _ = await _read(request)
        query = protocol.parse_log_query(fields)
        finished = self.engine.is_finished(query.log_id)
        limit = RUNNING_PAGE_BYTES
        if finished:
            from_java = request.headers.get("User-Agent", "").startswith(_JAVA)
            limit = FINISHED_PAGE_BYTES if from_java else _OTHER_FINISHED_PAGE_BYTES

        def read() -> bytes:  # a page may be 16 MB: its JSON isn't made on the loop either
            return self.logs.read(query, finished=finished, limit_bytes=limit).as_answer()

        return web.Response(body=await asyncio.to_thread(read), content_type="application/json", charset="utf-8")

    async def list_runs(self, request: web.Request) -> web.Response:
        """What the ledger keeps, newest first: `limit`, `before`, `handler`, `outcome`, `state`, `job_id`, `log_id`.

        Needs the token, also where an empty one lets everybody trigger runs.
        """
        if not self.configuration().token:
            return _respond(Answer(protocol.FAIL, WRONG_TOKEN))
        runs = await asyncio.to_thread(self.runs.read, request.query)
        return _respond_json({"code": protocol.OK, "msg": None, "data": runs})

    @web.middleware
    async def _guard(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        try:
            if refusal := check_caller(request.path, request.headers, self.configuration()):
                return _respond(Answer(protocol.FAIL, refusal))
            return await handler(request)
        except ValidationError as error:
            return _respond(Answer(protocol.FAIL, error.message))
        except web.HTTPRequestEntityTooLarge as error:
            return _respond(Answer(protocol.FAIL, "the request is too large"), status=error.status)
        except web.HTTPException as error:
            return _respond(Answer(protocol.FAIL, f"invalid request: {error.reason}"))
        except Exception as error:  # noqa: BLE001 - whatever it is, the console gets the protocol's answer
            log.bind(path=request.path).opt(exception=error).error("executor endpoint failed")
            return _respond(Answer(protocol.FAIL, "internal error of the executor"))
        finally:
            _take_arrival(request)  # else the connection's next request would count from this one


async def _read(request: web.Request) -> tuple[dict[str, Any], float]:
    """The fields, and when the request began to arrive."""
    try:
        body = await request.read()
    except web.RequestPayloadError:
        raise ValidationError("the request's body can't be read") from None
    arrived = _take_arrival(request)
    return protocol.parse_body(body), arrived


def _take_arrival(request: web.Request) -> float:
    """Also says that the request has arrived: whoever doesn't read the body says so at the end."""
    connection = request.protocol
    return connection.take_arrival() if isinstance(connection, Connection) else time.monotonic()


def _answer(waiting: "asyncio.Future[Answer]", answer: Answer) -> None:
    if not waiting.done():  # the server was closed meanwhile
        waiting.set_result(answer)


def _respond(answer: Answer, status: int = 200) -> web.Response:
    if answer.code == protocol.OK and answer.payload is None and answer.msg is None:
        return web.Response(body=_OK_BODY, headers=_JSON)
    return _respond_json(answer.as_json(), status)


def _respond_json(content: object, status: int = 200) -> web.Response:
    return web.Response(body=json.dumps(content).encode(), headers=_JSON, status=status)
