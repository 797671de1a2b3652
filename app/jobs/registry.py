"""The registry of jobs, and the decorator that fills it."""

import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeVar

from pydantic import BaseModel

from app.common.errors import ConflictError, NotFoundError
from app.jobs.options import PLAIN, Isolation, JobOptions, Retry

JobFunction = TypeVar("JobFunction", bound=Callable[..., Any])


@dataclass(frozen=True)
class JobDefinition:
    """One job: a name and the function behind it."""

    name: str
    function: Callable[..., Any]
    args: type[BaseModel] | None
    live: bool
    """Not pinned: the run sees every new settings snapshot."""
    is_async: bool
    takes_context: bool
    options: JobOptions = PLAIN

    @property
    def origin(self) -> str:
        """Where the function is written, for messages."""
        return f"{self.function.__module__}.{getattr(self.function, '__qualname__', repr(self.function))}"


class JobRegistry:
    """Jobs by name. Filled while modules are imported, read afterwards."""

    def __init__(self) -> None:
        self._definitions: dict[str, JobDefinition] = {}

    def add(self, definition: JobDefinition) -> None:
        """Adds a job; the same function twice is one job. Raises ConflictError naming both functions."""
        former = self._definitions.get(definition.name)
        if former is not None and former.function is not definition.function:
            raise ConflictError(f"two jobs are named {definition.name!r}: {former.origin} and {definition.origin}")
        self._definitions[definition.name] = definition

    def find(self, name: str) -> JobDefinition | None:
        return self._definitions.get(name)

    def get(self, name: str) -> JobDefinition:
        """The job of that name. Raises NotFoundError."""
        found = self.find(name)
        if found is None:
            raise NotFoundError(f"there is no job named {name!r}")
        return found

    def names(self) -> tuple[str, ...]:
        return tuple(sorted(self._definitions))

    def __iter__(self) -> Iterator[JobDefinition]:
        return iter(self._definitions.values())


default_registry: Final = JobRegistry()


def build_definition(
    name: str,
    function: Callable[..., Any],
    *,
    args: type[BaseModel] | None = None,
    live: bool = False,
    options: JobOptions = PLAIN,
) -> JobDefinition:
    """Raises TypeError for a function that can't be a job."""
    if inspect.isasyncgenfunction(function) or inspect.isgeneratorfunction(function):
        raise TypeError(f"job {name!r} is a generator: a job returns its result")
    parameters = [
        parameter
        for parameter in inspect.signature(function).parameters.values()
        if parameter.default is parameter.empty and parameter.kind is not parameter.VAR_KEYWORD
    ]
    if len(parameters) > 1 or any(parameter.kind is parameter.KEYWORD_ONLY for parameter in parameters):
        raise TypeError(f"job {name!r} must take the context or nothing")
    return JobDefinition(
        name=name,
        function=function,
        args=args,
        live=live,
        is_async=inspect.iscoroutinefunction(function),
        takes_context=bool(parameters),
        options=options,
    )


def job(
    name: str,
    *,
    args: type[BaseModel] | None = None,
    live: bool = False,
    retry: Retry | int = 1,
    isolation: Literal["none", "process"] = "none",
    resumable: bool = False,
    max_concurrent: int | None = None,
    memory_mb: int | None = None,
    cpu_seconds: int | None = None,
) -> Callable[[JobFunction], JobFunction]:
    """Makes a plain or async function a job: `@job("nightly_report", args=ReportArgs)`.

    The function takes the `JobContext` or nothing, and stays callable as it is. With `args` the parameter must be a
    JSON object that fits the model. `live=True`: settings read during the run are the newest, not those at its start.
    `retry=3`, or a `Retry`, tries the body again before the outcome is fixed. The rest is explained at `JobOptions`.
    """
    if not isinstance(name, str) or not name.strip():
        raise TypeError('a job has a name: @job("name")')
    options = JobOptions(
        retry=Retry(attempts=retry) if isinstance(retry, int) else retry,
        isolation=Isolation(isolation),
        resumable=resumable,
        max_concurrent=max_concurrent,
        memory_mb=memory_mb,
        cpu_seconds=cpu_seconds,
    )

    def register(function: JobFunction) -> JobFunction:
        default_registry.add(build_definition(name, function, args=args, live=live, options=options))
        return function

    return register
