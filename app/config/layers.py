"""Laying documents over one another: defaults < documents in order < environment, each value with its layer's name."""

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from app.config.document import Path, leaves

ENVIRONMENT_PREFIX: Final = "APP__"


class Layers:
    """The merged tree so far, and beside it the same tree with each leaf's layer in the leaf's place."""

    def __init__(self) -> None:
        self.tree: dict[str, Any] = {}
        self._origins: dict[str, Any] = {}

    def lay(self, tree: Mapping[str, Any], layer: str, origins: Mapping[Path, str] | None = None) -> None:
        """Lays `tree` over what is there: mappings merge, everything else is replaced whole.

        `origins` names the layer of single values otherwise than `layer`; an item's name counts for its whole list.
        """
        named = {path[:length]: name for path, name in (origins or {}).items() for length in range(1, len(path) + 1)}
        for path, value in leaves(tree):
            if path and not self._keeps_section(path, value):
                _put(self.tree, path, dict(value) if isinstance(value, Mapping) else value)
                _put(self._origins, path, {} if isinstance(value, Mapping) else named.get(path, layer))

    def _keeps_section(self, path: Path, value: Any) -> bool:
        """Whether a mapping stays as it is: under an empty mapping, or a section's key written without content."""
        node: Any = self.tree
        for key in path:
            node = node.get(key) if isinstance(node, dict) else None
        return isinstance(node, dict) and (value == {} or (value is None and len(path) == 1))

    @property
    def origins(self) -> dict[Path, str]:
        """Which layer each leaf came from."""
        return {path: origin for path, origin in leaves(self._origins) if isinstance(origin, str)}


def _put(node: dict[str, Any], path: Path, value: Any) -> None:
    for key in path[:-1]:
        child = node.get(key)
        if not isinstance(child, dict):
            child = node[key] = {}
        node = child
    node[path[-1]] = value


def environment_layer(variables: Mapping[str, str], known: Mapping[str, Any]) -> dict[str, tuple[Path, Any]]:
    """`APP__SECTION__KEY` variables as name → (path, value).

    Parts match keys of `known` without regard to case and to `-` against `_`. A value that starts with `[` or `{` is
    read as JSON when it is JSON; all else stays text, for the typed sections to convert.
    """
    found: dict[str, tuple[Path, Any]] = {}
    for name, text in sorted(variables.items()):
        parts = name.removeprefix(ENVIRONMENT_PREFIX).split("__")
        if name.startswith(ENVIRONMENT_PREFIX) and all(parts):
            found[name] = (_match(parts, known), _value(text))
    return found


def _match(parts: list[str], known: Any) -> Path:
    path: list[str] = []
    for part in parts:
        keys = {_canonical(key): key for key in known} if isinstance(known, Mapping) else {}
        key = keys.get(_canonical(part), part.lower())
        known = known.get(key) if isinstance(known, Mapping) else None
        path.append(key)
    return tuple(path)


def _canonical(key: str) -> str:
    return key.lower().replace("-", "_")


def _value(text: str) -> Any:
    if text.lstrip().startswith(("[", "{")):
        try:
            return json.loads(text)
        except ValueError:
            return text
    return text


def freeze(tree: Any) -> Any:
    """The tree deeply read-only: mappings become proxies, lists tuples."""
    if isinstance(tree, Mapping):
        return MappingProxyType({key: freeze(value) for key, value in tree.items()})
    if isinstance(tree, list | tuple):
        return tuple(freeze(value) for value in tree)
    return tree
