"""The access line, in both formats."""

import json
import re
from datetime import datetime

import pytest

from app.common import access_log
from app.common.access_log import AccessLog
from app.common.log_format import Identity
from app.common.log_options import LevelTable
from app.common.redaction import forget_secrets, register_secret

IDENTITY = Identity('sh"op', "prod", "web-h-0")
LEVELS = LevelTable("INFO", {})


def line_of(identity: Identity | None, **changes: object) -> str:
    lines: list[str] = []
    given = {"method": "GET", "route": "/a/{id}", "status": 200, "client": "1.2.3.4", "trace_id": "t-1"} | changes
    AccessLog(lambda render: lines.append(render()), LEVELS, identity).write(duration_ms=1.23456, **given)  # type: ignore[arg-type]
    assert len(lines) == 1
    return lines[0]


def test_the_text_line_has_the_log_s_form() -> None:
    match = re.fullmatch(r"\[(.*?)\] (.*)\n", line_of(None))
    assert match is not None
    assert match[2] == (
        "[INFO] [t-1] [MainThread] [access:request:0] "
        "request served method=GET route=/a/{id} status=200 duration_ms=1.235 client=1.2.3.4"
    )
    moment = datetime.fromisoformat(match[1])
    assert abs((datetime.now(moment.tzinfo) - moment).total_seconds()) < 5
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}[+-]\d\d:\d\d", match[1])


def test_the_json_line_has_the_log_s_form() -> None:
    line = json.loads(line_of(IDENTITY))
    assert datetime.fromisoformat(line.pop("time")).tzinfo is not None
    assert line == {
        "level": "INFO",
        "trace_id": "t-1",
        "thread": "MainThread",
        "module": "access",
        "function": "request",
        "line": 0,
        "message": "request served",
        "service": 'sh"op',
        "env": "prod",
        "instance": "web-h-0",
        "fields": {"method": "GET", "route": "/a/{id}", "status": 200, "duration_ms": 1.235, "client": "1.2.3.4"},
    }


@pytest.mark.parametrize("identity", [None, IDENTITY])
@pytest.mark.parametrize("nasty", ["a\nb", 'a"b', "a\\b", "a b", "\x1b[0m", "\u2028", '","x":"'])
def test_what_a_client_sends_can_not_leave_its_place(identity: Identity | None, nasty: str) -> None:
    line = line_of(identity, method=nasty, client=nasty, route=f"/{nasty}")
    assert len(line.splitlines()) == 1
    if identity is None:
        assert re.search(r"method=\S+ route=\S+ status=200 duration_ms=1.235 client=\S+\n$", line)
    else:
        assert set(json.loads(line)["fields"]) == {"method", "route", "status", "duration_ms", "client"}


def test_odd_text_is_redacted() -> None:
    register_secret("s3cr3t-value")
    line = line_of(None, route="/a b/s3cr3t-value")
    forget_secrets(["s3cr3t-value"])
    assert "route=/a_b/****** " in line


def test_the_level_of_access_switches_it_off() -> None:
    lines: list[str] = []
    quiet = AccessLog(lambda render: lines.append(render()), LevelTable("DEBUG", {"access": "WARNING"}), None)
    quiet.write(method="GET", route="/", status=200, duration_ms=1, client="-", trace_id="-")
    assert lines == []


def test_before_configuration_it_goes_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    access_log.current.log.write(method="GET", route="/early", status=204, duration_ms=1, client="-", trace_id="t")
    assert "request served method=GET route=/early status=204" in capsys.readouterr().err
