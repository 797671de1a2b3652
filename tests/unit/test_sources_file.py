"""The watched settings file."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from app.common.errors import SettingsRefused, SourceUnavailable, StartupError
from app.config.document import MAX_DOCUMENT_BYTES, parse_document
from app.config.sources.base import Documents, Trigger
from app.config.sources.file import FileSource


class Watched:
    """A source being watched, with all that it delivered."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.source = FileSource(path, poll_seconds=0.01)
        self.delivered: list[str] = []

    async def deliver(self, documents: Documents, trigger: Trigger) -> None:
        assert trigger is Trigger.FILE
        self.delivered.append(documents.items[0].text)

    async def until_delivered(self, text: str) -> None:
        async with asyncio.timeout(5):
            while not self.delivered or self.delivered[-1] != text:
                await asyncio.sleep(0.005)


@pytest.fixture
async def watched(tmp_path: Path) -> AsyncIterator[Watched]:
    path = tmp_path / "config_local.yaml"
    path.write_text("a: 1\n")
    watched = Watched(path)
    await watched.source.open()
    task = asyncio.create_task(watched.source.watch(watched.deliver))
    yield watched
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_an_edit_is_delivered_once(watched: Watched) -> None:
    watched.path.write_text("a: 2\n")
    await watched.until_delivered("a: 2\n")
    await asyncio.sleep(0.1)
    assert watched.delivered == ["a: 2\n"]


async def test_a_file_renamed_into_place_is_delivered(watched: Watched) -> None:
    draft = watched.path.with_name("draft")
    draft.write_text("a: 3\n")
    draft.rename(watched.path)
    await watched.until_delivered("a: 3\n")


async def test_a_switched_symlink_is_delivered(tmp_path: Path, watched: Watched) -> None:
    (tmp_path / "v2").mkdir()
    (tmp_path / "v2" / "config.yaml").write_text("a: 4\n")
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "v2" / "config.yaml")
    link.rename(watched.path)
    await watched.until_delivered("a: 4\n")


async def test_a_file_that_vanishes_keeps_the_last_text_and_is_told(watched: Watched) -> None:
    watched.path.unlink()
    async with asyncio.timeout(5):
        while not watched.source.status()["problem"]:
            await asyncio.sleep(0.005)
    assert watched.delivered == []
    watched.path.write_text("a: 5\n")
    await watched.until_delivered("a: 5\n")
    assert watched.source.status()["problem"] is None


async def test_a_missing_file_ends_the_start_with_its_name(tmp_path: Path) -> None:
    with pytest.raises(StartupError, match=r"config_prod\.yaml can't be read: No such file or directory; create it"):
        await FileSource(tmp_path / "config_prod.yaml").open()


async def test_text_that_is_not_utf_8_can_not_be_had(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_bytes(b"a: \xff\xfe\n")
    with pytest.raises(SourceUnavailable, match="is not UTF-8"):
        await FileSource(path).fetch()


async def test_a_byte_order_mark_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_bytes(b"\xef\xbb\xbfa: 1\n")
    assert (await FileSource(path).fetch()).items[0].text == "a: 1\n"


async def test_an_emptied_file_replaces_nothing_and_is_told(watched: Watched) -> None:
    await watched.source.remember(await watched.source.fetch())
    watched.path.write_text("\n")
    with pytest.raises(SourceUnavailable, match=r"is empty: write \{\} to take every default"):
        await watched.source.fetch()
    async with asyncio.timeout(5):
        while not watched.source.status()["problem"]:
            await asyncio.sleep(0.005)
    assert watched.delivered == []


async def test_an_empty_file_is_enough_to_start_with(tmp_path: Path) -> None:
    path = tmp_path / "config_local.yaml"
    path.touch()
    assert (await FileSource(path).open()).items[0].text == ""


async def test_a_file_that_is_too_large_is_given_on_for_its_refusal_wherever_it_is_cut(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text("中" * (MAX_DOCUMENT_BYTES // 3 + 1), encoding="utf-8")
    with pytest.raises(SettingsRefused, match="larger than 4 MiB"):
        parse_document((await FileSource(path).fetch()).items[0])


async def test_a_text_whose_delivery_failed_is_delivered_by_the_next_watch(tmp_path: Path) -> None:
    watched = Watched(tmp_path / "config_local.yaml")
    watched.path.write_text("a: 1\n")
    await watched.source.open()
    watched.path.write_text("a: 2\n")

    async def fail(documents: Documents, trigger: Trigger) -> None:
        raise RuntimeError("broken")

    with pytest.raises(RuntimeError):
        await watched.source.watch(fail)
    task = asyncio.create_task(watched.source.watch(watched.deliver))
    await watched.until_delivered("a: 2\n")
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
