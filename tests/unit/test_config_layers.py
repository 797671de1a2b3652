"""Documents over documents, environment over all."""

from app.config.layers import Layers, environment_layer, freeze


def test_mappings_merge_and_everything_else_is_replaced_whole() -> None:
    layers = Layers()
    layers.lay({"a": {"x": 1, "y": [1, 2]}}, "one")
    layers.lay({"a": {"y": [3]}, "b": True}, "two")
    assert layers.tree == {"a": {"x": 1, "y": [3]}, "b": True}
    assert layers.origins == {("a", "x"): "one", ("a", "y"): "two", ("b",): "two"}


def test_a_mapping_replaces_a_scalar_and_the_reverse() -> None:
    layers = Layers()
    layers.lay({"a": 1, "b": {"c": 2}}, "one")
    layers.lay({"a": {"x": 1}, "b": 3}, "two")
    assert layers.tree == {"a": {"x": 1}, "b": 3}
    assert layers.origins == {("a", "x"): "two", ("b",): "two"}


def test_a_section_without_content_leaves_the_defaults() -> None:
    layers = Layers()
    layers.lay({"server": {"port": 8000}}, "default")
    layers.lay({"server": None, "empty": {}}, "config.yaml")
    assert layers.tree == {"server": {"port": 8000}, "empty": {}}


def test_a_substituted_item_names_its_whole_list() -> None:
    layers = Layers()
    layers.lay({"a": {"list": ["x", "y"]}}, "config.yaml", {("a", "list", "1"): "env:Y"})
    assert layers.origins == {("a", "list"): "env:Y"}


def test_environment_variables_match_keys_without_regard_to_case_and_dash() -> None:
    known = {"xxl-job": {"app_name": "a"}, "server": {"port": 1}}
    variables = {"APP__XXL_JOB__APP_NAME": "b", "APP__SERVER__PORT": "9000", "APP__NEW__KEY": "x", "PATH": "/bin"}
    assert environment_layer(variables, known) == {
        "APP__NEW__KEY": (("new", "key"), "x"),
        "APP__SERVER__PORT": (("server", "port"), "9000"),
        "APP__XXL_JOB__APP_NAME": (("xxl-job", "app_name"), "b"),
    }


def test_lists_and_mappings_may_be_given_as_json() -> None:
    found = environment_layer({"APP__A": '["x"]', "APP__B": '{"k": 1}', "APP__C": "[not json", "APP__D": "12"}, {})
    assert [value for _, value in found.values()] == [["x"], {"k": 1}, "[not json", "12"]


def test_a_frozen_tree_can_not_be_changed() -> None:
    frozen = freeze({"a": [{"b": 1}]})
    assert frozen["a"][0]["b"] == 1
    assert isinstance(frozen["a"], tuple)
    assert not hasattr(frozen, "update")
