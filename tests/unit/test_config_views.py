"""What is shown of the settings."""

import json

import pytest

from app.common.const import MASK
from app.config.compose import compose
from app.config.history import diff
from app.config.resource import Refused
from app.config.views import build_config_view, build_status_view
from support.settings import build_desk, build_schema, documents

TEXT = """
database: {password: plain-secret, host: db, user: "${DB_USER}"}
wechat: {robot_templates: {ops: {key: robot-key, template: "{}"}}}
shop:
  token: business-secret
  when: 2026-01-02
  servers: [a, {password: nested-secret}]
"""


@pytest.fixture
def composed():
    return compose(documents(TEXT), build_schema({"DB_USER": "app-user"}))


def test_the_view_is_the_document_itself_with_defaults(composed) -> None:
    view = build_config_view(composed)
    assert view["database"]["host"] == "db"
    assert view["database"]["port"] == 3306
    assert view["shop"]["when"] == "2026-01-02"
    assert json.dumps(view)


def test_secrets_are_masked_wherever_they_stand(composed) -> None:
    view = build_config_view(composed)
    assert view["database"]["password"] == MASK
    assert view["wechat"]["robot_templates"]["ops"]["key"] == MASK
    assert view["shop"]["token"] == MASK
    assert view["shop"]["servers"][1]["password"] == MASK
    for secret in ("plain-secret", "robot-key", "business-secret", "nested-secret", "app-user"):
        assert secret not in json.dumps(view)


def test_an_empty_secret_shows_that_it_is_empty(composed) -> None:
    assert build_config_view(composed)["server"]["ops_token"] == ""


def test_every_value_names_its_layer_when_asked(composed) -> None:
    view = build_config_view(composed, origin=True)
    assert view["database"]["host"] == {"value": "db", "origin": "base.yaml"}
    assert view["database"]["user"] == {"value": MASK, "origin": "env:DB_USER"}
    assert view["database"]["port"] == {"value": 3306, "origin": "default"}


def test_a_diff_shows_paths_with_secrets_masked(composed) -> None:
    changed = compose(
        documents(TEXT.replace("plain-secret", "other").replace("host: db", "host: db2")),
        build_schema({"DB_USER": "x"}),
    )
    assert [str(change) for change in diff(composed, changed)] == [
        "database.host: db → db2",
        f"database.password: {MASK} → {MASK}",
        f"database.user: {MASK} → {MASK}",
    ]


def test_added_and_removed_values_show_nothing_on_the_other_side() -> None:
    old = compose(documents("a: 1\nb: 2\n"), build_schema())
    new = compose(documents("b: 2\nc: 3\n"), build_schema())
    assert [str(change) for change in diff(old, new)] == ["a: 1 → None", "c: None → 3"]


async def test_the_status_names_what_is_refused_missing_and_waiting_for_a_restart() -> None:
    desk = build_desk("sever: {}\n")
    desk.resource.refuse = Refused("connection refused", transient=True)
    await desk.live.start()
    await desk.apply("server: {port: 1}\n")
    await desk.apply("server: [\n")
    status = build_status_view(desk.live)
    await desk.live.close()
    assert status["revision"] == 2
    assert status["missing_resources"] == {"database": "connection refused"}
    assert status["needs_restart"] == ["server.port"]
    assert status["refused"]["reasons"]
    assert json.dumps(status)
