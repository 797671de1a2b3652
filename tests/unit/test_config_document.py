"""Strict reading of one document."""

import pytest

from app.common.errors import SettingsRefused
from app.config.document import MAX_DOCUMENT_BYTES, Places, leaves, parse_document
from app.config.sources.base import Document


def parse(text: str) -> dict[str, object]:
    return parse_document(Document("config.yaml", text))


def test_an_empty_document_is_an_empty_mapping() -> None:
    assert parse("") == {}
    assert parse("# only a comment\n") == {}


def test_keys_become_text() -> None:
    assert parse("ports:\n  8080: web\n") == {"ports": {"8080": "web"}}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("server:\n  port: 1\n  port: 2\n", "config.yaml:3:3: a key stands twice"),
        ("server: {}\nserver: {}\n", "config.yaml:2:1: a key stands twice"),
        ("a: &x 1\nb: *x\n", "config.yaml:1:4: anchors and aliases are not allowed"),
        ("a: !!python/object:os.system x\n", "config.yaml:1:4: could not determine a constructor for the tag"),
        ("a: [1, 2\n", "config.yaml:2:1: did not find expected"),
        ("- one\n", "config.yaml: must be a mapping of keys at its top"),
        ("just text", "config.yaml: must be a mapping of keys at its top"),
        ("a: 'open\n", "config.yaml:"),
        ("a: " + "[" * 2000, "config.yaml:"),
        ("{a: " * 150 + "1" + "}" * 150, "config.yaml:1:401: is nested deeper than 100 levels"),
        ("a: " + "[" * 100_000 + "]" * 100_000, "config.yaml:1:103: is nested deeper than 100 levels"),
        ("1: a\n'1': b\n", "config.yaml:2:1: a key stands twice"),
        ("? [a]\n: b\n", "config.yaml:1:3: a key must be one word"),
        ("a: !!bool hidden\n", "config.yaml: is not readable as YAML"),
        ("a: !!timestamp hidden\n", "config.yaml: is not readable as YAML"),
    ],
)
def test_what_is_not_strict_yaml_is_refused_with_place_and_rule(text: str, message: str) -> None:
    with pytest.raises(SettingsRefused) as refused:
        parse(text)
    assert refused.value.message.startswith(message)


def test_a_refusal_never_holds_the_text() -> None:
    with pytest.raises(SettingsRefused) as refused:
        parse('password: "s3cr3t\\q"\n')
    assert "s3cr3t" not in refused.value.message


def test_more_than_four_mebibytes_are_refused() -> None:
    with pytest.raises(SettingsRefused, match="larger than 4 MiB"):
        parse("a: " + "x" * MAX_DOCUMENT_BYTES)


def test_a_path_is_located_by_line_and_column() -> None:
    places = Places(Document("c.yaml", "server:\n  port: 1\nlist:\n  - a\n  - b\n"))
    assert places.find(("server", "port")) == (2, 3)
    assert places.find(("list", "1")) == (5, 5)
    assert places.find(("server", "absent")) == (1, 1)
    assert places.find(("absent",)) is None


def test_leaves_are_the_values_that_are_no_mappings() -> None:
    tree = {"a": {"b": 1, "c": [1, 2]}, "d": {}}
    assert dict(leaves(tree)) == {("a", "b"): 1, ("a", "c"): [1, 2], ("d",): {}}
