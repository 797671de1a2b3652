from pathlib import Path
from typing import Any

import pytest

from app.common.errors import ValidationError
from app.config.settings import ScriptSettings
from app.jobs.registry import JobRegistry, build_definition
from app.xxl_job.executor.protocol import Trigger, parse_trigger
from app.xxl_job.executor.scripts.desk import ScriptDesk
from app.xxl_job.executor.scripts.surroundings import ScriptFolders

OFF = ScriptSettings()


def trigger_of(**fields: Any) -> Trigger:
    return parse_trigger({"jobId": 1, "logId": 2, "executorHandler": "", **fields})


def desk_of(tmp_path: Path, settings: ScriptSettings, *names: str) -> ScriptDesk:
    registry = JobRegistry()
    for name in names:
        registry.add(build_definition(name, lambda: None))
    return ScriptDesk(registry, lambda: settings, ScriptFolders(tmp_path))


@pytest.mark.parametrize("kind", ["GLUE_SHELL", "GLUE_PYTHON", "GLUE_NODEJS", "GLUE_PHP", "GLUE_POWERSHELL"])
def test_a_kind_of_script_runs_only_where_it_is_named(tmp_path: Path, kind: Any) -> None:
    trigger = trigger_of(glueType=kind, glueSource="x")
    with pytest.raises(ValidationError, match=r"xxl-job\.scripts\.glue_types doesn't name it"):
        desk_of(tmp_path, OFF).definition_for(trigger)
    found = desk_of(tmp_path, ScriptSettings(glue_types=(kind,))).definition_for(trigger)
    assert found is not None
    assert (found.name, found.is_async, found.takes_context) == (kind, False, True)


@pytest.mark.parametrize(
    ("handler", "param", "setting"),
    [("commandJobHandler", "echo", "commands"), ("httpJobHandler", '{"url": "http://a/"}', "http_hosts")],
)
def test_the_helpers_are_refused_with_the_setting_that_would_allow_them(
    tmp_path: Path, handler: str, param: str, setting: str
) -> None:
    trigger = trigger_of(executorHandler=handler, executorParams=param)
    with pytest.raises(ValidationError, match=rf"xxl-job\.scripts\.{setting} doesn't name it"):
        desk_of(tmp_path, OFF).definition_for(trigger)
    allowed = ScriptSettings(commands=("echo",), http_hosts=("a",))
    assert desk_of(tmp_path, allowed).definition_for(trigger) is not None


def test_a_job_of_our_own_goes_before_a_helper_of_that_name(tmp_path: Path) -> None:
    found = desk_of(tmp_path, OFF, "commandJobHandler").definition_for(trigger_of(executorHandler="commandJobHandler"))
    assert found is not None
    assert not found.takes_context


def test_a_handler_that_nobody_knows_is_none(tmp_path: Path) -> None:
    assert desk_of(tmp_path, OFF).definition_for(trigger_of(executorHandler="nobody")) is None


def test_no_registered_job_can_be_reached_by_a_glue_type(tmp_path: Path) -> None:
    with pytest.raises(ValidationError):
        desk_of(tmp_path, OFF, "GLUE_SHELL").definition_for(trigger_of(glueType="GLUE_SHELL"))
