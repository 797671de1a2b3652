"""Runs the bodies of jobs, each where its kind belongs."""

import asyncio
from collections.abc import Mapping

from app.common.errors import StartupError
from app.jobs.bodies import Body
from app.jobs.body_coroutine import CoroutineBody
from app.jobs.body_thread import ThreadBody
from app.jobs.chain import RunChain
from app.jobs.executions import Executions
from app.jobs.options import Isolation
from app.jobs.result import failed
from app.jobs.run import Run


class JobRunner:
    """Starts and stops bodies; callable from any thread."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, chain: RunChain, bodies: Mapping[Isolation, Body] | None = None
    ) -> None:
        """`bodies`: who runs what asks for an isolation; a job whose isolation nobody provides fails when it is run."""
        self.executions = Executions()
        self._chain = chain
        self._coroutines = CoroutineBody(loop, chain, self.executions)
        self._threads = ThreadBody(chain, self.executions)
        self._bodies = dict(bodies or {})

    def start(self, run: Run) -> None:
        """Starts the body; `events.ended` tells when it has ended, also when it never began."""
        body = self._body_of(run)
        if body is not None:
            body.start(run)
            return
        isolation = run.definition.options.isolation
        self._chain.settle(run, failed(StartupError(f"isolation={isolation} is not available here")))
        self._chain.events.ended(run)

    def stop(self, run: Run) -> None:
        """Asks the body to end. The result must be fixed before: what the body makes of the request is not asked."""
        run.stop_event.set()
        body = self._body_of(run)
        if body is not None:
            body.stop(run)

    def _body_of(self, run: Run) -> Body | None:
        isolation = run.definition.options.isolation
        if isolation is not Isolation.NONE:
            return self._bodies.get(isolation)
        return self._coroutines if run.definition.is_async else self._threads
