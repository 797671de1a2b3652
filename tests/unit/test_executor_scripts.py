import pytest

from app.common.errors import AuthorizationError, ValidationError
from app.xxl_job.executor.scripts.command_job import check_command, parse_command
from app.xxl_job.executor.scripts.execution import ScriptFailed, check_exit
from app.xxl_job.executor.scripts.http_job import check_host, parse_request
from app.xxl_job.executor.scripts.kinds import KINDS, NoInterpreter, ScriptKind


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


@pytest.mark.parametrize(
    ("url", "entry"),
    [
        ("http://api.example.com/x", "api.example.com"),
        ("https://API.Example.com./x", "api.example.com"),
        ("http://api.example.com:8080/x", "api.example.com"),
        ("http://api.example.com:8080/x", "api.example.com:8080"),
        ("http://a.b.example.com/", "*.example.com"),
    ],
)
def test_a_host_is_allowed_by_name_port_or_domain(url: str, entry: str) -> None:
    request = parse_request(f'{{"url": "{url}"}}')
    check_host(request, [entry])
    with pytest.raises(AuthorizationError, match=r"xxl-job\.scripts\.http_hosts"):
        check_host(request, ["other.example.org"])


@pytest.mark.parametrize(
    ("url", "entry"),
    [
        ("http://example.com/", "*.example.com"),
        ("http://evilexample.com/", "*.example.com"),
        ("http://api.example.com.evil.org/", "api.example.com"),
        ("http://api.example.com@evil.org/", "api.example.com"),
        ("http://evil.org/api.example.com", "api.example.com"),
        ("http://evil.org#api.example.com", "api.example.com"),
        ("http://evil.org\\\\@api.example.com/", "evil.org"),
        ("http://api.example.com:81/", "api.example.com:8080"),
    ],
)
def test_no_url_pretends_to_be_another_host(url: str, entry: str) -> None:
    with pytest.raises((AuthorizationError, ValidationError)):
        check_host(parse_request(f'{{"url": "{url}"}}'), [entry])


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://a/", "/x", "", "http://", "http://a:port/"])
def test_only_http_is_called(url: str) -> None:
    with pytest.raises(ValidationError):
        check_host(parse_request(f'{{"url": "{url}"}}'), ["a", ""])


def test_the_parameter_of_javas_sample_handler_is_understood() -> None:
    request = parse_request(
        '{"url": "http://a/", "method": "POST", "contentType": "text/plain", "headers": {"h": "1"},'
        ' "cookies": {"c": "2"}, "timeout": 3000, "data": "body", "auth": "Basic x"}'
    )
    assert request.options() == {
        "headers": {"h": "1", "Content-Type": "text/plain", "Authorization": "Basic x", "Cookie": "c=2"},
        "timeout": 3.0,
        "content": b"body",
    }


@pytest.mark.parametrize(
    ("given", "sent"), [('"body": {"a": 1}', {"json": {"a": 1}}), ('"form": {"a": "1"}', {"data": {"a": "1"}})]
)
def test_data_is_sent_as_json_or_form(given: str, sent: dict[str, object]) -> None:
    options = parse_request(f'{{"url": "http://a/", {given}}}').options()
    assert {key: value for key, value in options.items() if key not in {"headers", "timeout"}} == sent


def test_a_missing_interpreter_is_named() -> None:
    kind = ScriptKind("GLUE_PHP", ".php", ("no-such-php", "no-such-php8"))
    with pytest.raises(NoInterpreter, match="GLUE_PHP needs no-such-php or no-such-php8, which is not in PATH here"):
        kind.find_interpreter()


def test_every_kind_that_the_settings_may_name_has_an_interpreter() -> None:
    assert set(KINDS) == {"GLUE_SHELL", "GLUE_PYTHON", "GLUE_NODEJS", "GLUE_PHP", "GLUE_POWERSHELL"}
    assert KINDS["GLUE_SHELL"].find_interpreter().endswith("bash")


@pytest.mark.parametrize(
    ("code", "message"), [(7, "command exit value(7) is failed"), (-15, "command ended by signal 15")]
)
def test_an_exit_code_other_than_zero_is_a_failure(code: int, message: str) -> None:
    check_exit(0, "command")
    with pytest.raises(ScriptFailed) as failed:
        check_exit(code, "command")
    assert failed.value.message == message
