import json

import pytest

from app.common.const import AlarmLevel
from app.common.utils.wechat_msg_util import (
    MARKDOWN_LIMIT_BYTES,
    TEXT_LIMIT_BYTES,
    build_markdown,
    build_text,
    byte_length,
    find_raise_site,
    paint,
    split_payload,
    summarise_exception,
)


class Unprintable(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no words")


def raised(error: Exception) -> Exception:
    with pytest.raises(type(error)) as caught:
        raise error
    return caught.value


def test_a_text_carries_its_mentions_only_when_there_are_any() -> None:
    assert build_text("down") == {"msgtype": "text", "text": {"content": "down"}}
    assert build_text("down", ["@all"], ["13800000000"]) == {
        "msgtype": "text",
        "text": {"content": "down", "mentioned_list": ["@all"], "mentioned_mobile_list": ["13800000000"]},
    }


def test_a_markdown_is_its_content() -> None:
    assert build_markdown("**x**") == {"msgtype": "markdown", "markdown": {"content": "**x**"}}


def test_what_is_built_is_within_the_limits_in_bytes() -> None:
    text = build_text("告" * 2000)["text"]["content"]
    markdown = build_markdown("警" * 2000)["markdown"]["content"]
    assert TEXT_LIMIT_BYTES - 3 < byte_length(text) <= TEXT_LIMIT_BYTES
    assert MARKDOWN_LIMIT_BYTES - 3 < byte_length(markdown) <= MARKDOWN_LIMIT_BYTES


@pytest.mark.parametrize(
    ("level", "look"),
    [
        (AlarmLevel.NORMAL, "x"),
        (AlarmLevel.URGENT, '<font color="warning">x</font>'),
        (AlarmLevel.CRITICAL, '**<font color="warning">x</font>**'),
        (AlarmLevel.DISASTER, '**<font color="warning">x</font>**'),
    ],
)
def test_each_level_has_its_look(level: AlarmLevel, look: str) -> None:
    assert paint("x", level) == look


def test_a_payload_is_split_into_payloads_of_its_own_kind() -> None:
    parts = split_payload(build_text("x" * 2000, ["@all"]))
    assert len(parts) == 2
    assert all(part["msgtype"] == "text" and part["text"]["mentioned_list"] == ["@all"] for part in parts)
    assert "".join(part["text"]["content"].split("\n")[1] for part in parts) == "x" * 2000


def test_a_short_payload_is_not_split_any_further() -> None:
    assert split_payload(build_markdown("x" * 100)) == [build_markdown("x" * 100)]


def test_an_exception_is_its_type_its_message_and_its_place() -> None:
    summary = summarise_exception(raised(ValueError("bad amount")))
    assert summary.startswith("ValueError: bad amount (")
    assert summary.endswith(" in raised)")
    assert "test_wechat_msg_util:" in summary


def test_the_place_is_in_our_own_code_even_if_a_library_raised() -> None:
    with pytest.raises(ValueError, match="Expecting") as caught:
        json.loads("{")
    assert find_raise_site(caught.value).endswith("in test_the_place_is_in_our_own_code_even_if_a_library_raised")


def test_an_exception_that_was_never_raised_has_no_place() -> None:
    assert summarise_exception(KeyError("x")) == "KeyError: 'x'"


def test_an_exception_that_can_not_be_printed_is_still_named() -> None:
    assert summarise_exception(Unprintable()) == "Unprintable: <unprintable Unprintable>"
