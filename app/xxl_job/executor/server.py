"""The executor's endpoints: /beat, /idleBeat, /run, /kill, /log, each behind the token. Served on the control loop."""

import asyncio
import hmac
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

from aiohttp import web

from app.common.errors import ValidationError
from app.common.logger import log
from app.xxl_job.executor import protocol
from app.xxl_job.executor.engine import Engine
from app.xxl_job.executor.job_logs import JobLogs
from app.xxl_job.executor.log_page import FINISHED_PAGE_BYTES, RUNNING_PAGE_BYTES
from app.xxl_job.executor.protocol import Answer

LARGEST_BODY_BYTES: Final = 6 * 1024 * 1024
TOKEN_HEADER: Final = "XXL-JOB-ACCESS-TOKEN"  # noqa: S105 - a header's name
_JAVA: Final = "Java/"
_OTHER_FINISHED_PAGE_BYTES: Final = 2 * 1024 * 1024
"""ratchjob refuses answers over 5 MiB, and the page is sent twice."""


@dataclass(frozen=True)
class Endpoints:
    """What the console may ask."""

    engine: Engine
    logs: JobLogs
    token: Callable[[], str]

    def build_app(self) -> web.Application:
        app = web.Application(middlewares=[self._guard], client_max_size=LARGEST_BODY_BYTES)
        app.router.add_post("/beat", self.beat)
        app.router.add_post("/idleBeat", self.idle_beat)
        app.router.add_post("/run", self.run)
        app.router.add_post("/kill", self.kill)
        app.router.add_post("/log", self.log)
        return app

    async def beat(self, _request: web.Request) -> web.Response:
        """Whether the executor takes runs."""
        return _respond(self.engine.beat())

    async def idle_beat(self, request: web.Request) -> web.Response:
        """Whether the job is neither running nor waiting here."""
        fields = await _read_fields(request)
        return _respond(self.engine.idle_beat(protocol.parse_job_id(fields)))

    async def run(self, request: web.Request) -> web.Response:
        """Takes a run, or says why not."""
        trigger = protocol.parse_trigger(await _read_fields(request))
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Answer] = loop.create_future()
        self.engine.accept(trigger, loop.time(), answer.set_result)
        return _respond(await answer)

    async def kill(self, request: web.Request) -> web.Response:
        """Stops a job's run and empties its queue; doesn't wait for the job."""
        fields = await _read_fields(request)
        return _respond(self.engine.kill(protocol.parse_job_id(fields)))

    async def log(self, request: web.Request) -> web.Response:
        """A page of a run's log."""
        query = protocol.parse_log_query(await _read_fields(request))
        finished = self.engine.is_finished(query.log_id)
        limit = RUNNING_PAGE_BYTES
        if finished:
            from_java = request.headers.get("User-Agent", "").startswith(_JAVA)
            limit = FINISHED_PAGE_BYTES if from_java else _OTHER_FINISHED_PAGE_BYTES
        page = await asyncio.to_thread(self.logs.read, query, finished=finished, limit_bytes=limit)
        return _respond(Answer(payload=page.as_json()))

    @web.middleware
    async def _guard(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        if not self._has_token(request):
            return _respond(Answer(protocol.FAIL, protocol.WRONG_TOKEN))
        try:
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

    def _has_token(self, request: web.Request) -> bool:
        expected = self.token().encode()
        given = request.headers.get(TOKEN_HEADER, "").encode("utf-8", "surrogateescape")
        return not expected or hmac.compare_digest(given, expected)


async def _read_fields(request: web.Request) -> dict[str, Any]:
    try:
        body = await request.read()
    except web.RequestPayloadError:
        raise ValidationError("the request's body can't be read") from None
    return protocol.parse_body(body)


def _respond(answer: Answer, status: int = 200) -> web.Response:
    return web.json_response(answer.as_json(), status=status)
