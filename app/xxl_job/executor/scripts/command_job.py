"""`commandJobHandler`: a program of this machine, named in the settings, without a shell."""

import json
import shlex
import shutil
from collections.abc import Collection
from typing import Final

from app.common.errors import AuthorizationError, ValidationError
from app.jobs.context import JobContext
from app.xxl_job.executor.scripts.execution import Execution, check_exit
from app.xxl_job.executor.scripts.surroundings import ScriptFolders, build_environment

HANDLER: Final = "commandJobHandler"
SETTING: Final = "xxl-job.scripts.commands"


def parse_command(param: str) -> list[str]:
    """A JSON list of words, or a line that is split as a shell would split it. Raises ValidationError."""
    try:
        words = json.loads(param) if param.lstrip().startswith("[") else shlex.split(param)
    except ValueError:
        raise ValidationError("the parameter is neither a command line nor a JSON list of words") from None
    if not words or not all(isinstance(word, str) and "\0" not in word for word in words):
        raise ValidationError("the parameter must name a program, and every word of it must be text")
    return list(words)


def check_command(command: list[str], allowed: Collection[str]) -> None:
    """A name allows what PATH finds under it, a path that path. Raises AuthorizationError."""
    if command[0] not in allowed:
        raise AuthorizationError(f"program [{command[0][:80]}] is not allowed here: {SETTING} doesn't name it")


def run_command(allowed: Collection[str], folders: ScriptFolders, context: JobContext) -> str:
    command = parse_command(context.param)
    check_command(command, allowed)
    program = shutil.which(command[0]) or command[0]
    with folders.open(context.log_id) as folder:
        context.log.bind(program=program).info("command begins")
        execution = Execution(context, [program, *command[1:]], folder, build_environment(context, folder))
        check_exit(execution.wait(), "command")
    return ""
