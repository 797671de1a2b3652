"""Where the body of a run is executed: the port that each kind of body fits."""

from typing import Protocol

from app.jobs.run import Run


class Body(Protocol):
    """One kind of body. Both methods return at once and are called from any thread."""

    def start(self, run: Run) -> None:
        """Executes the run's function inside the chain, so that its result gets fixed whatever happens.

        Afterwards `events.ended(run)` exactly once, also when the body never began. A run whose result is fixed
        already (it was stopped while it waited) must not begin.
        """
        ...

    def stop(self, run: Run) -> None:
        """Asks the body to end. The result is fixed, `run.stop_event` is set; what the body makes of it isn't asked."""
        ...
