import pytest

from app.xxl_job.executor.isolation.process import describe_exit


@pytest.mark.parametrize(
    ("code", "text"),
    [
        (0, "the child process ended with exit code 0"),
        (3, "the child process ended with exit code 3"),
        (-11, "the child process ended by signal 11 (SIGSEGV)"),
        (-9, "the child process ended by signal 9 (SIGKILL): perhaps for want of memory"),
        (-24, "the child process ended by signal 24 (SIGXCPU)"),
        (-250, "the child process ended by signal 250 (unknown)"),
    ],
)
def test_an_exit_code_is_put_into_words(code: int, text: str) -> None:
    assert describe_exit(code) == text


def test_the_limit_that_was_passed_is_named() -> None:
    assert describe_exit(-24, cpu_seconds=2) == "the run took more than cpu_seconds=2 of processor time"
