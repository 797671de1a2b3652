"""The job door of this feature."""

from app.demo_business.schemas import GreetingArgs
from app.demo_business.service import build_service
from app.jobs import JobContext, job


@job("demo_greeting_job", args=GreetingArgs)
async def demo_greeting_job(ctx: JobContext) -> str:
    """Greets as a request does. The parameter is a JSON object: `{"name": "Ada"}`."""
    async with ctx.runtime.db.transaction() as session:
        greeting = await build_service(ctx.runtime, session).greet(ctx.args.name)
    ctx.log.bind(greeting_id=greeting.id).info("greeting given")
    return greeting.text
