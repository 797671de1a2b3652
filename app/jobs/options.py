"""What a job may ask for: retries inside its run, a process of its own, limits."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Isolation(StrEnum):
    """Where a job's body runs."""

    NONE = "none"
    """A coroutine on the main loop, a plain function in a thread of its own."""
    PROCESS = "process"
    """A child process: can be killed whatever it does, and its crash ends that run only."""


@dataclass(frozen=True)
class Retry:
    """The body is tried again inside the run before its outcome is fixed. What was killed or timed out is not."""

    attempts: int = 3
    """How often the body is run at most, the first time included."""
    first_seconds: float = 1.0
    """The pause before the second attempt; doubled for each further one, and shortened by chance by up to a quarter."""
    longest_seconds: float = 60.0
    only: tuple[type[Exception], ...] = (Exception,)
    """Which failures are tried again."""

    def __post_init__(self) -> None:
        if self.attempts < 1 or self.first_seconds < 0 or self.longest_seconds < self.first_seconds:
            raise ValueError("a retry has attempts >= 1 and 0 <= first_seconds <= longest_seconds")


@dataclass(frozen=True)
class JobOptions:
    """All of it; the defaults ask for nothing."""

    retry: Retry = Retry(attempts=1)
    isolation: Isolation = Isolation.NONE
    resumable: bool = False
    """After a restart of the executor the run begins anew (`ctx.attempt` grows) instead of being lost."""
    max_concurrent: int | None = None
    """How many runs of this handler may run at once, whatever their job ids; `xxl-job.job_limits` overrides it."""
    memory_mb: int | None = None
    """With isolation: data of the child (RLIMIT_DATA), in MiB beyond what it has when it is warm; Linux."""
    cpu_seconds: int | None = None
    """With isolation: processor time of one run, rounded up to whole seconds."""

    def __post_init__(self) -> None:
        limits = (self.max_concurrent, self.memory_mb, self.cpu_seconds)
        if any(limit is not None and limit < 1 for limit in limits):
            raise ValueError("max_concurrent, memory_mb and cpu_seconds are at least 1")
        if self.isolation is Isolation.NONE and (self.memory_mb or self.cpu_seconds):
            raise ValueError('memory_mb and cpu_seconds need isolation="process"')


PLAIN: Final = JobOptions()
"""Of a job that asks for nothing."""
