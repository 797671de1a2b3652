"""Reading one YAML document: strict, bounded, and with refusals that name a place and a rule but never the text."""

from collections.abc import Hashable, Iterator, Mapping
from functools import cached_property
from typing import Any, Final

import yaml

from app.common.errors import SettingsRefused
from app.config.sources.base import Document

MAX_DOCUMENT_BYTES: Final = 4 * 1024 * 1024
"""The SDK's gRPC receive limit; a larger document could be published and never read."""

Path = tuple[str, ...]
MAX_DEPTH: Final = 100
"""The parser calls itself for each level and would take the process down at some ten thousand."""


class _StrictLoader(yaml.CSafeLoader):
    """Refuses a key that stands twice in one mapping, where YAML loaders keep the last in silence.

    Keys are compared as the text that they become: `1` and `"1"` are one.
    """

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[str] = set()
        for key_node, _ in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                raise yaml.constructor.ConstructorError(None, None, "a key must be one word", key_node.start_mark)
            key = str(self.construct_object(key_node))
            if key in seen:
                raise yaml.constructor.ConstructorError(None, None, "a key stands twice", key_node.start_mark)
            seen.add(key)
        return super().construct_mapping(node, deep=deep)


def parse_document(document: Document) -> dict[str, Any]:
    """The document as a mapping with string keys. An empty document is an empty mapping.

    Raises SettingsRefused for more than 4 MiB, aliases, duplicate keys, unknown tags, syntax errors, and anything
    that isn't a mapping at the top.
    """
    if len(document.text.encode()) > MAX_DOCUMENT_BYTES:
        raise _refused(document, "is larger than 4 MiB: split it, or move data out of the settings")
    try:
        _check_events(document)
        loaded = yaml.load(document.text, Loader=_StrictLoader)  # noqa: S506 - a CSafeLoader
    except yaml.MarkedYAMLError as error:
        raise _refused(document, error.problem or "is not YAML", error.problem_mark) from None
    except (yaml.YAMLError, ValueError, LookupError, AttributeError, ArithmeticError):  # `!!bool x` is a KeyError
        raise _refused(document, "is not readable as YAML") from None
    if loaded is None:
        return {}
    if not isinstance(loaded, dict):
        raise _refused(document, "must be a mapping of keys at its top")
    return {str(key): _plain(value) for key, value in loaded.items()}


def _check_events(document: Document) -> None:
    """What must be known before a loader, which is recursive, sees the text."""
    depth = 0
    for event in yaml.parse(document.text, Loader=yaml.CSafeLoader):
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise _refused(document, "anchors and aliases are not allowed: write the value out", event.start_mark)
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > MAX_DEPTH:
            raise _refused(document, f"is nested deeper than {MAX_DEPTH} levels", event.start_mark)


def _plain(value: Any) -> Any:
    """The value with string keys throughout."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set):
        return [_plain(item) for item in value]
    return value


def _refused(document: Document, rule: str, mark: Any = None) -> SettingsRefused:
    place = f":{mark.line + 1}:{mark.column + 1}" if mark is not None else ""
    return SettingsRefused(f"{document.name}{place}: {_without_quotes(rule)}")


def _without_quotes(rule: str) -> str:
    """PyYAML quotes the offending text in some problems (`found unknown escape character 'x'`): it stays out."""
    return rule.split("'", maxsplit=1)[0].rstrip(" ,:") if "'" in rule else rule


class Places:
    """Where the paths of a document stand. The document is read once, when the first is looked for."""

    def __init__(self, document: Document) -> None:
        self.name = document.name
        self._text = document.text

    @cached_property
    def _root(self) -> yaml.Node | None:
        return yaml.compose(self._text, Loader=yaml.CSafeLoader)

    def find(self, path: Path) -> tuple[int, int] | None:
        """Line and column (from 1) of the deepest part of `path` that the document holds, or None."""
        node, found = self._root, None
        for key in path:
            node, mark = _child(node, key)
            if mark is None:
                break
            found = (mark.line + 1, mark.column + 1)
        return found


def _child(node: yaml.Node | None, key: str) -> tuple[yaml.Node | None, yaml.Mark | None]:
    if isinstance(node, yaml.MappingNode):
        for key_node, value_node in node.value:
            if key_node.value == key:
                return value_node, key_node.start_mark
    if isinstance(node, yaml.SequenceNode) and key.isdigit() and int(key) < len(node.value):
        child = node.value[int(key)]
        return child, child.start_mark
    return None, None


def leaves(tree: Any, path: Path = (), *, into_lists: bool = False) -> Iterator[tuple[Path, Any]]:
    """Every value that is no mapping, with its path. An empty mapping is a leaf too.

    Lists are values, unless `into_lists`: then their items are.
    """
    if isinstance(tree, Mapping) and (tree or not path):
        for key, value in tree.items():
            yield from leaves(value, (*path, key), into_lists=into_lists)
    elif into_lists and isinstance(tree, list | tuple):
        for index, value in enumerate(tree):
            yield from leaves(value, (*path, str(index)), into_lists=True)
    else:
        yield path, tree
