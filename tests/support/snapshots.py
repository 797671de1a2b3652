"""Snapshots of settings texts, without anything live."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from app.config.compose import Schema, compose
from app.config.placeholders import PlaceholderSource
from app.config.snapshot import Snapshot
from app.config.sources.base import Document, Documents

NO_VARIABLES: Final = Schema(PlaceholderSource({}, Path(), None))


def snapshot_of(text: str, revision: int = 7) -> Snapshot:
    documents = Documents("memory", (Document("app.yaml", text),))
    return Snapshot(
        revision, documents.md5, datetime.now(UTC), documents.source, compose(documents, NO_VARIABLES).settings
    )
