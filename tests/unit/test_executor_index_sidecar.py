"""An index beside its log: believed only as it was stored, of the log as it is."""

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.xxl_job.executor.index_sidecar import load_sidecar, store_sidecar
from app.xxl_job.executor.line_index import LineIndex

TEXT = b"a line\nhalf a li"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "7.log"
    path.write_bytes(TEXT)
    store_sidecar(path, path.stat(), index_of(TEXT))
    return path


def index_of(text: bytes) -> LineIndex:
    index = LineIndex()
    index.extend(text)
    return index


def test_what_is_stored_is_loaded(path: Path) -> None:
    index = load_sidecar(path, path.stat())
    assert index is not None
    assert (index.lines, index.size_bytes, index.ends_whole) == (1, len(TEXT), False)


def test_a_loaded_index_goes_on_counting(path: Path) -> None:
    index = load_sidecar(path, path.stat())
    assert index is not None
    index.extend(b"ne\nmore\n")
    assert (index.lines, index.size_bytes, index.ends_whole) == (3, len(TEXT) + 8, True)


def test_one_of_another_time_is_not_believed(path: Path) -> None:
    os.utime(path, (1, 1))
    assert load_sidecar(path, path.stat()) is None


def test_there_need_not_be_one(tmp_path: Path) -> None:
    (tmp_path / "8.log").touch()
    assert load_sidecar(tmp_path / "8.log", (tmp_path / "8.log").stat()) is None


@given(st.data())
@settings(max_examples=50, deadline=None)
def test_no_damage_is_taken_for_an_index(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    path = tmp_path_factory.mktemp("log") / "7.log"
    path.write_bytes(TEXT)
    store_sidecar(path, path.stat(), index_of(TEXT))
    sidecar = path.with_name("7.log.idx")
    whole = bytearray(sidecar.read_bytes())
    place = data.draw(st.integers(0, len(whole) - 1))
    whole[place] ^= data.draw(st.integers(1, 255))
    sidecar.write_bytes(whole)

    index = load_sidecar(path, path.stat())
    assert index is None or (list(index.offsets), list(index.counts)) == ([0, len(TEXT)], [0, 1])


def test_nothing_is_left_beside_a_folder_that_takes_no_file(path: Path) -> None:
    path.with_name("7.log.idx").unlink()
    path.with_name("7.log.idx").mkdir()
    store_sidecar(path, path.stat(), index_of(TEXT))
    assert sorted(found.name for found in path.parent.iterdir()) == ["7.log", "7.log.idx"]
