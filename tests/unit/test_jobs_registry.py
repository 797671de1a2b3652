"""What the decorator takes, and what it refuses."""

from collections.abc import Callable
from typing import Any

import pytest

from app.common.errors import ConflictError, NotFoundError
from app.jobs import JobContext, job
from app.jobs.registry import JobRegistry, build_definition, default_registry


async def with_context(ctx: JobContext) -> None: ...
async def without() -> None: ...
def plain(ctx: JobContext) -> None: ...
def with_default(limit: int = 3) -> None: ...
def two(ctx: JobContext, other: int) -> None: ...
def keyword_only(*, ctx: JobContext) -> None: ...
def generator(ctx: JobContext) -> Any:
    yield ctx


async def async_generator() -> Any:
    yield 1


@pytest.mark.parametrize(
    ("function", "is_async", "takes_context"),
    [(with_context, True, True), (without, True, False), (plain, False, True), (with_default, False, False)],
)
def test_a_job_takes_the_context_or_nothing(function: Callable[..., Any], is_async: bool, takes_context: bool) -> None:
    definition = build_definition("it", function)
    assert (definition.is_async, definition.takes_context) == (is_async, takes_context)


@pytest.mark.parametrize("function", [two, keyword_only, generator, async_generator])
def test_what_cannot_be_a_job_is_refused_at_import(function: Callable[..., Any]) -> None:
    with pytest.raises(TypeError, match="job 'it'"):
        build_definition("it", function)


@pytest.mark.parametrize("name", ["", "  ", without])
def test_a_job_without_a_name_is_refused(name: Any) -> None:
    with pytest.raises(TypeError, match="a job has a name"):
        job(name)


def test_the_decorated_function_stays_callable() -> None:
    @job("test_jobs_registry.stays_callable")
    def double(ctx: Any) -> Any:
        return ctx * 2

    assert double(21) == 42
    assert default_registry.get("test_jobs_registry.stays_callable").function is double


def test_two_functions_of_one_name_are_both_named() -> None:
    registry = JobRegistry()
    registry.add(build_definition("it", plain))
    with pytest.raises(ConflictError, match=r"two jobs are named 'it': .*plain and .*without"):
        registry.add(build_definition("it", without))


def test_the_same_function_twice_is_one_job() -> None:
    registry = JobRegistry()
    registry.add(build_definition("it", plain))
    registry.add(build_definition("it", plain))
    assert registry.names() == ("it",)


def test_a_missing_job_is_none_to_find_and_an_error_to_get() -> None:
    registry = JobRegistry()
    assert registry.find("nobody") is None
    with pytest.raises(NotFoundError, match="'nobody'"):
        registry.get("nobody")
