"""Jobs triggered from a real console."""

import pytest

from servers.waiting import wait_for
from support.estate import Estate
from support.processes import Deployment


def test_a_job_is_triggered_from_the_console_logs_and_calls_back(estate: Estate) -> None:
    estate.deployment.start_executor()
    with estate.console.client() as client:
        job_id = client.create_job(estate.deployment.app_name, "sleep_job")
        wait_for(lambda: client.executors(estate.deployment.app_name), seconds=20, what="a registered executor")
        client.trigger(job_id, param="0.2")
        run = client.wait_for_run(job_id, estate.deployment.app_name)
        log = client.task_log(run["taskId"], job_id)
    assert run["status"] == "SUCCESS"
    assert "slept" in log["logContent"]
    assert f"xxl-{estate.deployment.app_name}-{run['taskId']}" in log["logContent"]


def test_a_failing_job_fails_in_the_console_and_is_told_to_the_group(estate: Estate) -> None:
    estate.deployment.start_executor()
    with estate.console.client() as client:
        job_id = client.create_job(estate.deployment.app_name, "failing_job")
        wait_for(lambda: client.executors(estate.deployment.app_name), seconds=20, what="a registered executor")
        client.trigger(job_id)
        run = client.wait_for_run(job_id, estate.deployment.app_name)
    assert run["status"] == "FAIL"
    assert "this job always fails" in run["callbackMessage"]
    wait_for(lambda: any("failing_job" in text for text in estate.robot.contents()), what="the alert")


def test_a_console_that_restarts_in_the_middle_of_a_run_gets_its_outcome(private_estate: Estate) -> None:
    estate = private_estate
    estate.deployment.start_executor()
    with estate.console.client() as client:
        job_id = client.create_job(estate.deployment.app_name, "sleep_job")
        wait_for(lambda: client.executors(estate.deployment.app_name), seconds=20, what="a registered executor")
        client.trigger(job_id, param="3")
        wait_for(lambda: estate.deployment.lines_with("sleeping", "executor"), what="the run's start")
    estate.console.restart()
    with estate.console.client() as client:
        wait_for(lambda: client.executors(estate.deployment.app_name), seconds=60, what="the executor registered again")
        run = client.wait_for_run(job_id, estate.deployment.app_name, seconds=60)
    assert run["status"] == "SUCCESS"


def test_the_refresh_job_pulls_and_tells_what_changed(estate: Estate) -> None:
    estate.connect()
    estate.deployment.start_executor()
    with estate.console.client() as client:
        job_id = client.create_job(estate.deployment.app_name, "refresh_nacos_config_task")
        wait_for(lambda: client.executors(estate.deployment.app_name), seconds=20, what="a registered executor")
        client.trigger(job_id)
        first = client.wait_for_run(job_id, estate.deployment.app_name)
        log = client.task_log(first["taskId"], job_id)["logContent"]
        estate.publish_text("server: [\n")
        client.trigger(job_id)
        second = client.wait_for_run(job_id, estate.deployment.app_name, number=2)
    assert first["status"] == "SUCCESS"
    assert 'result="success' in log
    assert second["status"] == "FAIL"


def test_stopping_the_executor_finishes_what_runs(estate: Estate) -> None:
    executor = estate.deployment.start_executor()
    with estate.console.client() as client:
        job_id = client.create_job(estate.deployment.app_name, "sleep_job")
        wait_for(lambda: client.executors(estate.deployment.app_name), seconds=20, what="a registered executor")
        client.trigger(job_id, param="2")
        wait_for(lambda: estate.deployment.lines_with("sleeping", "executor"), what="the run's start")
        assert executor.terminate() == 0
        run = client.wait_for_run(job_id, estate.deployment.app_name)
    assert run["status"] == "SUCCESS"


@pytest.mark.parametrize("token", ["", "default_token"])
def test_a_weak_token_refuses_the_start_outside_local(deployment: Deployment, token: str) -> None:
    text = deployment.document(url="http://127.0.0.1:9/xxl-job-admin")
    deployment.write_config(text.replace("access_token: console-access-token", f"access_token: '{token}'"))
    process = deployment.start("app.xxl_job.scheduler_server", "executor")
    assert process.wait() == 78
    assert "xxl-job.access_token is empty or well known" in process.output()
