"""What is done with all resources at once: prepared, discarded, checked."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from app.common.logger import log
from app.common.supervision import failure_of
from app.config.resource import Health, Refused, Resource
from app.config.snapshot import Settings

AnyResource = Resource[Any, Any]
CHECK_SECONDS: Final = 2.0


@dataclass
class Prepared:
    """What the resources answered."""

    values: dict[str, Any] = field(default_factory=dict)
    refusals: dict[str, Refused] = field(default_factory=dict)

    @property
    def reasons(self) -> tuple[str, ...]:
        return tuple(f"{name}: {refusal.message}" for name, refusal in self.refusals.items())

    @property
    def is_transient(self) -> bool:
        """Whether trying the same text again may end otherwise."""
        return bool(self.refusals) and all(refusal.transient for refusal in self.refusals.values())


def section_of(resource: AnyResource, settings: Settings) -> Any:
    """The typed section that a resource reacts to."""
    if resource.section in settings.features:
        return settings.features[resource.section]
    return getattr(settings, resource.section.replace("-", "_"))


def affected(resources: Sequence[AnyResource], new: Settings, old: Settings) -> tuple[AnyResource, ...]:
    """The resources whose section differs."""
    return tuple(item for item in resources if section_of(item, new) != section_of(item, old))


async def prepare(resources: Sequence[AnyResource], new: Settings, old: Settings | None) -> Prepared:
    """Prepares all at once, each within `settings.prepare_timeout_seconds`. A cancelled apply leaves nothing behind."""
    prepared = Prepared()
    try:
        async with asyncio.TaskGroup() as group:
            for resource in resources:
                group.create_task(_prepare_one(resource, new, old, prepared))
    except BaseException:
        await asyncio.shield(discard(resources, prepared.values))
        raise
    return prepared


async def _prepare_one(resource: AnyResource, new: Settings, old: Settings | None, prepared: Prepared) -> None:
    seconds = new.meta.prepare_timeout_seconds
    former = section_of(resource, old) if old is not None else None

    async def work() -> None:
        async with asyncio.timeout(seconds):
            prepared.values[resource.name] = await resource.prepare(section_of(resource, new), former)

    match await failure_of(work()):
        case Refused() as refusal:
            prepared.refusals[resource.name] = refusal
        case TimeoutError():
            prepared.refusals[resource.name] = Refused(f"was not ready within {seconds:g} s", transient=True)
        case Exception() as error:
            log.bind(resource=resource.name).opt(exception=error).error("resource failed to prepare")
            prepared.refusals[resource.name] = Refused(f"failed with {type(error).__name__}; see the log")


async def discard(resources: Sequence[AnyResource], values: Mapping[str, Any]) -> None:
    """Closes values that are not, or no longer, in use. A failure is logged, and the next one is closed."""
    for resource in resources:
        if resource.name in values and (error := await failure_of(resource.discard(values[resource.name]))):
            log.bind(resource=resource.name).opt(exception=error).error("resource failed to close")


async def check(resources: Sequence[AnyResource], missing: Mapping[str, str]) -> Mapping[str, Health]:
    """Every resource's health, asked at the same time; of the missing ones their reason."""

    async def check_one(resource: AnyResource) -> Health:
        if resource.name in missing:
            return Health(up=False, reason=missing[resource.name])
        try:
            async with asyncio.timeout(CHECK_SECONDS):
                return await resource.check()
        except TimeoutError:
            return Health(up=False, reason=f"no answer within {CHECK_SECONDS:g} s")

    answers = await asyncio.gather(*map(check_one, resources))
    return dict(zip((resource.name for resource in resources), answers, strict=True))
