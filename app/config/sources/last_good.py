"""The texts that were applied last, on disk: what a process starts with while the source is away."""

import json
import os
import tempfile
from pathlib import Path
from typing import Any

from app.common.logger import log
from app.config.sources.base import Document, Documents


class LastGood:
    """One JSON file, readable by its owner alone. Blocking: call it in a thread.

    Several processes may share it: a write replaces it whole, and the last one stays.
    """

    def __init__(self, path: Path, *, identity: str, names: tuple[str, ...]) -> None:
        """`identity` tells whose text this is: a file of another connection is not used."""
        self._path = path
        self._identity = identity
        self._names = names

    def load(self, source: str) -> Documents | None:
        """The remembered documents; None, with a warning, when the file is damaged or another's. Never raises."""
        try:
            stored = json.loads(self._path.read_bytes())
            reason = self._reason_against(stored)
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            stored, reason = {}, f"it can't be read: {type(error).__name__}"
        if reason:
            log.bind(file=self._path.name, reason=reason).warning("last known good settings are not usable")
            return None
        items = tuple(Document(each["name"], each["text"]) for each in stored["documents"])
        return Documents(source, items, from_last_good=True)

    def save(self, documents: Documents) -> None:
        """Replaces the file. Raises OSError and leaves the old one then."""
        content = {
            "identity": self._identity,
            "documents": [{"name": item.name, "md5": item.md5, "text": item.text} for item in documents.items],
        }
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle, temporary = tempfile.mkstemp(dir=self._path.parent, prefix=f".{self._path.stem}-")  # 0600
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                json.dump(content, file, ensure_ascii=False)
                file.flush()
                os.fsync(file.fileno())
            Path(temporary).replace(self._path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
        _sync_folder(self._path.parent)

    def _reason_against(self, stored: Any) -> str:
        """Why the content can't be used; "" if it can."""
        documents = stored.get("documents") if isinstance(stored, dict) else None
        if not isinstance(documents, list) or not all(_is_intact(each) for each in documents):
            return "its content does not match its checksums"
        if stored.get("identity") != self._identity or tuple(each["name"] for each in documents) != self._names:
            return "it belongs to another connection"
        return ""


def _is_intact(stored: Any) -> bool:
    """Whether the text is what was written."""
    if not isinstance(stored, dict) or not all(isinstance(stored.get(key), str) for key in ("name", "text", "md5")):
        return False
    return bool(Document(stored["name"], stored["text"]).md5 == stored["md5"])


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
