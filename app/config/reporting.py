"""What happens to the settings is told: to history, log, metrics, and the observer that raises alerts."""

from typing import Protocol

from app.common.logger import log
from app.common.metrics import SETTINGS_APPLIES, SETTINGS_FROM_LAST_GOOD
from app.config.history import ApplyResult, History, Outcome
from app.config.sources.base import Trigger


class LiveObserver(Protocol):
    """Is told what happens to the settings; wired to alerts by the composition root. Must not block or raise."""

    def applied(self, result: ApplyResult) -> None:
        """An apply ended, whatever its outcome."""
        ...

    def resource_changed(self, name: str, missing: str | None) -> None:
        """A resource is missing, with the reason, or (None) is there after it was missing."""
        ...

    def failed(self, what: str, error: BaseException) -> None:
        """Something from the commit on failed: draining the old, or a listener. Nothing is undone."""
        ...


class Reports:
    """Remembers what was said already, so that each matter is logged once."""

    def __init__(self, observer: LiveObserver) -> None:
        self.history = History()
        self.warnings: tuple[str, ...] = ()
        self._observer = observer

    def applied(self, result: ApplyResult) -> None:
        self.history.add(result)
        SETTINGS_APPLIES.inc(outcome=result.outcome.value)
        if result.outcome in {Outcome.APPLIED, Outcome.UNCHANGED}:
            SETTINGS_FROM_LAST_GOOD.set(result.from_last_good)
        _log(result)
        self._observer.applied(result)

    def hint(self, warnings: tuple[str, ...]) -> None:
        """Keys that nobody reads in the settings now in force."""
        for warning in warnings:
            if warning not in self.warnings:
                log.bind(hint=warning).warning("settings key is not known")
        self.warnings = warnings

    def missing(self, name: str, reason: str) -> None:
        log.bind(resource=name, reason=reason).error("resource is missing, it is tried again")
        self._observer.resource_changed(name, reason)

    def connected(self, name: str) -> None:
        log.bind(resource=name).info("resource is there again")
        self._observer.resource_changed(name, None)

    def failed(self, what: str, error: BaseException) -> None:
        log.bind(what=what).opt(exception=error).error("failed after the settings were applied")
        self._observer.failed(what, error)


def _log(result: ApplyResult) -> None:
    line = log.bind(trigger=result.trigger.value, revision=result.revision, md5=result.md5)
    if result.outcome in {Outcome.REFUSED, Outcome.PENDING}:
        line.bind(outcome=result.outcome.value, reasons="; ".join(result.reasons)).error("settings refused")
    elif result.outcome is Outcome.APPLIED and result.trigger is not Trigger.START:
        line.bind(changes="; ".join(map(str, result.changes)), resources=",".join(result.resources)).info(
            "settings applied"
        )
