"""The snapshot on its way into a child: effective values as one document, with its revision and md5."""

import asyncio
from collections.abc import Mapping
from typing import Any, Final

import yaml

from app.config.live import LiveSettings
from app.config.snapshot import Snapshot
from app.config.sources.base import Deliver, Document, Documents
from app.xxl_job.executor.isolation.frames import Frame

SETTINGS: Final = "settings"
_NAME: Final = "effective settings"


class _Dumper(yaml.CSafeDumper):
    """Writes every value out: aliases are refused by who reads it."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


class SettingsFrames:
    """Makes the frame of the current snapshot, once for each."""

    def __init__(self, live: LiveSettings) -> None:
        self._live = live
        self._made: tuple[Snapshot, Frame] | None = None

    @property
    def snapshot(self) -> Snapshot:
        return self._live.state.snapshot

    def frame_of(self, snapshot: Snapshot) -> Frame:
        """Holds secrets: it goes over the channel, never to disk, an argument or the environment."""
        made = self._made
        if made is None or made[0] is not snapshot:
            frame = pack_settings(snapshot, self._live.composed.secrets)
            made = self._made = (snapshot, frame)
        return made[1]


def pack_settings(snapshot: Snapshot, secrets: frozenset[str] = frozenset()) -> dict[str, Any]:
    return {
        "kind": SETTINGS,
        "revision": snapshot.revision,
        "md5": snapshot.md5,
        "source": snapshot.source,
        "text": yaml.dump(_literal(snapshot.settings.document), Dumper=_Dumper),
        "secrets": sorted(secrets),
    }


def _literal(tree: Any) -> Any:
    """Plain data in which nothing is a placeholder any more."""
    if isinstance(tree, Mapping):
        return {key: _literal(value) for key, value in tree.items()}
    if isinstance(tree, list | tuple):
        return [_literal(value) for value in tree]
    return tree.replace("${", "$${") if isinstance(tree, str) else tree


def unpack_settings(frame: Frame) -> Documents:
    document = Document(_NAME, frame["text"])
    return Documents(frame["source"], (document,), version=(frame["revision"], frame["md5"]))


class ParentSource:
    """The settings source of a child: what its parent sent last. Changes are applied by who receives them."""

    kind = "parent"

    def __init__(self, documents: Documents) -> None:
        self.documents = documents

    async def open(self) -> Documents:
        return self.documents

    async def fetch(self) -> Documents:
        return self.documents

    async def watch(self, deliver: Deliver) -> None:
        await asyncio.Event().wait()

    async def load_last_good(self) -> Documents | None:
        return None

    async def remember(self, documents: Documents) -> None:
        return None

    def status(self) -> Mapping[str, Any]:
        return {"kind": self.kind}

    async def close(self) -> None:
        return None
