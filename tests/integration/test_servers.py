"""The test servers are what the other tests take them for."""

from collections.abc import Callable

import httpx
import pytest

from servers.mariadb import MariaDb
from servers.ratchjob import Console
from servers.rnacos import Nacos


def test_mariadb_answers_a_query(mariadb_server: MariaDb) -> None:
    assert mariadb_server.execute("SELECT 1") == [(1,)]


def test_a_killed_mariadb_comes_back_with_its_committed_rows(mariadb_factory: Callable[[], MariaDb]) -> None:
    server = mariadb_factory()
    server.execute("CREATE TABLE kept (number INT)")
    server.execute("INSERT INTO kept VALUES (7)")

    server.stop()
    assert not server.is_ready()
    server.restart()

    assert server.execute("SELECT number FROM kept") == [(7,)]


def test_nacos_returns_what_was_published(nacos_server: Nacos) -> None:
    with nacos_server.client() as client:
        client.publish("test_servers.yaml", "greeting: 你好", group="TEST", namespace="apart")

        assert client.find("test_servers.yaml", group="TEST", namespace="apart") == "greeting: 你好"
        assert client.find("test_servers.yaml", group="TEST") is None

        client.delete("test_servers.yaml", group="TEST", namespace="apart")
        assert client.find("test_servers.yaml", group="TEST", namespace="apart") is None


def test_nacos_refuses_a_wrong_password(nacos_server: Nacos) -> None:
    answer = httpx.post(
        f"http://{nacos_server.address}/nacos/v1/auth/login",
        data={"username": "nacos", "password": "wrong"},
        trust_env=False,
    )

    assert answer.status_code == 403


def test_a_killed_nacos_comes_back_with_its_documents(nacos_factory: Callable[[], Nacos]) -> None:
    server = nacos_factory()
    with server.client() as client:
        client.publish("kept.yaml", "a: 1")

        server.restart()

        assert client.find("kept.yaml") == "a: 1"


def test_a_frozen_nacos_answers_again_when_it_thaws(nacos_factory: Callable[[], Nacos]) -> None:
    server = nacos_factory()
    server.pause()
    with pytest.raises(httpx.ReadTimeout):
        httpx.get(f"http://{server.address}/health", timeout=0.2, trust_env=False)

    server.resume()

    assert server.is_ready()


def test_the_console_lists_a_created_job_and_notes_that_nobody_ran_it(console_server: Console) -> None:
    with console_server.client() as client:
        job_id = client.create_job("test-servers", "noop", triggerParam="x=1")

        assert [job["id"] for job in client.jobs("test-servers")] == [job_id]
        assert client.executors("test-servers") == []

        client.trigger(job_id)
        assert client.wait_for_run(job_id, "test-servers")["status"] == "FAIL"

        client.update_job(job_id, triggerParam="x=2")
        assert client.job(job_id)["triggerParam"] == "x=2"

        client.remove_job(job_id)
        assert client.jobs("test-servers") == []


def test_a_killed_console_comes_back_with_its_jobs(console_factory: Callable[[], Console]) -> None:
    server = console_factory()
    with server.client() as client:
        job_id = client.create_job("kept", "noop")

        server.restart()

        assert [job["id"] for job in client.jobs("kept")] == [job_id]


def test_the_console_refuses_a_wrong_access_token(console_server: Console) -> None:
    answer = httpx.post(
        f"{console_server.url}/api/registry",
        json={"registryGroup": "EXECUTOR", "registryKey": "x", "registryValue": "http://127.0.0.1:1"},
        headers={"XXL-JOB-ACCESS-TOKEN": "wrong"},
        trust_env=False,
    )

    assert answer.json()["code"] == 500
