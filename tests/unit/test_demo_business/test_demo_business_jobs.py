from app.common.context import bound
from app.common.logger import log
from app.demo_business.jobs import demo_greeting_job
from app.demo_business.repository import GreetingRepository
from app.demo_business.schemas import GreetingArgs
from app.jobs import JobContext
from app.jobs.arguments import parse_args
from app.jobs.registry import default_registry
from app.runtime import Runtime


def context(runtime: Runtime, param: str) -> JobContext:
    return JobContext(
        job_id=1,
        log_id=7,
        handler="demo_greeting_job",
        param=param,
        args=parse_args(GreetingArgs, param),
        shard_index=0,
        shard_total=1,
        deadline=None,
        attempt=1,
        trace_id="xxl-demo-7",
        log=log,
        snapshot=runtime.settings.state.snapshot,
        runtime=runtime,
    )


async def test_a_run_greets_as_a_request_does_under_the_runs_trace(runtime: Runtime) -> None:
    with bound("xxl-demo-7"):
        result = await demo_greeting_job(context(runtime, '{"name": "Ada"}'))

    assert result == "Welcome Ada"
    async with runtime.db.transaction() as session:
        [kept] = await GreetingRepository(session).list_newest(10)
    assert (kept.text, kept.trace_id) == ("Welcome Ada", "xxl-demo-7")


async def test_a_run_without_parameter_greets_the_world(runtime: Runtime) -> None:
    assert await demo_greeting_job(context(runtime, "")) == "Welcome world"


def test_the_job_is_registered_with_its_parameter_model() -> None:
    definition = default_registry.get("demo_greeting_job")

    assert (definition.args, definition.is_async, definition.takes_context) == (GreetingArgs, True, True)
