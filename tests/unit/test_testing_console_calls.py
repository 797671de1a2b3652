"""The console's other half asks as recorded consoles did."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from app.testing.fake_console import ConsoleDialect, FakeConsole

WIRE = Path(__file__).parent / "wire"
TIME = 1_795_359_983_688
PAGE = {"fromLineNum": 1, "toLineNum": 1, "logContent": "a\n", "isEnd": False}


class Executor:
    """Writes down what it is asked, and says yes."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, Any, dict[str, str]]] = []
        self.answer: dict[str, Any] = {"code": 200, "msg": None, "data": PAGE, "content": PAGE}
        self.address = ""


@pytest.fixture
def executor() -> Iterator[Executor]:
    with serving() as opened:
        yield opened


@contextmanager
def serving() -> Iterator[Executor]:
    executor = Executor()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            names = {name.upper(): value for name, value in self.headers.items()}
            executor.asked.append((self.path, json.loads(raw) if raw else None, names))
            text = json.dumps(executor.answer).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_: object) -> None: ...

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        executor.address = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield executor
        server.shutdown()
        thread.join()


def recorded(dialect: str, path: str) -> dict[str, Any]:
    lines = (WIRE / f"console-{dialect}-to-executor.jsonl").read_text().splitlines()
    found: dict[str, Any] = next(one for one in map(json.loads, lines) if one["path"] == path)
    return found


@pytest.mark.parametrize(("dialect", "path"), [("3.3", "/run"), ("3.5", "/trigger")])
def test_a_trigger_has_the_fields_and_headers_of_a_real_one(executor: Executor, dialect: str, path: str) -> None:
    console = FakeConsole("default_token", dialect=dialect, app_name="bench-j35")
    real = recorded(dialect, path)
    sent = json.loads(real["body"])
    console.calls.trigger(executor.address, "noop", logId=sent["logId"], jobId=sent["jobId"])

    [(asked_path, body, headers)] = executor.asked
    assert asked_path == path
    assert list(body) == list(sent)
    assert {name: type(value) for name, value in body.items()} == {name: type(value) for name, value in sent.items()}
    for name in ("XXL-JOB-ACCESS-TOKEN", "XXL-JOB-APPNAME"):
        assert headers.get(name) == real["headers"].get(name)


@pytest.mark.parametrize(
    ("dialect", "query"),
    [
        ("2.2", {"logId": 25, "logDateTim": 1_795_359_983_000, "fromLineNum": 3}),
        ("3.3", {"logId": 25, "logDateTim": 1_795_359_983_000, "fromLineNum": 3}),
        ("3.5", {"logId": 25, "logDateTime": 1_795_359_983_000, "fromLineNum": 3}),
    ],
)
def test_a_log_is_asked_for_with_the_time_to_the_second(
    executor: Executor, dialect: str, query: dict[str, int]
) -> None:
    console = FakeConsole(dialect=dialect, app_name="app")
    assert console.calls.read_log(executor.address, 25, TIME, 3) == PAGE
    assert executor.asked[0][:2] == ("/log", query)


@pytest.mark.parametrize(
    ("dialect", "unread"), [("2.2", "data"), ("2.3", "data"), ("3.3", "content"), ("3.5", "content")]
)
def test_a_page_is_found_where_that_version_looks_for_it(executor: Executor, dialect: str, unread: str) -> None:
    executor.answer[unread] = None
    assert FakeConsole(dialect=dialect, app_name="app").calls.read_log(executor.address, 25, TIME) == PAGE


def test_beat_has_no_body_and_the_others_name_the_job(executor: Executor) -> None:
    calls = FakeConsole().calls
    calls.beat(executor.address + "/")
    calls.idle_beat(executor.address, 14)
    calls.kill(executor.address, 17)
    asked = [(path, body) for path, body, _ in executor.asked]
    assert asked == [("/beat", None), ("/idleBeat", {"jobId": 14}), ("/kill", {"jobId": 17})]


def test_a_refused_trigger_says_why(executor: Executor) -> None:
    executor.answer = {"code": 500, "msg": "job handler [x] not found."}
    with pytest.raises(AssertionError, match="not found"):
        FakeConsole().calls.trigger(executor.address, "x")


def test_each_trigger_is_a_new_run_unless_it_is_told_otherwise() -> None:
    calls = FakeConsole().calls
    first, second = calls.build_trigger("a"), calls.build_trigger("a")
    assert second["logId"] == first["logId"] + 1
    assert calls.build_trigger("a", logId=9, logDateTime=5)["logDateTime"] == 5


def test_a_3_5_console_names_the_app_that_registered_the_address(executor: Executor) -> None:
    console = FakeConsole(dialect=ConsoleDialect.V3_5)
    console.registrations.append({"registryKey": "mine", "registryValue": executor.address + "/"})
    console.calls.beat(executor.address)
    assert executor.asked[0][2]["XXL-JOB-APPNAME"] == "mine"
