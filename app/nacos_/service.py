"""Settings as operators see and move them: one process's answers, each naming the process."""

import asyncio
from typing import Any

from app.common.errors import SourceUnavailable, UpstreamError
from app.config.sources.base import Trigger
from app.config.views import build_config_view, build_status_view
from app.nacos_.schemas import HistoryAnswer, RefreshAnswer
from app.runtime import Runtime


async def get_config(runtime: Runtime, *, origin: bool) -> dict[str, Any]:
    """The effective document, secrets masked; with `origin` every value names its layer."""
    # in a thread: a document of 4 MiB takes a second
    return await asyncio.to_thread(build_config_view, runtime.settings.composed, origin=origin)


async def refresh(runtime: Runtime) -> RefreshAnswer:
    """Pulls now; the other workers are asked to as well. Raises UpstreamError when the source can't be reached."""
    try:
        result = await runtime.settings.refresh(Trigger.REFRESH)
    except SourceUnavailable as error:
        raise UpstreamError(error.message, details=error.details) from error
    view = result.as_view()
    return RefreshAnswer(
        **{key: view[key] for key in ("outcome", "revision", "md5", "changes", "resources", "reasons")},
        config=await get_config(runtime, origin=False),
        instance=runtime.instance,
    )


def get_status(runtime: Runtime) -> dict[str, Any]:
    """Revision, source, what is missing, refused or pending."""
    return {"instance": runtime.instance, **build_status_view(runtime.settings)}


def get_history(runtime: Runtime) -> HistoryAnswer:
    """The last applies, newest first."""
    entries = [entry.as_view() for entry in runtime.settings.reports.history]
    return HistoryAnswer(instance=runtime.instance, entries=entries)
