"""What counts as a document's text."""

import pytest

from app.common.errors import SourceUnavailable
from app.config.sources.nacos_text import checked_text


def test_a_text_is_itself() -> None:
    assert checked_text("app.yaml", "a: 1\n") == "a: 1\n"


@pytest.mark.parametrize("text", ["", " \n\t\r\n"])
def test_a_blank_text_is_an_absent_one(text: str) -> None:
    assert checked_text("app.yaml", text) is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (("", ""), "app.yaml was answered with something that is no document"),
        (None, "app.yaml was answered with something that is no document"),
        ("\ud800", "app.yaml is not UTF-8"),
        ("你" * (4 * 1024 * 1024 // 3 + 1), "app.yaml is larger than 4 MiB"),
    ],
)
def test_what_is_no_text_is_refused_by_name(text: object, message: str) -> None:
    with pytest.raises(SourceUnavailable, match=message):
        checked_text("app.yaml", text)


def test_four_mebibytes_are_allowed() -> None:
    text = "a" * (4 * 1024 * 1024)
    assert checked_text("app.yaml", text) == text
