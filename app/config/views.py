"""What is shown of the settings: the effective document with secrets masked, and the state of the applies."""

from collections.abc import Mapping
from typing import Any

from app.config.compose import DEFAULT_LAYER, Composed
from app.config.document import Path
from app.config.live import LiveSettings


def build_config_view(composed: Composed, *, origin: bool = False) -> dict[str, Any]:
    """The effective document, same keys; with `origin` each value becomes `{value, origin}`."""
    document = composed.settings.document
    view: dict[str, Any] = _with_origins(document, (), composed) if origin else composed.masks.show(document)
    return view


def _with_origins(node: Any, path: Path, composed: Composed) -> Any:
    if isinstance(node, Mapping) and (node or not path):
        return {key: _with_origins(value, (*path, key), composed) for key, value in node.items()}
    return {"value": composed.masks.show(node, path), "origin": composed.origins.get(path, DEFAULT_LAYER)}


def build_status_view(live: LiveSettings) -> dict[str, Any]:
    """Revision, md5, source, what is missing, refused or pending, and what waits for a restart."""
    snapshot = live.state.snapshot
    refusal = live.refusal
    return {
        "revision": snapshot.revision,
        "md5": snapshot.md5,
        "loaded_at": snapshot.loaded_at.isoformat(),
        "from_last_good": live.from_last_good,
        "source": dict(live.source.status()),
        "refused": refusal.result.as_view() if refusal else None,
        "missing_resources": dict(live.missing),
        "warnings": list(live.reports.warnings),
        "needs_restart": list(live.needs_restart),
    }
