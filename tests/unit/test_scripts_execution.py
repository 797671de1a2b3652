import pytest

from app.xxl_job.executor.scripts.execution import ScriptFailed, check_exit


@pytest.mark.parametrize(
    ("code", "message"), [(7, "command exit value(7) is failed"), (-15, "command ended by signal 15")]
)
def test_an_exit_code_other_than_zero_is_a_failure(code: int, message: str) -> None:
    check_exit(0, "command")
    with pytest.raises(ScriptFailed) as failed:
        check_exit(code, "command")
    assert failed.value.message == message
