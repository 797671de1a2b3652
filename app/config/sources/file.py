"""The watched file: settings inline in `config_{env}.yaml`."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from app.common.errors import SourceUnavailable, StartupError
from app.common.logger import log
from app.config.document import MAX_DOCUMENT_BYTES
from app.config.sources.base import Deliver, Document, Documents, Trigger

POLL_SECONDS: Final = 0.4
"""A change is delivered after two equal reads: within a second, and never half-written."""


def read_settings_file(path: Path) -> str:
    """The file's text. Raises StartupError when it can't be read."""
    try:
        with path.open("rb") as file:
            content = file.read(MAX_DOCUMENT_BYTES + 1)
        # a cut may go through a character; too large is what will be said of it
        return content.decode("utf-8-sig", "strict" if len(content) <= MAX_DOCUMENT_BYTES else "replace")
    except OSError as error:
        raise StartupError(
            f"settings file {path.name} can't be read: {error.strerror}; create it, or set APP_ENV and CONFIG_DIR"
        ) from error
    except UnicodeDecodeError:
        raise StartupError(f"settings file {path.name} is not UTF-8") from None


class FileSource:
    """Reads one file, and delivers its content when it changes: also by rename or a switched symlink."""

    kind = "file"

    def __init__(self, path: Path, *, poll_seconds: float = POLL_SECONDS) -> None:
        self._path = path
        self._poll_seconds = poll_seconds
        self._delivered: str | None = None
        self._holds_text = False
        self._read_at: datetime | None = None
        self._problem: str | None = None

    async def open(self) -> Documents:
        try:
            documents = await self.fetch()
        except SourceUnavailable as error:
            raise StartupError(error.message) from error
        self._delivered = documents.md5
        return documents

    async def fetch(self) -> Documents:
        try:
            text = await asyncio.to_thread(read_settings_file, self._path)
        except StartupError as error:
            raise SourceUnavailable(error.message) from error
        self._read_at = datetime.now(UTC)
        if self._holds_text and not text.strip():
            raise SourceUnavailable(f"settings file {self._path.name} is empty: write {{}} to take every default")
        return Documents(self.kind, (Document(self._path.name, text),))

    async def watch(self, deliver: Deliver) -> None:
        seen = self._delivered
        while True:
            await asyncio.sleep(self._poll_seconds)
            documents = await self._look()
            if documents is None:
                continue
            if documents.md5 != self._delivered and documents.md5 == seen:
                await deliver(documents, Trigger.FILE)
                self._delivered = seen
            seen = documents.md5

    async def _look(self) -> Documents | None:
        """The present content; None, with one log line per problem, while it can't be read."""
        try:
            documents = await self.fetch()
        except SourceUnavailable as error:
            if self._problem != error.message:
                log.bind(reason=error.message).warning("settings file can't be read, the last settings keep serving")
            self._problem = error.message
            return None
        self._problem = None
        return documents

    async def load_last_good(self) -> Documents | None:
        return None

    async def remember(self, documents: Documents) -> None:
        """From then on an empty file, as a full disk or an interrupted editor leaves it, replaces nothing."""
        self._delivered = documents.md5
        self._holds_text = any(item.text.strip() for item in documents.items)

    def status(self) -> Mapping[str, Any]:
        return {
            "kind": self.kind,
            "file": self._path.name,
            "read_at": self._read_at.isoformat() if self._read_at else None,
            "problem": self._problem,
        }

    async def close(self) -> None:
        return None
