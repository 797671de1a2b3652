"""Which source the settings come from: Nacos when `config_{env}.yaml` has a `nacos` section, else that file itself."""

from collections.abc import Mapping
from typing import Any, Final

from app.common.errors import SettingsRefused, StartupError
from app.config.document import parse_document
from app.config.environment import Environment
from app.config.nacos_config import NacosConnection, build_nacos_connection
from app.config.placeholders import PlaceholderSource, substitute
from app.config.sources.base import ConfigSource, Document
from app.config.sources.file import FileSource, read_settings_file

SECTION: Final = "nacos"


def load_nacos_connection(environment: Environment) -> NacosConnection | None:
    """The connection that the file (or, without a file, the NACOS_* variables) describes; None: settings are inline.

    Raises StartupError for a file that can't be read, placeholders without a value, and keys that belong into Nacos.
    """
    tree = _read(environment)
    if tree is None:
        return build_nacos_connection({}, environment.variables)
    if SECTION not in tree:
        return None
    if others := sorted(tree.keys() - {SECTION}):
        raise StartupError(
            f"{environment.config_file.name}: with a `nacos` section the file holds only the connection; "
            f"move {', '.join(others)} into the document in Nacos, or remove `nacos`"
        )
    placeholders = PlaceholderSource(environment.variables, environment.secrets_dir)
    try:
        section = substitute(tree, placeholders, environment.config_file.name).tree[SECTION]
    except SettingsRefused as refusal:
        raise StartupError(refusal.message) from refusal
    if not isinstance(section, Mapping):
        raise StartupError(
            f"{environment.config_file.name}: nacos must be a mapping, with at least `host` and `data_id`"
        )
    return build_nacos_connection(section, environment.variables)


def _read(environment: Environment) -> dict[str, Any] | None:
    """The file's content; None when there is no file but NACOS_HOST says where to look."""
    file = environment.config_file
    if not file.exists() and environment.variables.get("NACOS_HOST"):
        return None
    try:
        return parse_document(Document(file.name, read_settings_file(file)))
    except SettingsRefused as refusal:
        raise StartupError(refusal.message) from refusal


def build_source(environment: Environment, connection: NacosConnection | None) -> ConfigSource:
    """The source of the settings; connects nothing yet."""
    if connection is None:
        return FileSource(environment.config_file)
    from app.config.sources.nacos import NacosSource  # noqa: PLC0415 - an HTTP client that a settings file needs not

    return NacosSource(connection, environment.data_dir)
