"""Settings in a real Nacos, both processes running."""

import time
from pathlib import Path

import pytest

from servers.ports import free_port
from servers.waiting import wait_for
from support.estate import DATA_ID, NAMESPACE, Estate
from support.processes import Deployment


def limit_of(estate: Estate) -> object:
    return estate.deployment.config().get("shop", {}).get("limit")


def log_of_run(estate: Estate, handler: str) -> str:
    """Triggers the job from the console, and the log that the console shows of it."""
    app_name = estate.deployment.app_name
    with estate.console.client() as client:
        job_id = client.create_job(app_name, handler)
        wait_for(lambda: client.executors(app_name), seconds=20, what="a registered executor")
        client.trigger(job_id)
        run = client.wait_for_run(job_id, app_name)
        return str(client.task_log(run["taskId"], job_id)["logContent"])


def test_a_published_change_reaches_both_processes_by_push(estate: Estate) -> None:
    estate.publish("shop: {limit: 1}\n")
    estate.deployment.start_web()
    estate.deployment.start_executor()
    estate.publish("shop: {limit: 2}\n")
    wait_for(lambda: limit_of(estate) == 2, what="the change in the web process")
    wait_for(lambda: estate.deployment.lines_with("settings applied trigger=push", "executor"), what="the push")
    assert estate.deployment.lines_with("settings applied trigger=push", "web")
    assert "shop.limit is 2" in log_of_run(estate, "tell_setting")


def test_refused_texts_keep_the_old_settings_and_are_told_once(estate: Estate) -> None:
    estate.publish("shop: {limit: 1}\n")
    estate.deployment.start_web()
    bad = {
        "bad YAML": "server: [\n",
        "a wrong type": estate.settings("shop: {limit: 2}\n").replace("create_tables: true", "pool_size: many"),
        "a database that refuses": estate.settings("shop: {limit: 3}\n").replace(
            f"port: {estate.mariadb.port}", f"port: {free_port()}"
        ),
    }
    for number, text in enumerate(bad.values(), start=1):
        estate.publish_text(text)
        wait_for(lambda expected=number: refusals_told(estate) == expected, seconds=20, what=f"alert {number}")
        answers = [estate.deployment.ask("POST", "/nacos/refresh") for _ in range(2)]
        assert [answer.status_code for answer in answers] == [409, 409]
        assert answers[0].json()["reasons"]
        assert limit_of(estate) == 1
        assert estate.deployment.status_of("/health/ready") == 200
    assert refusals_told(estate) == len(bad)
    estate.publish("shop: {limit: 4}\n")
    wait_for(lambda: limit_of(estate) == 4, what="the valid text")


def refusals_told(estate: Estate) -> int:
    return len([text for text in estate.robot.contents() if "new settings were refused" in text])


def test_nacos_may_die_and_come_back(private_estate: Estate) -> None:
    estate = private_estate
    estate.publish("shop: {limit: 1}\n")
    estate.deployment.start_web()
    estate.nacos.stop()
    assert limit_of(estate) == 1
    assert estate.deployment.ask("POST", "/nacos/refresh").status_code == 502
    estate.nacos.start()
    estate.publish("shop: {limit: 2}\n")
    wait_for(lambda: limit_of(estate) == 2, seconds=60, what="the change after the restart")


def test_a_start_without_nacos_uses_the_last_good_text_and_catches_up(private_estate: Estate) -> None:
    estate = private_estate
    estate.publish("shop: {limit: 1}\n")
    estate.deployment.start_web().terminate()
    estate.nacos.stop()
    estate.deployment.start_web()
    status = estate.deployment.ask("GET", "/nacos/status").json()
    assert status["from_last_good"] is True
    assert limit_of(estate) == 1
    wait_for(lambda: any("last good" in text for text in estate.robot.contents()), what="the alert")
    estate.nacos.start()
    estate.publish("shop: {limit: 2}\n")
    wait_for(lambda: limit_of(estate) == 2, seconds=60, what="catching up")
    assert estate.deployment.ask("GET", "/nacos/status").json()["from_last_good"] is False


def test_a_start_without_nacos_and_without_a_last_good_text_ends_with_78(deployment: Deployment) -> None:
    port = free_port()
    deployment.write_config(f"nacos: {{host: '127.0.0.1:{port}', data_id: {DATA_ID}, namespace: {NAMESPACE}}}\n")
    for module in ("app.web.server", "app.xxl_job.scheduler_server"):
        started = time.monotonic()
        process = deployment.start(module, module)
        assert process.wait(25) == 78
        assert time.monotonic() - started < 20
        assert f"127.0.0.1:{port}" in process.output()
        assert "Traceback" not in process.output()


@pytest.mark.parametrize("module", ["app.web.server", "app.xxl_job.scheduler_server"])
def test_an_invalid_file_ends_the_start_with_78_and_the_reason(deployment: Deployment, module: str) -> None:
    deployment.write_config("server:\n  port: many\n")
    process = deployment.start(module, "process")
    assert process.wait() == 78
    assert "config_acc.yaml:2:3: server.port" in process.output()
    assert "Traceback" not in process.output()


def test_an_edit_of_an_inline_file_takes_effect_within_two_seconds(deployment: Deployment) -> None:
    deployment.write_config(deployment.document("shop: {limit: 1}\n"))
    deployment.start_web()
    deployment.write_config(deployment.document("shop: {limit: 2}\n"))
    wait_for(lambda: deployment.config()["shop"]["limit"] == 2, seconds=2.5, what="the edit")


def test_secrets_stay_out_of_every_file_but_the_last_good_one(estate: Estate) -> None:
    estate.publish("shop: {password: business-secret-value}\n")
    estate.deployment.start_web()
    estate.deployment.ask("POST", "/nacos/refresh")
    home = estate.deployment.home
    holding = [
        path.relative_to(home)
        for path in home.rglob("*")
        if path.is_file() and b"business-secret-value" in path.read_bytes()
    ]
    assert [path.parts[:3] for path in holding] == [("data", "nacos", "last_good")]
    assert [path for path in home.rglob("*") if path.is_file() and holds_password(path, estate)] == [
        estate.deployment.home / Path(*holding[0].parts)
    ]


def holds_password(path: Path, estate: Estate) -> bool:
    text = path.read_bytes()
    return estate.nacos.password.encode() in text or estate.mariadb.password.encode() in text
