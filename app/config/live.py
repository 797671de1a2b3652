"""LiveSettings: takes texts, and applies each whole or refuses it whole."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from types import MappingProxyType
from typing import Any

from app.common.context import unpinned_context
from app.common.errors import SettingsRefused, StartupError, Unavailable
from app.common.logger import log
from app.common.supervision import failure_of, failure_of_call
from app.config import transaction
from app.config.compose import Composed, Schema, compose
from app.config.history import ApplyResult, Attempt, Outcome, diff, fields_to_restart_for
from app.config.reporting import LiveObserver, Reports
from app.config.resource import Health, Refused, Resource
from app.config.snapshot import LiveState, Settings, Snapshot, current, section, settings, snapshot
from app.config.sources.base import ConfigSource, Documents, Trigger
from app.config.subscriptions import Subscriptions, on_change, subscriptions
from app.config.transaction import AnyResource, Prepared

__all__ = [
    "Health", "LiveSettings", "LiveState", "Refused", "Resource", "Settings", "Snapshot",
    "on_change", "section", "settings", "snapshot",
]  # fmt: skip


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
        self.reports = Reports(observer)
        self.refusal: Refusal | None = None
        self.missing: dict[str, str] = {}
        self.from_last_good = False
        self._schema = schema
        self._resources = tuple(resources)
        self._listeners = listeners
        self._announce = announce
        self._on_secrets = on_secrets
        self._state: LiveState | None = None
        self._composed: Composed | None = None
        self._started_with: Composed | None = None
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

    @property
    def needs_restart(self) -> tuple[str, ...]:
        """Fields that differ from what this process started with, and are read only at start."""
        return fields_to_restart_for(self._started_with or self.composed, self.composed, self._schema.models)

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
        attempt, refused = Attempt(await self.source.open(), Trigger.START), None
        try:
            composed = await self._compose(attempt.documents)
        except SettingsRefused as refusal:
            refused = self._refuse(attempt, refusal)
            attempt, composed = await self._last_good(refusal)
        prepared = await transaction.prepare(self._resources, composed.settings, None)
        self._started_with = composed
        self._install(attempt.documents, composed, prepared.values)
        self._commit(self._resources, prepared, {})
        for name, reason in prepared.refusals.items():
            self.missing[name] = reason.message
            self.reports.missing(name, reason.message)
        if refused is not None:
            self.reports.applied(refused)
        await self._conclude(attempt.documents, attempt.result(Outcome.APPLIED, 1))

    async def _last_good(self, refusal: SettingsRefused) -> tuple[Attempt, Composed]:
        """The last-known-good text in place of a first text that is refused."""
        documents = await self.source.load_last_good()
        if documents is None:
            raise StartupError(refusal.message, details=refusal.details) from refusal
        try:
            return Attempt(documents, Trigger.START), await self._compose(documents)
        except SettingsRefused as second:
            raise StartupError(f"the last good text: {second.message}", details=second.details) from second

    async def _compose(self, documents: Documents) -> Composed:
        """In a thread: 50 KB take as many milliseconds, and secrets are read from files."""
        composed = await asyncio.to_thread(compose, documents, self._schema)
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
        while True:
            before = self._position
            documents = await self.source.fetch()
            async with self._lock:
                if before == self._position:
                    return await self._take(documents, trigger)
            # another text came while this one was read: it may be the newer one, so what was read says nothing

    @property
    def _position(self) -> tuple[int, str | None]:
        """Moves whenever a text is applied or refused that wasn't before."""
        return self.state.snapshot.revision, self.refusal.documents.md5 if self.refusal else None

    async def apply(self, documents: Documents, trigger: Trigger) -> ApplyResult:
        """Applies the text whole, or refuses it whole. Never raises for what the text says or a resource answers."""
        async with self._lock:
            return await self._take(documents, trigger)

    async def _take(self, documents: Documents, trigger: Trigger) -> ApplyResult:
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
        changes = await asyncio.to_thread(diff, old, new)
        if documents.md5 == state.snapshot.md5 and not changes:
            self.refusal = None
            return attempt.result(Outcome.UNCHANGED, state.snapshot.revision)
        targets = transaction.affected(self._resources, new.settings, old.settings)
        prepared = await transaction.prepare(targets, new.settings, old.settings)
        if prepared.refusals:
            await asyncio.shield(transaction.discard(targets, prepared.values))
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
            needs_restart=fields_to_restart_for(old, new, self._schema.models),
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
        counted = self._state.snapshot.revision + 1 if self._state else 1
        revision = documents.version[0] if documents.version is not None else counted
        kind = f"{documents.source} (last good)" if documents.from_last_good else documents.source
        installed = Snapshot(revision, documents.md5, datetime.now(UTC), kind, composed.settings)
        self.reports.hint(composed.warnings)
        self._composed = composed
        self._state = current.state = LiveState(installed, MappingProxyType(dict(values)))

    def _commit(self, resources: Sequence[AnyResource], prepared: Prepared, former: Mapping[str, Any]) -> None:
        for resource in resources:
            if resource.name in prepared.values:
                if error := failure_of_call(partial(resource.commit, prepared.values[resource.name])):
                    self.reports.failed(f"commit {resource.name}", error)
                if self.missing.pop(resource.name, None) is not None:
                    self.reports.connected(resource.name)
                self._spawn(self._settle(resource, former.get(resource.name)))

    async def _settle(self, resource: AnyResource, old: Any) -> None:
        if error := await failure_of(resource.settle(old)):
            self.reports.failed(f"settle {resource.name}", error)

    async def _notify(self, new: Settings, old: Settings) -> None:
        async with self._notifying:
            for failure in await self._listeners.notify(new, old):
                self.reports.failed(f"on_change {failure.path} {failure.listener}", failure.error)

    async def _conclude(self, documents: Documents, result: ApplyResult) -> None:
        self.reports.applied(result)
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
            values = MappingProxyType({**state.values, **prepared.values})
            self._state = current.state = LiveState(state.snapshot, values)
            self._commit(targets, prepared, {})
            self.missing.update({name: refusal.message for name, refusal in prepared.refusals.items()})

    async def retry_pending(self) -> None:
        """Applies the pending text once more, unless a newer one has come."""
        async with self._lock:
            if self.refusal is not None and self.refusal.is_pending:
                await self._take(self.refusal.documents, Trigger.RETRY)

    async def check_all(self) -> Mapping[str, Health]:
        """Every resource's health, asked at the same time."""
        return await transaction.check(self._resources, self.missing)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work, context=unpinned_context())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    @property
    def is_settling(self) -> bool:
        """Whether anything that a commit started is still running."""
        return bool(self._tasks)

    async def close(self) -> None:
        """Ends what is still settling, and closes the resources, last registered first."""
        await asyncio.sleep(0)  # what was cancelled before it began would close nothing
        for task in (tasks := tuple(self._tasks)):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._state is not None:
            await transaction.discard(tuple(reversed(self._resources)), self._state.values)
            if current.state is self._state:
                current.state = None
        await self.source.close()
