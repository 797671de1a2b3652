"""LiveSettings: takes texts, and applies each whole or refuses it whole."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Protocol

from app.common.errors import SettingsRefused, StartupError, Unavailable
from app.common.logger import log
from app.common.supervision import failure_of
from app.config import transaction
from app.config.compose import Composed, Schema, compose
from app.config.history import ApplyResult, Attempt, History, Outcome, diff, paths_read_at_start
from app.config.resource import Health, Refused, Resource
from app.config.snapshot import LiveState, Settings, Snapshot, current, section, settings, snapshot
from app.config.sources.base import ConfigSource, Documents, Trigger
from app.config.subscriptions import Subscriptions, on_change, subscriptions
from app.config.transaction import AnyResource, Prepared

__all__ = [
    "Health", "LiveSettings", "LiveState", "Refused", "Resource", "Settings", "Snapshot",
    "on_change", "section", "settings", "snapshot",
]  # fmt: skip

INLINE_CHARACTERS: Final = 64 * 1024
"""Longer documents are parsed in a thread, so that the loop keeps serving."""
CHECK_SECONDS: Final = 2.0


class LiveObserver(Protocol):
    """Is told what happens to the settings; wired to alerts by the composition root. Must not block or raise."""

    def applied(self, result: ApplyResult) -> None:
        """An apply ended, whatever its outcome."""
        ...

    def resource_changed(self, name: str, missing: str | None) -> None:
        """A resource is missing, with the reason, or (None) is there after it was missing."""
        ...

    def failed(self, what: str, error: BaseException) -> None:
        """Something after the commit failed: draining the old, or a listener. Nothing is undone."""
        ...


@dataclass(frozen=True)
class Refusal:
    """The newest text, if it was not applied."""

    documents: Documents
    result: ApplyResult

    @property
    def is_pending(self) -> bool:
        return self.result.outcome is Outcome.PENDING


class LiveSettings:
    """The process's settings and resources. Applies on one event loop, one at a time; `state` is read from anywhere."""

    def __init__(
        self,
        source: ConfigSource,
        schema: Schema,
        resources: Sequence[AnyResource],
        observer: LiveObserver,
        *,
        listeners: Subscriptions = subscriptions,
        announce: Callable[[], None] = lambda: None,
        on_secrets: Callable[[frozenset[str]], None] = lambda _: None,
    ) -> None:
        """`announce` asks the other processes on this machine to pull; it may block and raise OSError.

        `on_secrets` is given every substituted value before anything could log it.
        """
        self.source = source
        self.history = History()
        self.refusal: Refusal | None = None
        self.missing: dict[str, str] = {}
        self.from_last_good = False
        self.warnings: tuple[str, ...] = ()
        self._schema = schema
        self._resources = tuple(resources)
        self._observer = observer
        self._listeners = listeners
        self._announce = announce
        self._on_secrets = on_secrets
        self._state: LiveState | None = None
        self._composed: Composed | None = None
        self._lock = asyncio.Lock()
        self._notifying = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def state(self) -> LiveState:
        """The current snapshot and values; read by reference from any thread."""
        if self._state is None:
            raise Unavailable("the settings are not loaded yet")
        return self._state

    @property
    def composed(self) -> Composed:
        """The current settings with each value's origin."""
        if self._composed is None:
            raise Unavailable("the settings are not loaded yet")
        return self._composed

    def value(self, name: str) -> Any:
        """The current value of a resource. Raises Unavailable at once, naming it, when it isn't connected."""
        try:
            return self.state.values[name]
        except KeyError:
            raise Unavailable(f"{name} is not available") from None

    async def start(self) -> None:
        """Loads the first settings and connects the resources. Raises StartupError when no valid text can be had.

        A resource that can't connect is `missing` from then on; it doesn't stop the start.
        """
        attempt = Attempt(await self.source.open(), Trigger.START)
        try:
            composed = await self._compose(attempt.documents)
        except SettingsRefused as refusal:
            attempt, composed = await self._fall_back(attempt, refusal)
        prepared = await transaction.prepare(self._resources, composed.settings, None)
        self._install(attempt.documents, composed, prepared.values)
        self._commit(self._resources, prepared, {})
        for name, reason in prepared.refusals.items():
            self._lose(name, reason.message)
        await self._conclude(attempt.documents, attempt.result(Outcome.APPLIED, 1))

    async def _fall_back(self, attempt: Attempt, refusal: SettingsRefused) -> tuple[Attempt, Composed]:
        """The last-known-good text in place of a first text that is refused."""
        last_good = await self.source.load_last_good()
        if last_good is None:
            raise StartupError(refusal.message, details=refusal.details) from refusal
        self.history.add(self._refuse(attempt, refusal))
        try:
            return Attempt(last_good, Trigger.START), await self._compose(last_good)
        except SettingsRefused as second:
            raise StartupError(f"the last good text: {second.message}", details=second.details) from second

    async def _compose(self, documents: Documents) -> Composed:
        if sum(len(document.text) for document in documents.items) > INLINE_CHARACTERS:
            composed = await asyncio.to_thread(compose, documents, self._schema)
        else:
            composed = compose(documents, self._schema)
        self._on_secrets(composed.secrets)
        return composed

    async def refresh(self, trigger: Trigger = Trigger.REFRESH) -> ApplyResult:
        """Pulls, and asks the other processes on this machine to do so too. Raises SourceUnavailable."""
        result = await self.pull(trigger)
        if error := await failure_of(asyncio.to_thread(self._announce)):
            log.bind(reason=str(error)).warning("other processes could not be asked to refresh")
        return result

    async def pull(self, trigger: Trigger) -> ApplyResult:
        """Reads the source now and applies what it holds. Raises SourceUnavailable."""
        return await self.apply(await self.source.fetch(), trigger)

    async def apply(self, documents: Documents, trigger: Trigger) -> ApplyResult:
        """Applies the text whole, or refuses it whole. Never raises for what the text says or a resource answers."""
        async with self._lock:
            result = await self._apply(documents, trigger)
            await self._conclude(documents, result)
        return result

    async def _apply(self, documents: Documents, trigger: Trigger) -> ApplyResult:
        attempt = Attempt(documents, trigger)
        try:
            new = await self._compose(documents)
        except SettingsRefused as refusal:
            return self._refuse(attempt, refusal)
        old, state = self.composed, self.state
        changes = diff(old, new)
        if documents.md5 == state.snapshot.md5 and not changes:
            self.refusal = None
            return attempt.result(Outcome.UNCHANGED, state.snapshot.revision)
        targets = transaction.affected(self._resources, new.settings, old.settings)
        prepared = await transaction.prepare(targets, new.settings, old.settings)
        if prepared.refusals:
            await transaction.discard(targets, prepared.values)
            return self._refuse(attempt, prepared)
        self._install(documents, new, {**state.values, **prepared.values})
        self._commit(targets, prepared, state.values)
        self.refusal = None
        self._spawn(self._notify(new.settings, old.settings))
        return attempt.result(
            Outcome.APPLIED,
            self.state.snapshot.revision,
            changes=changes,
            resources=tuple(prepared.values),
            needs_restart=paths_read_at_start(changes, self._schema.models),
        )

    def _refuse(self, attempt: Attempt, refusal: SettingsRefused | Prepared) -> ApplyResult:
        if isinstance(refusal, Prepared):
            outcome = Outcome.PENDING if refusal.is_transient else Outcome.REFUSED
            reasons = refusal.reasons
        else:
            outcome, reasons = Outcome.REFUSED, tuple(refusal.details.get("reasons", (refusal.message,)))
        result = attempt.result(outcome, self._state.snapshot.revision if self._state else 0, reasons=reasons)
        self.refusal = Refusal(attempt.documents, result)
        return result

    def _install(self, documents: Documents, composed: Composed, values: Mapping[str, Any]) -> None:
        revision = self._state.snapshot.revision + 1 if self._state else 1
        kind = f"{documents.source} (last good)" if documents.from_last_good else documents.source
        installed = Snapshot(revision, documents.md5, datetime.now(UTC), kind, composed.settings)
        self._warn(composed.warnings)
        self._composed = composed
        self._state = current.state = LiveState(installed, values)

    def _warn(self, warnings: tuple[str, ...]) -> None:
        for warning in warnings:
            if warning not in self.warnings:
                log.bind(hint=warning).warning("settings key is not known")
        self.warnings = warnings

    def _commit(self, resources: Sequence[AnyResource], prepared: Prepared, former: Mapping[str, Any]) -> None:
        for resource in resources:
            if resource.name in prepared.values:
                resource.commit(prepared.values[resource.name])
                if self.missing.pop(resource.name, None) is not None:
                    self._observer.resource_changed(resource.name, None)
                self._spawn(self._settle(resource, former.get(resource.name)))

    def _lose(self, name: str, reason: str) -> None:
        if name not in self.missing:
            log.bind(resource=name, reason=reason).error("resource is missing, it is tried again")
            self._observer.resource_changed(name, reason)
        self.missing[name] = reason

    async def _settle(self, resource: AnyResource, old: Any) -> None:
        if error := await failure_of(resource.settle(old)):
            log.bind(resource=resource.name).opt(exception=error).error("resource failed to settle")
            self._observer.failed(f"settle {resource.name}", error)

    async def _notify(self, new: Settings, old: Settings) -> None:
        async with self._notifying:
            for failure in await self._listeners.notify(new, old):
                self._observer.failed(f"on_change {failure.path} {failure.listener}", failure.error)

    async def _conclude(self, documents: Documents, result: ApplyResult) -> None:
        self.history.add(result)
        _log(result)
        self._observer.applied(result)
        if result.outcome in {Outcome.APPLIED, Outcome.UNCHANGED}:
            self.from_last_good = documents.from_last_good
            if not documents.from_last_good:
                await self.source.remember(documents)

    async def prepare_missing(self) -> None:
        """Tries again to connect what is missing; what connects joins the current state."""
        async with self._lock:
            targets = tuple(item for item in self._resources if item.name in self.missing)
            if not targets:
                return
            prepared = await transaction.prepare(targets, self.state.snapshot.settings, None)
            state = self.state
            self._state = current.state = LiveState(state.snapshot, {**state.values, **prepared.values})
            self._commit(targets, prepared, {})
            self.missing.update({name: refusal.message for name, refusal in prepared.refusals.items()})

    async def retry_pending(self) -> None:
        """Applies the pending text once more, unless a newer one has come."""
        refusal = self.refusal
        if refusal is not None and refusal.is_pending:
            await self.apply(refusal.documents, Trigger.RETRY)

    async def check_all(self) -> Mapping[str, Health]:
        """Every resource's health, asked at the same time."""

        async def check(resource: AnyResource) -> Health:
            if resource.name in self.missing:
                return Health(up=False, reason=self.missing[resource.name])
            try:
                async with asyncio.timeout(CHECK_SECONDS):
                    return await resource.check()
            except TimeoutError:
                return Health(up=False, reason=f"no answer within {CHECK_SECONDS:g} s")

        answers = await asyncio.gather(*(check(resource) for resource in self._resources))
        return dict(zip((resource.name for resource in self._resources), answers, strict=True))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    @property
    def is_settling(self) -> bool:
        """Whether anything that a commit started is still running."""
        return bool(self._tasks)

    async def close(self) -> None:
        """Ends what is still settling, and closes the resources, last registered first."""
        for task in (tasks := tuple(self._tasks)):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._state is not None:
            await transaction.discard(tuple(reversed(self._resources)), self._state.values)
            if current.state is self._state:
                current.state = None
        await self.source.close()


def _log(result: ApplyResult) -> None:
    line = log.bind(trigger=result.trigger.value, revision=result.revision, md5=result.md5)
    if result.outcome in {Outcome.REFUSED, Outcome.PENDING}:
        line.bind(outcome=result.outcome.value, reasons="; ".join(result.reasons)).error("settings refused")
    elif result.outcome is Outcome.APPLIED and result.trigger is not Trigger.START:
        line.bind(changes="; ".join(map(str, result.changes)), resources=",".join(result.resources)).info(
            "settings applied"
        )
