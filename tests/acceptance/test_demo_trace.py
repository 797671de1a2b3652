"""One trace id through access line, outgoing call, SQL, row, job log and alert."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from servers.waiting import wait_for
from support.estate import Estate

TRACE = "acceptance-trace-1"
PARENT = "0af7651916cd43dd8448eb211c80319c"


class Receiver(ThreadingHTTPServer):
    """The service that the example calls; keeps the headers it was sent."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.seen: list[dict[str, str]] = []
        self.fails = False

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/echo"


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_GET(self) -> None:
        self.server.seen.append({key.lower(): value for key, value in self.headers.items()})
        body = json.dumps({"msg": "Hello", "time": "2026-01-01T00:00:00Z", "host": "receiver"}).encode()
        self.send_response(500 if self.server.fails else 200)
        self.end_headers()
        self.wfile.write(b"no greeting" if self.server.fails else body)

    def log_message(self, *args: object) -> None:
        return None


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_a_request_leaves_one_trace_everywhere(estate: Estate, receiver: Receiver) -> None:
    estate.publish(f"demo: {{echo_url: '{receiver.url}'}}\n")
    estate.deployment.start_web()
    answer = estate.deployment.ask("POST", "/demo/greetings", json={"name": "Ada"}, headers={"X-Trace-Id": TRACE})
    assert answer.status_code == 201
    assert answer.headers["X-Trace-Id"] == TRACE
    assert receiver.seen[0]["x-trace-id"] == TRACE
    lines = wait_for(
        lambda: (
            (found := estate.deployment.lines_with(f"[{TRACE}]"))
            and any("status=201" in line for line in found)
            and found
        ),
        what="the access line",
    )
    assert any("method=POST route=/demo/greetings status=201" in line for line in lines)
    assert any("INSERT INTO demo_greeting" in line for line in lines)
    assert estate.mariadb.execute(f"SELECT COUNT(*) FROM demo_greeting WHERE trace_id = '{TRACE}'") == [(1,)]


def test_a_traceparent_goes_before_and_is_carried_on(estate: Estate, receiver: Receiver) -> None:
    estate.publish(f"demo: {{echo_url: '{receiver.url}'}}\n")
    estate.deployment.start_web()
    headers = {"traceparent": f"00-{PARENT}-b7ad6b7169203331-01", "X-Trace-Id": "other"}
    answer = estate.deployment.ask("POST", "/demo/greetings", json={"name": "Ada"}, headers=headers)
    assert answer.headers["X-Trace-Id"] == PARENT
    assert receiver.seen[0]["traceparent"].split("-")[1] == PARENT
    assert receiver.seen[0]["traceparent"].split("-")[2] != "b7ad6b7169203331"


def test_a_failing_call_is_told_to_the_group_with_the_trace(estate: Estate, receiver: Receiver) -> None:
    receiver.fails = True
    estate.publish(f"demo: {{echo_url: '{receiver.url}'}}\n")
    estate.deployment.start_web()
    answer = estate.deployment.ask("POST", "/demo/greetings", json={"name": "Ada"}, headers={"X-Trace-Id": TRACE + "b"})
    assert answer.status_code == 502
    assert answer.json()["trace_id"] == TRACE + "b"
    wait_for(lambda: any(TRACE + "b" in text for text in estate.robot.contents()), what="the alert")
    assert estate.mariadb.execute(f"SELECT COUNT(*) FROM demo_greeting WHERE trace_id = '{TRACE}b'") == [(0,)]


def test_a_run_leaves_one_trace_everywhere(estate: Estate, receiver: Receiver) -> None:
    estate.publish(f"demo: {{echo_url: '{receiver.url}'}}\n")
    estate.deployment.start_executor()
    with estate.console.client() as client:
        job_id = client.create_job(estate.deployment.app_name, "demo_greeting_job")
        wait_for(lambda: client.executors(estate.deployment.app_name), seconds=20, what="a registered executor")
        client.trigger(job_id, param='{"name": "Ada"}')
        run = client.wait_for_run(job_id, estate.deployment.app_name)
        log = client.task_log(run["taskId"], job_id)["logContent"]
    trace = f"xxl-{estate.deployment.app_name}-{run['taskId']}"
    assert run["status"] == "SUCCESS", run
    assert receiver.seen[0]["x-trace-id"] == trace
    assert trace in log
    assert "greeting given" in log
    assert any("INSERT INTO demo_greeting" in line for line in estate.deployment.lines_with(f"[{trace}]", "executor"))
    assert estate.mariadb.execute(f"SELECT COUNT(*) FROM demo_greeting WHERE trace_id = '{trace}'") == [(1,)]
