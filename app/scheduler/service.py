"""The embedded console: who is registered, what was triggered, how it ended. One owner, one event loop."""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Final

from app.common.errors import ConflictError, NotFoundError, UpstreamError
from app.common.logger import log
from app.common.trace import run_trace_id
from app.jobs.registry import JobDefinition
from app.scheduler.catalogue import JobCatalogue
from app.scheduler.executor_client import ExecutorAnswer, ExecutorClient
from app.scheduler.identifiers import Clock, JobIds, LogIds, now_ms
from app.scheduler.models import ConsoleRun, ConsoleRunState, LogPage, Outcome, Registration, ResultCode, RunOrder
from app.scheduler.protocol import ProtocolError, parse_log
from app.scheduler.registry import ExecutorRegistry
from app.scheduler.repository import RunRepository

KILLED_BY_HAND: Final = "Manual operation, kill job"


class NoExecutor(ConflictError):
    """No executor has registered: start it with `make run` or `python -m app.xxl_job.scheduler_server`."""

    code = "NO_EXECUTOR"


class SchedulerService:
    """Plays XXL-JOB's admin towards executors, and triggers runs for people."""

    def __init__(
        self,
        *,
        runs: RunRepository,
        executors: ExecutorRegistry,
        client: ExecutorClient,
        jobs: JobCatalogue,
        default_app_name: Callable[[], str],
        clock: Clock,
    ) -> None:
        self._runs = runs
        self._executors = executors
        self._client = client
        self._jobs = jobs
        self._default_app_name = default_app_name
        self._clock = clock
        self._log_ids = LogIds(clock)
        self._job_ids = JobIds()

    def register(self, app_name: str, address: str) -> None:
        """An executor says that it is alive. Raises ConflictError when too many are."""
        if self._executors.register(app_name, address):
            log.bind(app_name=app_name, address=address).info("executor registered")

    def unregister(self, app_name: str, address: str) -> None:
        """An executor says good-bye."""
        self._executors.remove(app_name, address)
        log.bind(app_name=app_name, address=address).info("executor left")

    async def complete(self, outcomes: Iterable[Outcome]) -> None:
        """Notes how runs ended. Unknown runs, and those that have an outcome, are passed over: callbacks may repeat."""
        for outcome in outcomes:
            if await self._runs.record_outcome(outcome, at_ms=now_ms(self._clock)):
                log.bind(log_id=outcome.log_id, code=outcome.code).info("run finished")

    def list_executors(self) -> list[Registration]:
        """The executors that are alive."""
        return self._executors.list_alive()

    async def list_jobs(self) -> list[JobDefinition]:
        """The jobs of this project by name. Executors may know others: those can be triggered all the same."""
        return await self._jobs.list_all()

    def job_id(self, handler: str) -> int:
        """The id by which executors know the handler's job."""
        return self._job_ids.of(handler)

    async def trigger(self, order: RunOrder) -> ConsoleRun:
        """Hands one run to the first executor that answers a beat (FAILOVER).

        Raises NoExecutor when none has registered. An executor that refuses, or doesn't answer, makes a failed run.
        """
        order, addresses = self._route(order)
        reasons: list[str] = []
        for address in addresses:
            beat = await self._client.beat(address)
            if beat.is_ok:
                return await self._hand_over(await self._open_run(order, address))
            reasons.append(beat.message)
        nobody = ExecutorAnswer(ResultCode.FAILURE, "\n".join(reasons))
        return await self._close_trigger(await self._open_run(order, ""), nobody)

    async def broadcast(self, order: RunOrder) -> list[ConsoleRun]:
        """Hands one run to every registered executor, each with its shard (SHARDING_BROADCAST).

        Raises NoExecutor when none has registered.
        """
        order, addresses = self._route(order)
        total = len(addresses)
        shards = [replace(order, shard_index=index, shard_total=total) for index in range(total)]
        runs = [await self._open_run(shard, address) for shard, address in zip(shards, addresses, strict=True)]
        return await asyncio.gather(*map(self._hand_over, runs))

    async def get_run(self, log_id: int) -> ConsoleRun:
        """Raises NotFoundError."""
        run = await self._runs.find(log_id)
        if run is None:
            raise NotFoundError(f"there is no run {log_id}")
        return run

    async def list_runs(self, limit: int, handler: str | None = None) -> list[ConsoleRun]:
        """The newest first."""
        return await self._runs.list_recent(limit, handler)

    async def read_log(self, log_id: int, from_line: int) -> LogPage:
        """The run's log from a line on, as its executor has it. Raises NotFoundError, UpstreamError."""
        run = await self.get_run(log_id)
        if run.trigger_code != ResultCode.SUCCESS and run.handle_code == ResultCode.PENDING:
            return LogPage(from_line, from_line - 1, "", is_end=run.state.is_over)
        answer = await self._client.read_log(run, from_line)
        if not answer.is_ok:
            raise UpstreamError(f"the executor can't give the log: {answer.message}")
        return _log_page(answer.payload, from_line, is_over=run.state.is_over)

    async def kill(self, log_id: int) -> ConsoleRun:
        """Ends the run as XXL-JOB's console does: the executor is told, and the run is marked failed here and now.

        What the executor calls back afterwards is ignored. Raises NotFoundError, ConflictError, UpstreamError.
        """
        run = await self.get_run(log_id)
        if run.state is not ConsoleRunState.RUNNING:
            raise ConflictError(f"only a running run can be killed, this one is: {run.state}")
        answer = await self._client.kill(run.address, run.job_id)
        if not answer.is_ok:
            raise UpstreamError(f"the executor can't kill the run: {answer.message}")
        killed = Outcome(log_id, ResultCode.FAILURE, f"{KILLED_BY_HAND}:{answer.message}")
        # pyxxl calls the cancellation back before it answers: whoever looks at the run shall see that it was killed.
        await self._runs.record_outcome(killed, at_ms=now_ms(self._clock), over_failure=True)
        log.bind(log_id=log_id).info("run killed")
        return await self.get_run(log_id)

    async def close(self) -> None:
        """Closes the connections to the executors."""
        await self._client.close()

    def _route(self, order: RunOrder) -> tuple[RunOrder, list[str]]:
        order = replace(order, app_name=order.app_name or self._default_app_name())
        addresses = [found.address for found in self._executors.list_alive(order.app_name)]
        if not addresses:
            raise NoExecutor(details={"app_name": order.app_name})
        return order, addresses

    async def _open_run(self, order: RunOrder, address: str) -> ConsoleRun:
        log_id = self._log_ids.take()
        run = ConsoleRun(
            log_id=log_id,
            job_id=self.job_id(order.handler),
            order=order,
            address=address,
            trace_id=run_trace_id(order.app_name, log_id),
            triggered_at_ms=now_ms(self._clock),
        )
        await self._runs.add(run)
        return run

    async def _hand_over(self, run: ConsoleRun) -> ConsoleRun:
        return await self._close_trigger(run, await self._client.run(run))

    async def _close_trigger(self, run: ConsoleRun, answer: ExecutorAnswer) -> ConsoleRun:
        fields = log.bind(handler=run.order.handler, log_id=run.log_id, address=run.address, code=answer.code)
        if answer.is_ok:
            fields.info("run triggered")
        else:
            fields.bind(reason=answer.message).warning("trigger failed")
        return await self._runs.record_trigger(run.log_id, code=answer.code, message=answer.message) or run


def _log_page(payload: object, from_line: int, *, is_over: bool) -> LogPage:
    """What an executor sent, with one idea of an empty page, and without a last line that is still being written."""
    try:
        sent = parse_log(payload)
    except ProtocolError as error:
        raise UpstreamError(f"the executor's log can't be read: {error}") from error
    content, to_line = sent.content, sent.to_line
    if not is_over and content and not content.endswith("\n"):
        content, to_line = content[: content.rfind("\n") + 1], to_line - 1
    if not content:
        return LogPage(from_line, from_line - 1, "", is_end=is_over)
    content = _first_lines(content, max(to_line - from_line + 1, 1))
    return LogPage(from_line, max(to_line, from_line), content, is_end=False)


def _first_lines(content: str, count: int) -> str:
    """Without what follows the page's last line: an executor's remark for consoles that don't ask on."""
    lines = content.split("\n", count)
    return "".join(f"{line}\n" for line in lines[:count]) if len(lines) > count else content
