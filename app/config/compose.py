"""From documents to settings: parse, substitute, lay over one another, validate. No I/O but secret files."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import Any, Final, cast

import pydantic

from app.common.const import is_weak_secret
from app.common.errors import SettingsRefused
from app.common.redaction import is_secret_key
from app.config.document import Path, leaves, parse_document
from app.config.hints import near_misses
from app.config.layers import Layers, environment_layer, freeze
from app.config.masking import Masks
from app.config.placeholders import PlaceholderSource, substitute
from app.config.reasons import Reasons
from app.config.settings import CoreSettings, Section
from app.config.snapshot import Settings
from app.config.sources.base import Document, Documents

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
    substituted: frozenset[Path]
    """Paths that hold a substituted value."""
    secrets: frozenset[str]
    """Values that must appear in no log line, for redaction."""
    warnings: tuple[str, ...]

    @cached_property
    def masks(self) -> Masks:
        return Masks(self.substituted)


def compose(documents: Documents, schema: Schema) -> Composed:
    """Builds the effective settings.

    Raises SettingsRefused whose message and `details["reasons"]` name document, line, column, path and rule.
    """
    parsed = [(document.name, _canonical_sections(document, parse_document(document))) for document in documents.items]
    ignored = _ignored_keys([tree for _, tree in parsed])
    layers = Layers()
    layers.lay(_defaults(schema), DEFAULT_LAYER)
    substituted: set[Path] = set()
    secrets: set[str] = set()
    warnings: list[str] = []
    for name, tree in parsed:
        kept = {key: value for key, value in tree.items() if key not in ignored}
        filled = substitute(kept, schema.placeholders, name)
        layers.lay(filled.tree, name, filled.origins)
        substituted |= set(filled.origins)
        secrets |= filled.values
        warnings += near_misses(name, kept, schema.models)
    warnings += _lay_environment(layers, schema)
    origins = layers.origins
    settings = _validate(layers.tree, schema, Reasons(documents.items, origins))
    return Composed(
        settings, origins, frozenset(substituted), _worth_hiding(secrets, layers.tree), tuple(dict.fromkeys(warnings))
    )


def _worth_hiding(substituted: set[str], tree: Mapping[str, Any]) -> frozenset[str]:
    """Values that no log line may show: what was substituted, and what stands under a secret's key.

    A substituted number or truth value (a port, a switch) is left out, for it would mask every other line; so is a
    password that is a common word.
    """
    found = {value for value in substituted if not value.isdigit() and value.lower() not in {"true", "false"}}
    for path, value in leaves(tree, into_lists=True):
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


def _canonical_sections(document: Document, tree: Mapping[str, Any]) -> dict[str, Any]:
    """`xxl_job` is read as `xxl-job`."""
    if "xxl-job" in tree and "xxl_job" in tree:
        raise SettingsRefused(f"{document.name}: xxl-job stands twice, once as xxl_job: make it one section")
    return {("xxl-job" if key == "xxl_job" else key): value for key, value in tree.items()}


def _lay_environment(layers: Layers, schema: Schema) -> list[str]:
    """Lays the `APP__` variables over all else; returns hints."""
    hints: list[str] = []
    for name, (path, value) in environment_layer(schema.placeholders.variables, layers.tree).items():
        tree: Any = value
        for key in reversed(path):
            tree = {key: tree}
        layers.lay(tree, f"env:{name}")
        hints += near_misses(name, tree, schema.models)
    return hints


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


def _validate(tree: Mapping[str, Any], schema: Schema, reasons: Reasons) -> Settings:
    sections: dict[str, Section] = {}
    for key, model in schema.models.items():
        try:
            sections[key] = model.model_validate(tree.get(key))
        except pydantic.ValidationError as error:
            reasons.add(key, error)
    if texts := reasons.texts:
        raise SettingsRefused("; ".join(texts), details={"reasons": texts})
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
