"""From documents to settings."""

from pathlib import Path

import pytest

from app.common.errors import SettingsRefused
from app.config.compose import compose
from support.settings import OrdersSettings, build_schema, documents


def test_defaults_fill_what_the_document_leaves_out() -> None:
    settings = compose(documents("server: {port: 8001}\n"), build_schema()).settings
    assert settings.server.port == 8001
    assert settings.xxl_job.port == 9999
    assert settings.section("orders", OrdersSettings).limit == 10


def test_business_keys_without_a_section_stay_readable() -> None:
    settings = compose(documents("shop:\n  currencies: [CNY, EUR]\n"), build_schema()).settings
    assert settings.get("shop.currencies") == ("CNY", "EUR")
    assert settings.get("shop.absent", "none") == "none"


def test_later_documents_win_and_the_environment_wins_over_all() -> None:
    schema = build_schema({"APP__SERVER__PORT": "9100"})
    both = ("server: {port: 1, host: a}\norders: {limit: 1}\n", "server: {port: 2}\norders: {limit: 2}\n")
    composed = compose(documents(*both), schema)
    assert composed.settings.server.port == 9100
    assert composed.settings.section("orders", OrdersSettings).limit == 2
    assert composed.origins["server", "port"] == "env:APP__SERVER__PORT"
    assert composed.origins["server", "host"] == "base.yaml"
    assert composed.origins["orders", "limit"] == "app.yaml"
    assert composed.origins["orders", "mode"] == "default"


@pytest.mark.parametrize(
    "url",
    [
        "http://console:8080/xxl-job-admin",
        "http://console:8080/xxl-job-admin/",
        "http://console:8080/xxl-job-admin/api",
        "http://console:8080/xxl-job-admin/api/",
    ],
)
def test_the_console_url_may_be_written_in_each_usual_way(url: str) -> None:
    settings = compose(documents(f"xxl-job: {{url: '{url}'}}\n"), build_schema()).settings
    assert settings.xxl_job.url == "http://console:8080/xxl-job-admin"


def test_keys_of_existing_users_are_understood() -> None:
    text = """
database: {user: app, password: 123456, host: db, port: 3306}
wechat: {robot_templates: {ops: {key: abc, template: "{} {}", alarm_level: urgent}}}
"""
    settings = compose(documents(text), build_schema()).settings
    assert settings.database.password.get_secret_value() == "123456"
    assert settings.wechat.robot_templates["ops"].alarm_level.name == "URGENT"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("server:\n  port: many\n", "base.yaml:2:3: server.port: Input should be a valid integer"),
        ("server:\n  port: 70000\n", "base.yaml:2:3: server.port: Input should be less than or equal to 65535"),
        ("server:\n  port: no\n", "base.yaml:2:3: server.port: Input should be a number, not a word"),
        ("server: 5\n", "base.yaml:1:1: server: Input should be a valid dictionary"),
        ("xxl-job:\n  url: console\n", "base.yaml:2:3: xxl-job.url: Value error, must look like http://"),
        ("orders: {limit: few}\n", "base.yaml:1:10: orders.limit: Input should be a valid integer"),
    ],
)
def test_a_wrong_value_refuses_with_document_line_path_and_rule(text: str, reason: str) -> None:
    with pytest.raises(SettingsRefused) as refused:
        compose(documents(text), build_schema())
    assert refused.value.details["reasons"][0].startswith(reason)


def test_every_wrong_value_is_told_at_once_and_none_is_shown() -> None:
    with pytest.raises(SettingsRefused) as refused:
        compose(documents("server: {port: hidden1}\ndatabase: {pool_size: hidden2}\n"), build_schema())
    assert len(refused.value.details["reasons"]) == 2
    assert "hidden" not in refused.value.message


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("sever: {}\n", "base.yaml: key `sever` is not known; did you mean `server`?"),
        ("database: {pool_sizes: 3}\n", "`database.pool_sizes` is not known; did you mean `database.pool_size`?"),
        ("orders: {limits: 3}\n", "`orders.limits` is not known; did you mean `orders.limit`?"),
    ],
)
def test_a_key_near_a_known_one_is_hinted_at(text: str, hint: str) -> None:
    (warning,) = compose(documents(text), build_schema()).warnings
    assert hint in warning


def test_keys_of_others_are_ignored_when_listed() -> None:
    text = "settings: {ignore: [spring]}\nspring: {name: '${spring.application.name}'}\n"
    composed = compose(documents(text), build_schema())
    assert composed.settings.get("spring") is None
    assert composed.warnings == ()


def test_substituted_values_are_known_as_secrets_with_their_origin(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("from-file-value")
    schema = build_schema({"DB_PW": "very-secret"}, secrets_dir=tmp_path)
    text = "database: {password: '${DB_PW}'}\nserver: {ops_token: '${file:token}'}\n"
    composed = compose(documents(text), schema)
    assert composed.settings.database.password.get_secret_value() == "very-secret"
    assert composed.origins["database", "password"] == "env:DB_PW"
    assert composed.origins["server", "ops_token"] == "file:token"
    assert {"very-secret", "from-file-value"} <= composed.secrets


def test_the_md5_is_that_of_the_unsubstituted_text() -> None:
    with_one, with_two = build_schema({"X": "1"}), build_schema({"X": "2"})
    text = documents("a: ${X}\n")
    assert text.md5 == "3655d9099d80d183149e4450ebc68eff"
    assert compose(text, with_one).settings.get("a") != compose(text, with_two).settings.get("a")


def test_what_no_log_line_may_show_is_told_apart_from_ports_switches_and_common_words() -> None:
    schema = build_schema({"DB_HOST": "db.internal", "DB_PORT": "3307", "ON": "true"})
    text = """
database: {host: "${DB_HOST}", port: "${DB_PORT}", enabled: "${ON}", password: written-inline}
shop: {token: password, label: visible}
"""
    assert compose(documents(text), schema).secrets == {"db.internal", "written-inline"}


def test_the_other_spelling_of_a_section_hides_substituted_values_too() -> None:
    composed = compose(documents("xxl_job: {url: '${URL}'}\n"), build_schema({"URL": "http://console/x"}))
    assert composed.substituted == {("xxl-job", "url")}
    assert composed.origins["xxl-job", "url"] == "env:URL"


def test_one_section_in_two_spellings_is_refused() -> None:
    with pytest.raises(SettingsRefused, match="xxl-job stands twice, once as xxl_job"):
        compose(documents("xxl_job: {port: 1}\nxxl-job: {port: 2}\n"), build_schema())


def test_secrets_in_lists_are_kept_out_of_the_log_too() -> None:
    composed = compose(documents("tokens: [first-secret]\nservers: [{password: second-secret}]\n"), build_schema())
    assert composed.secrets == {"first-secret", "second-secret"}


def test_a_variable_near_a_known_key_is_hinted_at() -> None:
    (hint,) = compose(documents("{}"), build_schema({"APP__SEVER__PORT": "1"})).warnings
    assert hint == "APP__SEVER__PORT: key `sever` is not known; did you mean `server`?"
