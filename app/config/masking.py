"""What people are shown of a document: hidden are substituted values and those under a secret's key."""

import math
from collections.abc import Iterable, Mapping
from typing import Any

from app.common.const import MASK
from app.common.redaction import is_secret_key, redact
from app.config.document import Path


class Masks:
    """Which values of a document are never shown, whole or in part."""

    def __init__(self, substituted: Iterable[Path]) -> None:
        self._substituted = frozenset(substituted)

    def __or__(self, other: "Masks") -> "Masks":
        return Masks(self._substituted | other._substituted)

    def show(self, node: Any, path: Path = ()) -> Any:
        """What stands at `path` as plain JSON data. Empty values stay, so that one sees what is missing."""
        if isinstance(node, Mapping):
            return {key: self.show(item, (*path, key)) for key, item in node.items()}
        if isinstance(node, tuple | list):
            return [self.show(item, (*path, str(index))) for index, item in enumerate(node)]
        if node is None or node == "":
            return node
        return MASK if self._covers(path, node) else _plain(node)

    def _covers(self, path: Path, node: object) -> bool:
        """A switch under a secret's key (`allow_weak_token`) is none."""
        if any(path[:length] in self._substituted for length in range(1, len(path) + 1)):
            return True
        return not isinstance(node, bool) and any(map(is_secret_key, path))


def _plain(node: object) -> object:
    """JSON knows no dates, bytes and infinities."""
    if isinstance(node, bool | int) or (isinstance(node, float) and math.isfinite(node)):
        return node
    return redact(str(node))
