"""The XXL-JOB executor. Task packages take their decorator from here."""

from app.jobs import job

__all__ = ["job"]
