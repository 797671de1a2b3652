import pytest

from app.xxl_job.executor.scripts.kinds import KINDS, NoInterpreter, ScriptKind


def test_a_missing_interpreter_is_named() -> None:
    kind = ScriptKind("GLUE_PHP", ".php", ("no-such-php", "no-such-php8"))
    with pytest.raises(NoInterpreter, match="GLUE_PHP needs no-such-php or no-such-php8, which is not in PATH here"):
        kind.find_interpreter()


def test_every_kind_that_the_settings_may_name_has_an_interpreter() -> None:
    assert set(KINDS) == {"GLUE_SHELL", "GLUE_PYTHON", "GLUE_NODEJS", "GLUE_PHP", "GLUE_POWERSHELL"}
    assert KINDS["GLUE_SHELL"].find_interpreter().endswith("bash")
