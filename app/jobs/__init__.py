"""Jobs: what a job is, whoever triggers it."""

from app.jobs.context import JobContext
from app.jobs.registry import job

__all__ = ["JobContext", "job"]
