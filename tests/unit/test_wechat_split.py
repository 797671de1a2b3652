import random
import re
from collections.abc import Callable

import pytest

from app.common.utils.wechat_split import byte_length, cut_markdown, cut_text, split_markdown, split_text

NUMBER = re.compile(r"\A\((\d+)/(\d+)\)\n")
CHARACTERS = "a Z9é中文告警😀𝄞\n\n  "


def without_numbers(parts: list[str]) -> list[str]:
    return [NUMBER.sub("", part) for part in parts]


def random_plain(source: random.Random, length: int) -> str:
    return "".join(source.choice(CHARACTERS) for _ in range(length))


def random_markdown(source: random.Random) -> str:
    spans = (
        lambda: random_plain(source, source.randint(0, 60)),
        lambda: f'<font color="warning">{random_plain(source, source.randint(1, 30))}</font>',
        lambda: "[日志](http://console.example/log?id=1)",
        lambda: "<@zhang.san>",
        lambda: "\n```python\nraise ValueError('中文')\n```\n",
        lambda: "**粗体**",
    )
    return "".join(source.choice(spans)() for _ in range(source.randint(1, 120)))


@pytest.mark.parametrize("seed", range(20))
def test_every_part_of_a_text_is_within_the_limit_and_nothing_is_lost(seed: int) -> None:
    source = random.Random(seed)
    content = random_plain(source, source.randint(1, 4000))
    parts = split_text(content, 200)
    assert all(byte_length(part) <= 200 for part in parts)
    assert "".join(without_numbers(parts)) == content


@pytest.mark.parametrize("seed", range(40))
def test_every_part_of_a_markdown_is_within_the_limit_and_nothing_is_lost(seed: int) -> None:
    content = random_markdown(random.Random(seed))
    parts = split_markdown(content, 256)
    assert all(byte_length(part) <= 256 for part in parts)
    assert "".join(without_numbers(parts)) == content


@pytest.mark.parametrize("seed", range(40))
def test_no_part_ends_inside_a_tag_a_fence_a_link_or_a_mention(seed: int) -> None:
    for part in split_markdown(random_markdown(random.Random(seed)), 256):
        assert part.count("<font") == part.count("</font>")
        assert part.count("```") % 2 == 0
        assert part.count("[日志]") == part.count("(http://console.example/log?id=1)")
        assert part.count("<@") == part.count("<@zhang.san>")


def test_what_fits_is_one_part_without_a_number() -> None:
    assert split_markdown("短") == ["短"]
    assert split_text("") == [""]


def test_parts_are_numbered() -> None:
    assert [part[:6] for part in split_text("x" * 5000)] == ["(1/3)\n", "(2/3)\n", "(3/3)\n"]


def test_a_colour_that_is_too_long_itself_is_closed_and_opened_again() -> None:
    first, second = split_markdown(f'<font color="info">{"中" * 100}</font>', 250)
    assert first.startswith('(1/2)\n<font color="info">中')
    assert first.endswith("中</font>")
    assert second.startswith('(2/2)\n<font color="info">中')
    assert first.count("中") + second.count("中") == 100


def test_a_fence_that_is_too_long_itself_keeps_its_language_and_its_lines() -> None:
    lines = "".join(f"line {number}\n" for number in range(60))
    parts = without_numbers(split_markdown(f"```python\n{lines}\n```", 200))
    assert len(parts) > 2
    assert all(part.startswith("```python\nline ") and part.endswith("\n```") for part in parts)
    assert "".join(part.removeprefix("```python\n").removesuffix("\n```") for part in parts) == lines


def test_bold_around_colour_is_cut_inside_both() -> None:
    parts = without_numbers(split_markdown(f'**<font color="warning">{"x" * 300}</font>**', 200))
    assert all(part.startswith('**<font color="warning">x') and part.endswith("x</font>**") for part in parts)
    assert sum(part.count("x") for part in parts) == 300


def test_a_long_line_begins_in_the_part_that_has_room() -> None:
    assert split_text("title\n" + "x" * 300, 200)[0].startswith("(1/2)\ntitle\nxxx")


def test_marks_that_nothing_closes_are_plain_text() -> None:
    content = '<font color="info">' * 40 + "```" + "**" + "[x](" * 40
    assert "".join(without_numbers(split_markdown(content, 128))) == content


def test_deeply_nested_tags_are_cut_all_the_same() -> None:
    content = '<font color="info">' * 400 + "x" + "</font>" * 400
    assert all(byte_length(part) <= 4096 for part in split_markdown(content))


def test_an_inline_fence_ends_on_its_own_line() -> None:
    content = "```a``` and\n```\nb\n```\n" + "c" * 300
    assert without_numbers(split_markdown(content, 200))[0].startswith("```a``` and\n```\nb\n```\nccc")


@pytest.mark.parametrize("cut", [cut_text, cut_markdown])
def test_cutting_keeps_what_fits_and_marks_what_does_not(cut: Callable[[str, int], str]) -> None:
    assert cut("中文", 6) == "中文"
    shortened = cut("中" * 100, 64)
    assert shortened == "中" * 20 + "…"


def test_a_cut_markdown_closes_its_colour() -> None:
    assert cut_markdown('<font color="info">' + "x" * 200 + "</font>", 100).endswith("x</font>…")


def test_lone_surrogates_count_as_one_byte() -> None:
    assert byte_length("\udcff") == 1
    assert split_text("\udcff" * 150, 100)[0].endswith("?")
