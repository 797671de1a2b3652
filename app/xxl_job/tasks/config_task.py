"""Jobs about the settings."""

from app.common.errors import SettingsRefused
from app.config.history import Outcome
from app.config.sources.base import Trigger
from app.jobs import JobContext
from app.xxl_job import job


@job("refresh_nacos_config_task", live=True)
async def refresh_nacos_config_task(ctx: JobContext) -> str:
    """Pulls the settings and applies them in this executor; fails when they are refused or can't be had."""
    result = await ctx.runtime.settings.refresh(Trigger.JOB)
    if result.outcome not in {Outcome.APPLIED, Outcome.UNCHANGED}:
        raise SettingsRefused(f"{result.outcome}: {'; '.join(result.reasons)}")
    changed = ", ".join(result.changed_paths) or "nothing"
    return f"success: {result.outcome}, revision {result.revision}, changed: {changed}"
