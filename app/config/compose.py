"""From documents to settings: parse, substitute, lay over one another, validate. No I/O but secret files."""

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final, cast

import pydantic

from app.common.const import MASK, is_weak_secret
from app.common.errors import SettingsRefused
from app.common.redaction import is_secret_key
from app.config.document import Path, leaves, locate, parse_document
from app.config.layers import Layers, environment_layer, freeze
from app.config.placeholders import PlaceholderSource, substitute
from app.config.settings import CoreSettings, Section
from app.config.snapshot import Settings
from app.config.sources.base import Document, Documents

_NEAR: Final = 0.8
DEFAULT_LAYER: Final = "default"
_CORE_MODELS: Final[Mapping[str, type[Section]]] = {
    info.alias or name: cast(type[Section], info.annotation) for name, info in CoreSettings.model_fields.items()
}


@dataclass(frozen=True)
class Schema:
    """Which sections there are: the chassis's own and the features'; and where placeholders may read."""

    placeholders: PlaceholderSource
    features: Mapping[str, type[Section]] = field(default_factory=dict)

    @property
    def models(self) -> dict[str, type[Section]]:
        """Every section's model by its key in the document."""
        return {**_CORE_MODELS, **self.features}


@dataclass(frozen=True)
class Composed:
    """Valid settings with all that is known about where each value came from."""

    settings: Settings
    origins: Mapping[Path, str]
    masked: frozenset[Path]
    """Paths that hold a substituted value."""
    secrets: frozenset[str]
    """Values that must appear in no log line, for redaction."""
    warnings: tuple[str, ...]


def compose(documents: Documents, schema: Schema) -> Composed:
    """Builds the effective settings.

    Raises SettingsRefused whose message and `details["reasons"]` name document, line, column, path and rule.
    """
    parsed = [(document, parse_document(document)) for document in documents.items]
    ignored = _ignored_keys([tree for _, tree in parsed])
    layers = Layers()
    layers.lay(_defaults(schema), DEFAULT_LAYER)
    masked: set[Path] = set()
    secrets: set[str] = set()
    for document, tree in parsed:
        kept = {key: value for key, value in tree.items() if key not in ignored}
        filled = substitute(kept, schema.placeholders, document.name)
        layers.lay(_canonical_sections(filled.tree), document.name, filled.origins)
        masked |= set(filled.origins)
        secrets |= filled.values
    _lay_environment(layers, schema)
    settings = _validate(layers.tree, schema, documents.items)
    warnings = tuple(_near_misses(parsed, schema, ignored))
    return Composed(settings, layers.origins, frozenset(masked), _worth_hiding(secrets, layers.tree), warnings)


def _worth_hiding(substituted: set[str], tree: Mapping[str, Any]) -> frozenset[str]:
    """Values that no log line may show: what was substituted, and what stands under a secret's key.

    A substituted number or truth value (a port, a switch) is left out, for it would mask every other line; so is a
    password that is a common word.
    """
    found = {value for value in substituted if not value.isdigit() and value.lower() not in {"true", "false"}}
    for path, value in leaves(tree):
        if isinstance(value, str) and not is_weak_secret(value) and any(is_secret_key(key) for key in path):
            found.add(value)
    return frozenset(found)


def _ignored_keys(trees: Sequence[Mapping[str, Any]]) -> frozenset[str]:
    """`settings.ignore` of the last document that has it; read before anything is substituted."""
    ignored: frozenset[str] = frozenset()
    for tree in trees:
        section = tree.get("settings")
        listed = section.get("ignore") if isinstance(section, Mapping) else None
        if isinstance(listed, list):
            ignored = frozenset(str(key) for key in listed)
    return ignored - {"settings"}


def _canonical_sections(tree: Mapping[str, Any]) -> dict[str, Any]:
    """`xxl_job` is read as `xxl-job`."""
    return {("xxl-job" if key == "xxl_job" else key): value for key, value in tree.items()}


def _lay_environment(layers: Layers, schema: Schema) -> None:
    for name, (path, value) in environment_layer(schema.placeholders.variables, layers.tree).items():
        tree: Any = value
        for key in reversed(path):
            tree = {key: tree}
        layers.lay(tree, f"env:{name}")


def _defaults(schema: Schema) -> dict[str, Any]:
    return {key: _dump(model()) for key, model in schema.models.items()}


def _dump(value: Any) -> Any:
    if isinstance(value, pydantic.BaseModel):
        return {key: _dump(getattr(value, key)) for key in type(value).model_fields}
    if isinstance(value, pydantic.SecretStr):
        return value.get_secret_value()
    if isinstance(value, Mapping):
        return {key: _dump(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_dump(item) for item in value]
    return value


def _validate(tree: Mapping[str, Any], schema: Schema, documents: Sequence[Document]) -> Settings:
    reasons: list[str] = []
    sections: dict[str, Section] = {}
    for key, model in schema.models.items():
        try:
            sections[key] = model.model_validate(tree.get(key))
        except pydantic.ValidationError as error:
            reasons += [_reason(key, problem, documents) for problem in error.errors(include_url=False)]
    if reasons:
        raise SettingsRefused("; ".join(reasons), details={"reasons": reasons})
    return Settings(
        server=sections["server"],  # type: ignore[arg-type]
        database=sections["database"],  # type: ignore[arg-type]
        log=sections["log"],  # type: ignore[arg-type]
        xxl_job=sections["xxl-job"],  # type: ignore[arg-type]
        wechat=sections["wechat"],  # type: ignore[arg-type]
        meta=sections["settings"],  # type: ignore[arg-type]
        features=MappingProxyType({key: sections[key] for key in schema.features}),
        document=freeze(tree),
    )


def _reason(section: str, problem: Any, documents: Sequence[Document]) -> str:
    """`config_local.yaml:3:9: server.port: Input should be less than or equal to 65535`; never the value."""
    path = (section, *(str(part) for part in problem["loc"]))
    rule = str(problem["msg"])
    given = problem.get("input")
    if problem["type"] in {"value_error", "assertion_error"} and isinstance(given, str) and given:
        rule = rule.replace(given, MASK)
    place = next((found for document in reversed(documents) if (found := _place(document, path))), "")
    return f"{place}{'.'.join(path)}: {rule}"


def _place(document: Document, path: Path) -> str:
    at = locate(document, path)
    return f"{document.name}:{at[0]}:{at[1]}: " if at else ""


def _near_misses(
    parsed: Sequence[tuple[Document, Mapping[str, Any]]], schema: Schema, ignored: frozenset[str]
) -> Iterator[str]:
    models = schema.models
    for document, tree in parsed:
        for key, value in tree.items():
            if key in ignored:
                continue
            if key in models:
                yield from _near_fields(document.name, key, value, models[key])
            elif near := _near(key, models):
                yield f"{document.name}: key `{key}` is not known; did you mean `{near}`?"


def _near_fields(document: str, section: str, value: Any, model: type[Section]) -> Iterator[str]:
    for key in value if isinstance(value, Mapping) else ():
        if key not in model.model_fields and (near := _near(key, model.model_fields)):
            yield f"{document}: key `{section}.{key}` is not known; did you mean `{section}.{near}`?"


def _near(key: str, known: Mapping[str, Any]) -> str | None:
    matches = difflib.get_close_matches(key.lower().replace("-", "_"), known, n=1, cutoff=_NEAR)
    return matches[0] if matches and key != "xxl_job" else None
