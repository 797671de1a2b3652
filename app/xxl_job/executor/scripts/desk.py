"""Which job a trigger means: one of the registry, or a script or command that the settings allow."""

from collections.abc import Callable

from app.common.errors import AuthorizationError, ValidationError
from app.config.settings import ScriptSettings
from app.jobs.context import JobContext
from app.jobs.registry import JobDefinition, JobRegistry, build_definition
from app.xxl_job.executor.protocol import BEAN, Trigger
from app.xxl_job.executor.scripts import command_job, http_job
from app.xxl_job.executor.scripts.glue_job import run_glue
from app.xxl_job.executor.scripts.kinds import KINDS
from app.xxl_job.executor.scripts.surroundings import ScriptFolders

GLUE_SETTING = "xxl-job.scripts.glue_types"


class ScriptDesk:
    """Asks the settings at the trigger, and again when the run begins: the list may have changed while it waited."""

    def __init__(self, registry: JobRegistry, allowed: Callable[[], ScriptSettings], folders: ScriptFolders) -> None:
        self._registry = registry
        self._allowed = allowed
        self._folders = folders

    def definition_for(self, trigger: Trigger) -> JobDefinition | None:
        """None for a handler that nobody knows. Raises ValidationError naming the setting that would allow it."""
        try:
            if trigger.glue_type != BEAN:
                return self._glue(trigger)
            found = self._registry.find(trigger.handler)
            return found or self._helper(trigger)
        except AuthorizationError as refused:
            raise ValidationError(refused.message) from refused

    def _glue(self, trigger: Trigger) -> JobDefinition:
        self._check_glue(trigger.glue_type)
        source = str(trigger.raw.get("glueSource") or "")

        def run_script(context: JobContext) -> str:
            self._check_glue(trigger.glue_type)
            return run_glue(KINDS[trigger.glue_type], source, self._folders, context)

        return build_definition(trigger.glue_type, run_script)

    def _check_glue(self, glue_type: str) -> None:
        if glue_type not in self._allowed().glue_types:
            raise AuthorizationError(f"glueType[{glue_type[:40]}] is not allowed here: {GLUE_SETTING} doesn't name it")

    def _helper(self, trigger: Trigger) -> JobDefinition | None:
        """The handlers that every Java executor of the samples has."""
        if trigger.handler == command_job.HANDLER:
            command_job.check_command(command_job.parse_command(trigger.param), self._allowed().commands)
            return build_definition(trigger.handler, self._run_command)
        if trigger.handler == http_job.HANDLER:
            http_job.check_host(http_job.parse_request(trigger.param), self._allowed().http_hosts)
            return build_definition(trigger.handler, self._call_http)
        return None

    def _run_command(self, context: JobContext) -> str:
        return command_job.run_command(self._allowed().commands, self._folders, context)

    async def _call_http(self, context: JobContext) -> str:
        return await http_job.call_http(self._allowed().http_hosts, context)
