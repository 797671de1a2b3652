import asyncio
from datetime import date

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from app.config.compose import compose
from app.config.sources.base import Document, Documents
from app.xxl_job.executor.isolation.settings_transfer import (
    ParentSource,
    SettingsFrames,
    pack_settings,
    unpack_settings,
)
from support.settings import build_desk
from support.snapshots import NO_VARIABLES, snapshot_of


def across(text: str) -> dict[str, object]:
    """The child's document of a parent's text."""
    snapshot = snapshot_of(text)
    return dict(compose(unpack_settings(pack_settings(snapshot)), NO_VARIABLES).settings.document)


def test_the_child_composes_the_parents_effective_values() -> None:
    snapshot = snapshot_of("shop:\n  limit: 3\n  secret: $${NOT_ME}\nserver:\n  ops_token: tok-1\n")
    documents = unpack_settings(pack_settings(snapshot))
    composed = compose(documents, NO_VARIABLES)
    assert composed.settings.document == snapshot.settings.document
    assert composed.settings.get("shop.secret") == "${NOT_ME}"
    assert composed.settings.server.ops_token.get_secret_value() == "tok-1"


def test_revision_and_md5_are_the_parents() -> None:
    snapshot = snapshot_of("shop: {limit: 3}\n")
    documents = unpack_settings(pack_settings(snapshot))
    assert (documents.version, documents.md5) == ((snapshot.revision, snapshot.md5), snapshot.md5)


@pytest.mark.parametrize(
    "text",
    [
        'a: ["on", "1", "1.0", "null", "~", "", " x ", "2026-01-01", "a: b", "# c", "\\u2028", "\\U0001f600"]\n',
        "a: 2026-01-01\n",
        "a: 1e3\nb: .nan\nc: [[], {}]\n",
        "a: |\n  two\n  lines\n",
    ],
)
def test_values_that_yaml_reads_in_its_own_way_arrive_as_they_were(text: str) -> None:
    assert repr(across(text)["a"]) == repr(snapshot_of(text).settings.document["a"])


def test_a_date_stays_a_date() -> None:
    assert across("a: 2026-01-01\n")["a"] == date(2026, 1, 1)


@settings(max_examples=40, deadline=None)
@given(st.text(st.characters(codec="utf-8"), max_size=20))
def test_any_text_arrives_as_it_was(text: str) -> None:
    written = yaml.safe_dump({"a": text.replace("${", "$${")})
    assert snapshot_of(written).settings.document["a"] == text
    assert across(written)["a"] == text


async def test_the_frame_is_made_once_for_a_snapshot() -> None:
    desk = build_desk("shop: {limit: 3}\n")
    await desk.live.start()
    frames = SettingsFrames(desk.live)
    assert frames.frame_of(frames.snapshot) is frames.frame_of(frames.snapshot)
    await desk.live.close()


async def test_the_childs_source_gives_what_the_parent_sent_last() -> None:
    source = ParentSource(Documents("nacos", (Document("d", "a: 1\n"),)))
    first = await source.open()
    source.documents = Documents("nacos", (Document("d", "a: 2\n"),))
    assert (first.items[0].text, (await source.fetch()).items[0].text) == ("a: 1\n", "a: 2\n")
    assert await source.load_last_good() is None
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await source.watch(lambda _documents, _trigger: asyncio.sleep(0))
