"""A script that came with its trigger."""

from app.jobs.context import JobContext
from app.xxl_job.executor.scripts.execution import Execution, check_exit
from app.xxl_job.executor.scripts.kinds import ScriptKind
from app.xxl_job.executor.scripts.surroundings import ScriptFolders, build_environment


def run_glue(kind: ScriptKind, source: str, folders: ScriptFolders, context: JobContext) -> str:
    """Called as Java's executor calls it: parameter, shard index, shard total."""
    interpreter = kind.find_interpreter()
    with folders.open(context.log_id) as folder:
        script = folder / f"script{kind.suffix}"
        script.write_text(source.replace("\r\n", "\n"))
        arguments = (context.param, str(context.shard_index), str(context.shard_total))
        context.log.bind(kind=kind.glue_type, interpreter=interpreter).info("script begins")
        execution = Execution(
            context, [interpreter, str(script), *arguments], folder, build_environment(context, folder)
        )
        check_exit(execution.wait(), "script")
    return ""
