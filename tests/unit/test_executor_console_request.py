"""A request to the console, byte by byte."""

import pytest

from app.xxl_job.executor.console_request import Origin, build_request, locate


def test_a_request_is_whole() -> None:
    _, beginning = locate("http://console:8080/xxl-job-admin/api/callback")
    assert build_request(beginning, {"Content-Type": "application/json", "X": "ü"}, b"[1]") == (
        b"POST /xxl-job-admin/api/callback HTTP/1.1\r\nHost: console:8080\r\nAccept: */*\r\n"
        b"Accept-Encoding: identity\r\nContent-Type: application/json\r\nX: \xc3\xbc\r\nContent-Length: 3\r\n\r\n[1]"
    )


@pytest.mark.parametrize(
    ("url", "origin", "target", "host"),
    [
        ("http://Console/x", Origin("console", 80, False), "/x", "console"),
        ("http://console", Origin("console", 80, False), "/", "console"),
        ("https://console/x", Origin("console", 443, True), "/x", "console"),
        ("https://console:80/x", Origin("console", 80, True), "/x", "console:80"),
        ("http://[::1]:81/x", Origin("::1", 81, False), "/x", "[::1]:81"),
        (
            "http://console/a b/结果?q=1&r=ü#part",
            Origin("console", 80, False),
            "/a%20b/%E7%BB%93%E6%9E%9C?q=1&r=%C3%BC",
            "",
        ),
        ("http://console/%2e", Origin("console", 80, False), "/%2e", "console"),
        ("http://bücher.example/", Origin("xn--bcher-kva.example", 80, False), "/", "xn--bcher-kva.example"),
    ],
)
def test_an_address_says_where_to_connect_and_what_to_ask_for(url: str, origin: Origin, target: str, host: str) -> None:
    found, beginning = locate(url)
    assert found == origin
    assert beginning.startswith(f"POST {target} HTTP/1.1\r\nHost: {host}")


def test_credentials_in_an_address_are_sent_as_basic_authorization() -> None:
    assert locate("http://me:p%40ss@console/x")[1].endswith("\r\nAuthorization: Basic bWU6cEBzcw==")


@pytest.mark.parametrize(
    "url",
    [
        "ftp://console/x",
        "console/x",
        "http:///x",
        "http://[::1",
        "http://console:70000/x",
        "http://c/\ud800",
        "http://ü" + "x" * 70,
    ],
)
def test_an_address_that_leads_nowhere_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        locate(url)


@pytest.mark.parametrize("value", ["secret\r\nX: y", "secret\n", "secret\r", "secret\0"])
def test_a_header_cannot_become_two_and_its_value_is_not_told(value: str) -> None:
    with pytest.raises(ValueError, match="a header has a line break") as caught:
        build_request("POST / HTTP/1.1", {"XXL-JOB-ACCESS-TOKEN": value}, b"")
    assert "secret" not in str(caught.value)
