"""What is shown of the settings: the effective document with secrets masked, and the state of the applies."""

from typing import Any

from app.common.const import MASK
from app.config.compose import Composed
from app.config.document import Path
from app.config.history import is_masked, thaw
from app.config.live import LiveSettings


def build_config_view(composed: Composed, *, origin: bool = False) -> dict[str, Any]:
    """The effective document, same keys; with `origin` each value becomes `{value, origin}`."""
    tree = _mask(composed.settings.document, (), composed, origin)
    return dict(tree)


def _mask(node: Any, path: Path, composed: Composed, origin: bool) -> Any:
    if hasattr(node, "items") and (node or not path):
        return {key: _mask(value, (*path, key), composed, origin) for key, value in node.items()}
    shown = _shown(node, path, composed)
    return {"value": shown, "origin": composed.origins.get(path, "default")} if origin else shown


def _shown(node: Any, path: Path, composed: Composed) -> Any:
    if is_masked(path, composed):
        return MASK if node not in ("", None, ()) else node
    if isinstance(node, tuple):
        return [_mask(item, (*path, str(index)), composed, origin=False) for index, item in enumerate(node)]
    plain = thaw(node)
    return plain if isinstance(plain, str | int | float | bool | dict | list | type(None)) else str(plain)


def build_status_view(live: LiveSettings) -> dict[str, Any]:
    """Revision, md5, source, what is missing, refused or pending, and what the newest applies need."""
    snapshot = live.state.snapshot
    refusal = live.refusal
    restart = sorted({path for entry in live.history for path in entry.needs_restart})
    return {
        "revision": snapshot.revision,
        "md5": snapshot.md5,
        "loaded_at": snapshot.loaded_at.isoformat(),
        "from_last_good": live.from_last_good,
        "source": dict(live.source.status()),
        "refused": refusal.result.as_view() if refusal else None,
        "missing_resources": dict(live.missing),
        "warnings": list(live.warnings),
        "needs_restart": restart,
    }
