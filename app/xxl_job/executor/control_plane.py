"""The control plane: a thread with its own event loop for protocol, registration and callbacks.

It uses nothing of the main loop and reads the settings by reference: a job that blocks the main loop can't silence it.
"""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from contextlib import AsyncExitStack
from typing import Final

import uvloop

from app.bootstrap import job_packages
from app.common.logger import log
from app.common.supervision import failure_of
from app.config.xxl_job_config import ExecutorConfiguration
from app.jobs.chain import RunChain, build_chain
from app.jobs.ledger.base import RunLedger
from app.jobs.options import Isolation
from app.jobs.record import RunRecord
from app.jobs.registry import JobRegistry
from app.jobs.runner import JobRunner
from app.runtime import Runtime
from app.xxl_job.executor.address import resolve_address
from app.xxl_job.executor.console_client import ConsoleClient
from app.xxl_job.executor.drain import Drain
from app.xxl_job.executor.engine import Engine
from app.xxl_job.executor.engine_parts import ABANDON_SECONDS, EngineParts
from app.xxl_job.executor.gil_watch import watching_the_gil
from app.xxl_job.executor.isolation.body import IsolatedBody, open_isolated_body
from app.xxl_job.executor.job_logs import JobLogs
from app.xxl_job.executor.live_configuration import LiveConfiguration
from app.xxl_job.executor.log_upkeep import LogUpkeep
from app.xxl_job.executor.mailbox import Mailbox, PostedEvents
from app.xxl_job.executor.outbox import CallbackOutbox
from app.xxl_job.executor.port import Port
from app.xxl_job.executor.pyxxl_base import ExecutorRunner, pyxxl_globals
from app.xxl_job.executor.registrar import Registrar
from app.xxl_job.executor.run_ledger import open_run_ledger
from app.xxl_job.executor.runs_page import RunsPage
from app.xxl_job.executor.scripts.desk import ScriptDesk
from app.xxl_job.executor.scripts.surroundings import ScriptFolders
from app.xxl_job.executor.server import Endpoints
from app.xxl_job.executor.unreported import Unreported
from app.xxl_job.executor.upkeep import Upkeep

RESTART_SECONDS: Final = 1.0


class ControlPlane:
    """Started from the main loop, whose async jobs it triggers; stopped by `request_stop` from anywhere."""

    def __init__(
        self,
        runtime: Runtime,
        registry: JobRegistry,
        main_loop: asyncio.AbstractEventLoop,
        *,
        abandon_seconds: float = ABANDON_SECONDS,
    ) -> None:
        """Raises StartupError when the settings can't be used."""
        self._runtime = runtime
        self._registry = registry
        self._main_loop = main_loop
        self._abandon_seconds = abandon_seconds
        self._live = LiveConfiguration(runtime.environment, lambda: runtime.settings.state)
        self._thread = threading.Thread(target=self._run, name="control", daemon=True)
        self._ready: Future[str] = Future()
        self._done: Future[None] = Future()
        self._loop = uvloop.new_event_loop()
        self._stop = asyncio.Event()
        self._hurry = asyncio.Event()
        self.port = 0

    async def start(self) -> str:
        """Binds the port and returns the address the console is told. Raises OSError for a port that is taken."""
        self._thread.start()
        return await asyncio.wrap_future(self._ready)

    def request_stop(self) -> None:
        """Begins the drain; asked again, it waits for no run any more. Safe in a signal handler and any thread."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._take_stop)

    async def stopped(self) -> None:
        """Returns when the control plane has ended. Raises what ended it, if that was no drain."""
        await asyncio.wrap_future(self._done)

    def on_stopped(self, listener: Callable[[BaseException | None], None]) -> None:
        """`listener` is called in the control thread when it has ended, with what ended it if that was no drain."""
        self._done.add_done_callback(lambda done: listener(done.exception()))

    def _take_stop(self) -> None:
        (self._hurry if self._stop.is_set() else self._stop).set()

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            error = runner.run(failure_of(self._serve()))
        if error is not None and not self._ready.done():
            self._ready.set_exception(error)
            self._done.set_result(None)
        elif error is not None:
            self._done.set_exception(error)
        else:
            self._done.set_result(None)

    async def _serve(self) -> None:
        async with AsyncExitStack() as stack:
            port = Port()
            await port.bind(stack, self._live.current)
            self.port = port.number
            ledger, resumed = await open_run_ledger(
                stack, self._runtime.environment, self._live.current, port.number, self._is_resumable
            )
            client = await stack.enter_async_context(ConsoleClient())
            outbox = CallbackOutbox(Unreported(ledger), lambda batch: client.callback(self._live.current, batch))
            logs = JobLogs(self._runtime.environment.xxl_log_path, lambda: self._live.current.limits)
            stack.callback(logs.close)
            engine = self._build_engine(stack, ledger, outbox, logs)
            endpoints = Endpoints(engine, logs, lambda: self._live.current, RunsPage(ledger))
            registrar = Registrar(
                client,
                lambda: self._live.current,
                self._resolve,
                on_registered=lambda anew: outbox.wake(anew=anew),
            )
            address = await self._resolve(self._live.current)
            for record in resumed:
                engine.resume(record, self._registry.get(record.handler))
            await port.serve(stack, ExecutorRunner(self._live.current, lambda: endpoints).create_server_app())
            upkeep = Upkeep(engine, ledger, port, lambda: self._live.current.limits)
            works = {
                "registration": registrar.run,
                "callbacks": outbox.run,
                "ticks": upkeep.tick,
                "run retention": upkeep.expire,
                "log upkeep": LogUpkeep(logs.tidy).run,
            }
            async with asyncio.TaskGroup() as group:
                tasks = {name: group.create_task(supervised(name, work)) for name, work in works.items()}
                self._ready.set_result(address)
                await self._stop.wait()
                tasks.pop("registration").cancel()
                await Drain(engine, registrar, outbox, self._hurry).run(self._live.current.limits.drain_seconds)
                for task in tasks.values():
                    task.cancel()

    def _is_resumable(self, record: RunRecord) -> bool:
        definition = self._registry.find(record.handler)
        return definition is not None and definition.options.resumable

    def _build_engine(self, stack: AsyncExitStack, ledger: RunLedger, outbox: CallbackOutbox, logs: JobLogs) -> Engine:
        mailbox = Mailbox(self._loop)
        events = PostedEvents(mailbox)
        chain = build_chain(self._runtime, events, logs.open, (pyxxl_globals,))
        isolated = self._open_isolation(stack, chain)
        runner = JobRunner(self._main_loop, chain, {Isolation.PROCESS: isolated})
        stack.enter_context(watching_the_gil(runner.executions.list_since))
        engine = Engine(
            EngineParts(
                definition_for=self._build_scripts().definition_for,
                instance=self._runtime.instance,
                ledger=ledger,
                outbox=outbox,
                chain=chain,
                runner=runner,
                current=lambda: self._live.current,
                post=mailbox.post,
                call_later=self._loop.call_later,
                abandon_seconds=self._abandon_seconds,
            )
        )
        events.receiver = engine
        return engine

    def _open_isolation(self, stack: AsyncExitStack, chain: RunChain) -> IsolatedBody:
        packages = job_packages(self._runtime.settings.state.snapshot.settings)
        body = open_isolated_body(chain, self._runtime, packages, lambda: self._live.current.limits.isolation_workers)
        stack.push_async_callback(asyncio.to_thread, body.close)
        return body

    def _build_scripts(self) -> ScriptDesk:
        folders = ScriptFolders(self._runtime.environment.data_dir / "scripts" / self._runtime.instance)
        return ScriptDesk(self._registry, lambda: self._live.current.limits.scripts, folders)

    async def _resolve(self, configuration: ExecutorConfiguration) -> str:
        return await asyncio.to_thread(resolve_address, configuration, self.port)


async def supervised(name: str, work: Callable[[], Awaitable[None]]) -> None:
    """Starts `work` again whenever it fails, until cancelled."""
    while True:
        error = await failure_of(work())
        log.bind(task=name).opt(exception=error).error("control task failed, it is started again")
        await asyncio.sleep(RESTART_SECONDS)
