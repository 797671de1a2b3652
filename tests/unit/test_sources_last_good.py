"""The last known good texts on disk."""

import json
from pathlib import Path
from typing import Any

import pytest

from app.config.sources.base import Document, Documents
from app.config.sources.last_good import LastGood

TWO = Documents("nacos", (Document("common.yaml", "a: ${SECRET}\n"), Document("app.yaml", "b: 你好\r\n\u2028🙂\n")))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "nacos" / "last_good" / "key.json"


def store(path: Path, *, identity: str = "here", names: tuple[str, ...] = ("common.yaml", "app.yaml")) -> LastGood:
    return LastGood(path, identity=identity, names=names)


def test_what_was_saved_is_loaded_to_the_letter(path: Path) -> None:
    store(path).save(TWO)
    assert store(path).load("nacos") == Documents("nacos", TWO.items, from_last_good=True)


def test_without_a_file_there_is_nothing(path: Path) -> None:
    assert store(path).load("nacos") is None


def test_only_the_owner_may_read_it(path: Path) -> None:
    store(path).save(TWO)
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_a_save_replaces_the_file_whole_and_leaves_no_draft(path: Path) -> None:
    store(path).save(TWO)
    newer = Documents("nacos", (Document("common.yaml", "a: 2\n"), TWO.items[1]))
    store(path).save(newer)
    loaded = store(path).load("nacos")
    assert loaded is not None
    assert loaded.items == newer.items
    assert [file.name for file in path.parent.iterdir()] == ["key.json"]


def test_a_failed_save_leaves_the_old_text(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store(path).save(TWO)

    def full_disk(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full_disk)
    with pytest.raises(OSError, match="No space"):
        store(path).save(Documents("nacos", (Document("common.yaml", "a: 2\n"), TWO.items[1])))
    assert [file.name for file in path.parent.iterdir()] == ["key.json"]
    loaded = store(path).load("nacos")
    assert loaded is not None
    assert loaded.items == TWO.items


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xfe",
        b"[]",
        b"{}",
        b'{"identity": "here", "documents": 3}',
        b'{"identity": "here", "documents": [1, 2]}',
        b'{"identity": "here", "documents": [{"name": "common.yaml", "text": 1, "md5": ""}]}',
        b'{"identity": "here", "documents": [{"name": "common.yaml", "text": "\\ud800", "md5": ""}]}',
    ],
)
def test_a_damaged_file_is_ignored(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    assert store(path).load("nacos") is None


def test_a_text_that_was_touched_is_ignored(path: Path) -> None:
    store(path).save(TWO)
    stored: dict[str, Any] = json.loads(path.read_text())
    stored["documents"][0]["text"] = "a: evil\n"
    path.write_text(json.dumps(stored))
    assert store(path).load("nacos") is None


def test_a_file_of_another_connection_is_ignored(path: Path) -> None:
    store(path, identity="there").save(TWO)
    assert store(path).load("nacos") is None


def test_a_file_with_other_documents_is_ignored(path: Path) -> None:
    store(path).save(TWO)
    assert store(path, names=("app.yaml", "common.yaml")).load("nacos") is None
