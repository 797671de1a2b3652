"""Settings and environment become the executor's configuration."""

from pathlib import Path
from typing import Any

import pytest

from app.common.errors import StartupError
from app.config.environment import Environment, load_environment
from app.config.snapshot import Settings
from app.config.xxl_job_config import build_executor_configuration
from support.settings import build_desk


async def settings_of(text: str) -> Settings:
    desk = build_desk(text)
    await desk.live.start()
    settings = desk.live.state.snapshot.settings
    await desk.live.close()
    return settings


def environment(tmp_path: Path, **variables: str) -> Environment:
    return load_environment({"APP_ENV": "prod", "DATA_DIR": str(tmp_path), **variables})


def section(**fields: Any) -> str:
    chosen = {"url": "http://console:8080/xxl-job-admin", "access_token": "a-good-token", **fields}
    return "xxl-job: {" + ", ".join(f"{key}: {value!r}" for key, value in chosen.items()) + "}\n"


@pytest.mark.parametrize(
    ("url", "urls"),
    [
        ("http://console:8080/xxl-job-admin", ("http://console:8080/xxl-job-admin",)),
        ("http://console:8080/xxl-job-admin/api/", ("http://console:8080/xxl-job-admin",)),
        ("http://a/x/, https://b/api", ("http://a/x", "https://b")),
    ],
)
async def test_console_addresses_are_normalised(tmp_path: Path, url: str, urls: tuple[str, ...]) -> None:
    configuration = build_executor_configuration(environment(tmp_path), await settings_of(section(url=url)))
    assert configuration.console_urls == urls


@pytest.mark.parametrize("url", ["http://a/x,console:8080", "http://a:80800/x", "http://a:port/x"])
async def test_a_bad_address_in_the_list_names_the_key(tmp_path: Path, url: str) -> None:
    with pytest.raises(StartupError, match=r"xxl-job\.url must be like"):
        build_executor_configuration(environment(tmp_path), await settings_of(section(url=url)))


async def test_outside_local_a_missing_address_names_the_key(tmp_path: Path) -> None:
    with pytest.raises(StartupError, match=r"xxl-job\.url is empty"):
        build_executor_configuration(environment(tmp_path), await settings_of(section(url="")))


@pytest.mark.parametrize("token", ["", "default_token", "changeme"])
async def test_outside_local_a_weak_token_names_the_key(tmp_path: Path, token: str) -> None:
    with pytest.raises(StartupError, match=r"xxl-job\.access_token"):
        build_executor_configuration(environment(tmp_path), await settings_of(section(access_token=token)))


async def test_locally_the_console_is_the_one_in_the_web_process(tmp_path: Path) -> None:
    local = environment(tmp_path, APP_ENV="local")
    configuration = build_executor_configuration(local, await settings_of("server: {port: 8123}\n"))

    assert configuration.console_urls == ("http://127.0.0.1:8123/xxl-job-admin",)
    assert configuration.host == "127.0.0.1"
    assert configuration.port == 9999
    assert len(configuration.token) > 20


async def test_elsewhere_the_executor_listens_on_all_interfaces_unless_told(tmp_path: Path) -> None:
    everywhere = build_executor_configuration(environment(tmp_path), await settings_of(section()))
    one = build_executor_configuration(environment(tmp_path), await settings_of(section(host="10.1.2.3")))
    assert (everywhere.host, one.host) == ("0.0.0.0", "10.1.2.3")


async def test_the_environment_wins_over_the_document_for_the_advertised_address(tmp_path: Path) -> None:
    told = environment(tmp_path, XXL_JOB_ADVERTISE="http://me:1", POD_IP="10.0.0.9")
    configuration = build_executor_configuration(told, await settings_of(section(advertise="eth7")))
    assert (configuration.advertise, configuration.pod_ip) == ("http://me:1", "10.0.0.9")


async def test_the_variable_of_another_library_does_not_win(tmp_path: Path) -> None:
    told = environment(tmp_path, ACCESS_TOKEN="stolen", access_token="stolen")
    assert build_executor_configuration(told, await settings_of(section())).token == "a-good-token"


async def test_the_token_is_not_shown(tmp_path: Path) -> None:
    configuration = build_executor_configuration(environment(tmp_path), await settings_of(section()))
    assert "a-good-token" not in repr(configuration)
