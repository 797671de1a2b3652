import pytest

from app.common.utils.wechat_template import escape_markdown, fill_template

ORDER = ("summary", "exception", "trace_id")
VALUES = {
    "summary": "disk full",
    "exception": "OSError: {0}",
    "trace_id": "t-1",
    "app.name": "orders",
    "a": "{summary}",
}


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("{}", "disk full"),
        ("> {}\n> {}\n> {}", "> disk full\n> OSError: {0}\n> t-1"),
        ("{trace_id}: {}", "t-1: disk full"),
        ("{ trace_id }", "t-1"),
        ("{app.name}", "orders"),
        ("{a}", "{summary}"),
        ("{unknown} {}", "{unknown} disk full"),
        ("{} {} {} {}", "disk full OSError: {0} t-1 {}"),
        ("{{}} {{summary}}", "{} {summary}"),
        ("{{{}}}", "{disk full}"),
        ("{summary.__class__}", "{summary.__class__}"),
        ("{summary[0]}", "{summary[0]}"),
        ("{summary!r} {summary:>20}", "{summary!r} {summary:>20}"),
        ("{0}", "{0}"),
        ("{ unclosed", "{ unclosed"),
        ("", ""),
    ],
)
def test_placeholders_are_replaced_by_plain_values_only(template: str, expected: str) -> None:
    assert fill_template(template, ORDER, VALUES)[0] == expected


@pytest.mark.parametrize(
    ("template", "used"),
    [
        ("{}", {"summary"}),
        ("{trace_id} {app.name}", {"trace_id", "app.name"}),
        ("{unknown} {{summary}}", set()),
        ("{} {summary}", {"summary"}),
    ],
)
def test_it_says_which_values_found_a_place(template: str, used: set[str]) -> None:
    assert fill_template(template, ORDER, VALUES)[1] == used


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("<@all> look", "＜@all> look"),
        ('<font color="warning">x</font>', '＜font color="warning">x＜/font>'),
        ("<FONT>", "＜FONT>"),
        ("[click](http://evil.example)", "[click] (http://evil.example)"),
        ("```\ncode", "'''\ncode"),
        ("a < b and list[0](x)", "a < b and list[0] (x)"),
        ("纯文本 ok", "纯文本 ok"),
        ("\udcff", "?"),
    ],
)
def test_values_can_not_smuggle_in_mentions_tags_links_or_fences(value: str, shown: str) -> None:
    assert escape_markdown(value) == shown
