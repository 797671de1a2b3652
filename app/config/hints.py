"""Did you mean: keys that nobody reads, and that are spelled nearly like one that somebody does."""

import difflib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from app.config.settings import Section

_NEAR: Final = 0.8
_SHORT: Final = 4
_NEAR_SHORT: Final = 0.75
"""Four letters of which two are exchanged (`prot`) are no nearer than that."""


def near_misses(name: str, tree: Mapping[str, Any], models: Mapping[str, type[Section]]) -> Iterator[str]:
    """One hint per key near a known one, in the document or variable `name`; business keys of other names give none."""
    for key, value in tree.items():
        if key in models:
            yield from _near_fields(name, key, value, models[key])
        elif near := _near(key, models):
            yield f"{name}: key `{key}` is not known; did you mean `{near}`?"


def _near_fields(name: str, section: str, value: Any, model: type[Section]) -> Iterator[str]:
    known = {*model.model_fields, *(info.alias for info in model.model_fields.values() if info.alias)}
    for key in value if isinstance(value, Mapping) else ():
        if key not in known and (near := _near(key, known)):
            yield f"{name}: key `{section}.{key}` is not known; did you mean `{section}.{near}`?"


def _near(key: str, known: Iterable[str]) -> str | None:
    cutoff = _NEAR if len(key) > _SHORT else _NEAR_SHORT
    matches = difflib.get_close_matches(key.lower().replace("-", "_"), known, n=1, cutoff=cutoff)
    return matches[0] if matches else None
