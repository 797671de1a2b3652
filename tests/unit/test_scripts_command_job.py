import pytest

from app.common.errors import AuthorizationError, ValidationError
from app.xxl_job.executor.scripts.command_job import check_command, parse_command


@pytest.mark.parametrize(
    ("param", "words"),
    [
        ("echo a b", ["echo", "a", "b"]),
        ("echo 'a b' \"c d\"", ["echo", "a b", "c d"]),
        ('["echo", "a b"]', ["echo", "a b"]),
        (' ["echo"]', ["echo"]),
    ],
)
def test_a_command_is_a_line_or_a_list_of_words(param: str, words: list[str]) -> None:
    assert parse_command(param) == words


@pytest.mark.parametrize("param", ["", "  ", "[]", "[1]", '["a", null]', "echo 'open", '["echo", "a\\u0000b"]', "[1"])
def test_what_is_no_command_is_said_so(param: str) -> None:
    with pytest.raises(ValidationError, match=r"^the parameter "):
        parse_command(param)


@pytest.mark.parametrize(("program", "allowed"), [("echo", ["echo"]), ("/bin/echo", ["/bin/echo"])])
def test_a_program_is_allowed_as_it_is_named(program: str, allowed: list[str]) -> None:
    check_command([program], allowed)
    with pytest.raises(AuthorizationError, match=r"xxl-job\.scripts\.commands"):
        check_command([program], [])


@pytest.mark.parametrize(("program", "allowed"), [("/tmp/echo", "echo"), ("echo", "/bin/echo"), ("../echo", "echo")])
def test_a_name_allows_no_path_and_a_path_no_name(program: str, allowed: str) -> None:
    with pytest.raises(AuthorizationError):
        check_command([program], [allowed])
