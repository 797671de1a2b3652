"""The connection to Nacos."""

from typing import Any

import pytest

from app.common.errors import StartupError
from app.config.nacos_config import NacosAddress, NacosConnection, build_nacos_connection, parse_address

MINIMAL: dict[str, Any] = {"host": "nacos", "data_id": "app.yaml"}


def build(**section: Any) -> NacosConnection:
    return build_nacos_connection({**MINIMAL, **section}, {})


@pytest.mark.parametrize(
    ("written", "address"),
    [
        ("nacos", NacosAddress("http", "nacos", 8848, "/nacos")),
        ("nacos:80", NacosAddress("http", "nacos", 80, "/nacos")),
        ("http://nacos", NacosAddress("http", "nacos", 8848, "/nacos")),
        ("http://nacos:8848/", NacosAddress("http", "nacos", 8848, "/nacos")),
        ("http://nacos:8848/nacos/", NacosAddress("http", "nacos", 8848, "/nacos")),
        ("https://nacos.example.com:443/config", NacosAddress("https", "nacos.example.com", 443, "/config")),
        ("nacos:8848/config", NacosAddress("http", "nacos", 8848, "/config")),
        ("[::1]:8848", NacosAddress("http", "::1", 8848, "/nacos")),
    ],
)
def test_a_host_is_understood_with_or_without_scheme_port_and_path(written: str, address: NacosAddress) -> None:
    assert parse_address(written) == address


def test_an_ipv6_address_keeps_its_brackets() -> None:
    assert parse_address("[::1]:8848").url == "http://[::1]:8848/nacos"


@pytest.mark.parametrize("host", ["a:1, b:2", ["a:1", "b:2"], "a:1,b:2,,a:1"])
def test_hosts_are_a_comma_list_or_a_yaml_list(host: object) -> None:
    assert [address.netloc for address in build(host=host).addresses] == ["a:1", "b:2"]


def test_the_defaults_are_those_of_nacos() -> None:
    connection = build()
    assert connection.group == "DEFAULT_GROUP"
    assert connection.grpc_port_offset == 1000
    assert connection.watch is True
    assert connection.username == ""
    assert connection.allow_env == frozenset()


@pytest.mark.parametrize("namespace", ["", "public", None])
def test_the_public_namespace_is_tried_by_name_before_the_empty_id(namespace: str | None) -> None:
    assert build(namespace=namespace).namespaces == ("public", "")


def test_a_named_namespace_is_the_only_one_tried() -> None:
    assert build(namespace="team-a").namespaces == ("team-a",)


def test_layered_data_ids_keep_their_order() -> None:
    section = {"host": "nacos", "data_ids": ["common.yaml", "app.yaml"]}
    assert build_nacos_connection(section, {}).data_ids == ("common.yaml", "app.yaml")


def test_variables_replace_the_keys() -> None:
    variables = {
        "NACOS_HOST": "other:1",
        "NACOS_USERNAME": "u",
        "NACOS_PASSWORD": "p",
        "NACOS_NAMESPACE": "n",
        "NACOS_GROUP": "G",
        "NACOS_DATA_ID": "other.yaml",
    }
    connection = build_nacos_connection({**MINIMAL, "data_id": None, "data_ids": ["a", "b"]}, variables)
    assert connection.addresses[0].netloc == "other:1"
    assert (connection.username, connection.password.get_secret_value()) == ("u", "p")
    assert (connection.namespace, connection.group, connection.data_ids) == ("n", "G", ("other.yaml",))


def test_an_empty_variable_replaces_nothing() -> None:
    assert build_nacos_connection(MINIMAL, {"NACOS_HOST": ""}).addresses[0].host == "nacos"


def test_a_password_of_digits_need_not_be_quoted() -> None:
    assert build(username="nacos", password=123456).password.get_secret_value() == "123456"


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ({"host": ""}, "nacos.host is missing: set it, or NACOS_HOST"),
        ({"data_id": ""}, "nacos.data_id is missing: set it, or NACOS_DATA_ID"),
        ({"data_ids": ["b.yaml"]}, "nacos.data_id and nacos.data_ids can't both be set"),
        ({"data_id": "../../etc/passwd"}, "nacos.data_id: only letters, digits and ._:- are allowed"),
        ({"data_id": "配置"}, "nacos.data_id: only letters, digits and ._:- are allowed"),
        ({"group": "a b"}, "nacos.group: only letters, digits and ._:- are allowed"),
        ({"namespace": "a/b"}, "nacos.namespace: give the namespace's id, of letters, digits and ._:-"),
        ({"username": "nacos"}, "set both nacos.username and nacos.password"),
        ({"host": "http://a,https://b"}, "nacos.host: http and https can't be mixed"),
        ({"host": "ftp://a"}, "nacos.host (a): must look like"),
        ({"host": "a:99999"}, "nacos.host (a): the port must be a number up to 65535"),
        ({"host": "a..b"}, "nacos.host (a..b): must look like"),
        ({"host": "na cos"}, "nacos.host (na cos): must look like"),
        ({"host": f"{'x' * 64}.com"}, "): must look like"),
        ({"host": "[::1:8848"}, "nacos.host: an IPv6 address must look like [::1]:8848"),
        ({"host": "a:65000"}, "nacos.grpc_port_offset: the port and the offset together are no port"),
        ({"host": "a:80", "grpc_port_offset": -80}, "nacos.grpc_port_offset: the port and the offset together"),
        ({"passwrod": "x"}, "nacos.passwrod is not known; did you mean `password`?"),
        ({"database": {}}, "nacos.database is not known: the section holds only the connection"),
        ({"watch": "perhaps"}, "nacos.watch: Input should be a valid boolean"),
    ],
)
def test_a_mistake_is_refused_by_key_and_rule(section: dict[str, Any], message: str) -> None:
    with pytest.raises(StartupError) as error:
        build(**section)
    assert message in error.value.message


@pytest.mark.parametrize(
    "section", [{"host": "http://nacos:hunter22@nacos"}, {"hots": "hunter22"}, {"watch": "hunter22"}]
)
def test_a_refusal_never_shows_a_value(section: dict[str, Any]) -> None:
    with pytest.raises(StartupError) as error:
        build(**section)
    assert "hunter22" not in error.value.message


def test_the_identity_names_the_documents_and_no_credentials() -> None:
    one = build(host="b,a", username="u", password="hunter22")
    other = build(host="a,b", username="v", password="changed1")
    assert one.identity == other.identity == "http://a:8848/nacos,http://b:8848/nacos|public|DEFAULT_GROUP|app.yaml"


@pytest.mark.parametrize("section", [{"host": "c"}, {"namespace": "n"}, {"group": "G"}, {"data_id": "other"}])
def test_another_place_is_another_identity(section: dict[str, Any]) -> None:
    assert build(**section).key != build().key


def test_the_password_is_not_shown_by_repr() -> None:
    assert "hunter22" not in repr(build(username="u", password="hunter22"))
