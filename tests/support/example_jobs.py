"""A job module, loaded by name."""

from app.jobs.registry import job


@job("example_echo")
def echo() -> str:
    """Says what it is told."""
    return "echo"
