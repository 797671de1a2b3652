"""The job door of the example: run as the executor runs it."""

from collections.abc import Awaitable, Callable

from app.demo_business.repository import GreetingRepository
from app.demo_business.schemas import GreetingArgs
from app.jobs.registry import default_registry
from app.runtime import Runtime
from app.testing.job_run import JobRun

RunJob = Callable[..., Awaitable[JobRun]]


async def test_a_run_greets_as_a_request_does_under_the_runs_trace(run_job: RunJob, runtime: Runtime) -> None:
    run = await run_job("demo_greeting_job", param={"name": "Ada"}, runtime=runtime)

    assert (run.outcome, run.message) == ("success", "Welcome Ada")
    assert "greeting given" in run.log
    async with runtime.db.transaction() as session:
        [kept] = await GreetingRepository(session).list_newest(10)
    assert (kept.text, kept.trace_id) == ("Welcome Ada", run.record.trace_id)


async def test_a_run_without_parameter_greets_the_world(run_job: RunJob, runtime: Runtime) -> None:
    assert (await run_job("demo_greeting_job", runtime=runtime)).message == "Welcome world"


async def test_a_parameter_of_another_shape_fails_the_run(run_job: RunJob, runtime: Runtime) -> None:
    run = await run_job("demo_greeting_job", param={"name": 7}, runtime=runtime)
    assert (run.code, run.message) == (500, "ValidationError: bad parameter: name: Input should be a valid string")


def test_the_job_is_registered_with_its_parameter_model() -> None:
    definition = default_registry.get("demo_greeting_job")

    assert (definition.args, definition.is_async, definition.takes_context) == (GreetingArgs, True, True)
