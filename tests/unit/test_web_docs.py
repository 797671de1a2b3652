"""The documentation pages: complete without the internet, and there only where they are wanted."""

import re
from pathlib import Path

import pytest

from app.web.server import create_app
from support.runtime import client_of, opened_bench

PATHS = ["/docs", "/redoc", "/openapi.json", "/docs/assets/swagger-ui-bundle.js"]


@pytest.mark.parametrize(
    ("environment", "text", "status"),
    [
        ("local", "{}\n", 200),
        ("test", "{}\n", 200),
        ("prod", "{}\n", 404),
        ("uat", "{}\n", 404),
        ("prod", "server: {docs: true}\n", 200),
        ("local", "server: {docs: false}\n", 404),
    ],
)
@pytest.mark.parametrize("path", PATHS)
async def test_documentation_is_shown_locally_in_test_and_where_the_settings_say_so(
    tmp_path: Path, environment: str, text: str, status: int, path: str
) -> None:
    async with (
        opened_bench(tmp_path, text, environment=environment) as bench,
        client_of(create_app(bench.runtime, features=())) as client,
    ):
        assert (await client.get(path)).status_code == status


async def test_the_settings_switch_it_while_the_process_runs(tmp_path: Path) -> None:
    async with (
        opened_bench(tmp_path, environment="prod") as bench,
        client_of(create_app(bench.runtime, features=())) as client,
    ):
        before = (await client.get("/docs")).status_code
        await bench.desk.apply("server: {docs: true}\n")
        assert (before, (await client.get("/docs")).status_code) == (404, 200)


@pytest.mark.parametrize("page", ["/docs", "/redoc"])
async def test_a_page_names_no_other_host_and_everything_it_names_is_there(tmp_path: Path, page: str) -> None:
    async with opened_bench(tmp_path) as bench, client_of(create_app(bench.runtime, features=())) as client:
        response = await client.get(page)
        named = re.findall(r"""(?:src|href|url)\s*[=:]\s*["']([^"']+)["']""", response.text)
        answers = {path: (await client.get(path)).status_code for path in named}
    assert "http" not in response.text.replace("<!-- ", "").replace("http-equiv", "")
    assert len(named) >= 3
    assert set(answers.values()) == {200}


@pytest.mark.parametrize("page", ["/docs", "/redoc"])
async def test_a_page_s_scripts_can_reach_no_other_host_either(tmp_path: Path, page: str) -> None:
    async with opened_bench(tmp_path) as bench, client_of(create_app(bench.runtime, features=())) as client:
        policy = (await client.get(page)).headers["content-security-policy"]
    assert policy.startswith("default-src 'self'; ")
    assert "http" not in policy
    assert "*" not in policy


async def test_redoc_s_script_asks_its_vendor_for_no_logo(tmp_path: Path) -> None:
    async with opened_bench(tmp_path) as bench, client_of(create_app(bench.runtime, features=())) as client:
        script = await client.get("/docs/assets/redoc.standalone.js")
    assert script.headers["content-type"].startswith("text/javascript")
    assert "cdn.redoc.ly" not in script.text


async def test_the_schema_lists_the_routes_and_not_the_documentation(tmp_path: Path) -> None:
    async with opened_bench(tmp_path) as bench, client_of(create_app(bench.runtime, features=())) as client:
        schema = (await client.get("/openapi.json")).json()
    assert set(schema["paths"]) == {"/health", "/health/live", "/health/ready"}


@pytest.mark.parametrize("name", ["nothing.js", "..%2Fcore.py", "%2e%2e%2f__init__.py"])
async def test_only_the_pages_own_files_are_served(tmp_path: Path, name: str) -> None:
    async with opened_bench(tmp_path) as bench, client_of(create_app(bench.runtime, features=())) as client:
        assert (await client.get(f"/docs/assets/{name}")).status_code == 404
