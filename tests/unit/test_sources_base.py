"""Documents of a fetch, and their md5."""

import hashlib

import pytest

from app.config.sources.base import Document, Documents


def md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


@pytest.mark.parametrize("text", ["a: 1\n", "", "名: 值\n", "a: 1\r\n"])
def test_one_document_s_md5_is_that_of_its_utf_8_bytes_as_nacos_counts_it(text: str) -> None:
    assert Documents("nacos", (Document("app.yaml", text),)).md5 == md5(text)


def test_several_documents_have_an_md5_that_knows_their_order() -> None:
    first, second = Document("a", "x: 1\n"), Document("b", "y: 2\n")
    both, turned = Documents("nacos", (first, second)), Documents("nacos", (second, first))
    assert both.md5 != turned.md5
    assert both.md5 not in {first.md5, second.md5}
    assert both.md5 == Documents("nacos", (first, second), from_last_good=True).md5
