import pytest

from app.common.errors import AuthorizationError, ValidationError
from app.xxl_job.executor.scripts.http_job import check_host, parse_request


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
