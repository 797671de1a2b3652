"""Why values were refused: `config_prod.yaml:3:9: server.port: Input should be …`; never the value itself."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import pydantic

from app.common.const import MASK
from app.config.document import Path, Places
from app.config.layers import ENVIRONMENT_PREFIX
from app.config.sources.base import Document

MOST_TOLD: Final = 50


class Reasons:
    """Collects what is wrong, section by section."""

    def __init__(self, documents: Sequence[Document], origins: Mapping[Path, str]) -> None:
        """`origins`: which layer each value came from."""
        self._places = [Places(document) for document in reversed(documents)]
        self._origins = origins
        self._told: list[str] = []
        self._left_out = 0

    def add(self, section: str, error: pydantic.ValidationError) -> None:
        for problem in error.errors(include_url=False):
            if len(self._told) < MOST_TOLD:
                self._told.append(self._reason((section, *map(str, problem["loc"])), problem))
            else:
                self._left_out += 1

    @property
    def texts(self) -> list[str]:
        return [*self._told, f"and {self._left_out} more"] if self._left_out else list(self._told)

    def _reason(self, path: Path, problem: Any) -> str:
        rule, given = str(problem["msg"]), problem.get("input")
        if problem["type"] in {"value_error", "assertion_error"} and isinstance(given, str) and given:
            rule = rule.replace(given, MASK)
        return f"{self._place(path)}{'.'.join(path)}: {rule}"

    def _place(self, path: Path) -> str:
        variable = self._origin(path).removeprefix("env:")
        if variable.startswith(ENVIRONMENT_PREFIX):
            return f"environment variable {variable}: "
        for places in self._places:
            if at := places.find(path) or places.find((path[0].replace("-", "_"), *path[1:])):
                return f"{places.name}:{at[0]}:{at[1]}: "
        return ""

    def _origin(self, path: Path) -> str:
        lengths = range(len(path), 0, -1)
        return next((self._origins[path[:length]] for length in lengths if path[:length] in self._origins), "")
