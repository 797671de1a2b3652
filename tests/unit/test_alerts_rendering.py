from datetime import UTC, datetime
from typing import Any

import pytest

from app.alerts.base import AlertEvent
from app.alerts.queue import Waiting
from app.alerts.rendering import render
from app.common.const import AlarmLevel
from app.common.utils.wechat_msg_util import byte_length

AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def matter(level: AlarmLevel = AlarmLevel.NORMAL, exception: str = "", count: int = 1, **fields: Any) -> Waiting:
    event = AlertEvent("run failed", level, fields.pop("summary", "orders stopped"), trace_id="t-1", **fields)
    return Waiting(event, exception, AT, ("key",), level, count)


def markdown(template: str, waiting: Waiting) -> str:
    content: str = render(waiting, template, "prod", "host-1")[0]["markdown"]["content"]
    return content


def test_without_a_template_everything_is_told_in_lines() -> None:
    waiting = matter(exception="ValueError: x", labels={"job": "settle"}, details={"rows": 3})
    assert markdown("", waiting).split("\n") == [
        "[NORMAL] run failed",
        "orders stopped",
        "> exception: ValueError: x",
        "> trace_id: t-1",
        "> environment: prod",
        "> host: host-1",
        f"> time: {AT.astimezone().isoformat(sep=' ')}",
        "> rows: 3",
        "> job: settle",
    ]


@pytest.mark.parametrize(
    ("template", "first_lines"),
    [
        ("{title}!", ["[NORMAL] run failed!", "orders stopped"]),
        ("告警: {}", ["[NORMAL] run failed", "告警: orders stopped"]),
        ("{name}: {} / {}", ["run failed: orders stopped / ValueError: x"]),
        ("{name} {job}", ["run failed settle", "orders stopped"]),
        ("{title} {} {} {} {} {}", ["[NORMAL] run failed orders stopped ValueError: x t-1 prod host-1"]),
        ("{title} {nobody}", ["[NORMAL] run failed {nobody}", "orders stopped"]),
    ],
)
def test_a_template_places_values_and_the_title_leads_if_it_has_none(template: str, first_lines: list[str]) -> None:
    content = markdown(template, matter(exception="ValueError: x", labels={"job": "settle"}))
    assert content.split("\n")[: len(first_lines)] == first_lines


def test_what_the_template_has_no_place_for_is_appended() -> None:
    content = markdown("{name} {} {trace_id}", matter(exception="ValueError: x", labels={"job": "settle"}))
    assert content.split("\n")[1:] == [
        "> exception: ValueError: x",
        "> environment: prod",
        "> host: host-1",
        f"> time: {AT.astimezone().isoformat(sep=' ')}",
        "> job: settle",
    ]


def test_repeats_show_as_a_count() -> None:
    assert markdown("", matter(count=12)).startswith("[NORMAL] run failed ×12\n")


def test_a_recovery_is_green() -> None:
    content = markdown("", matter(AlarmLevel.DISASTER, resolves=True))
    assert content.startswith('<font color="info">[RESOLVED] run failed</font>\n')


def test_a_disaster_is_followed_by_a_text_that_mentions_everyone() -> None:
    payloads = render(matter(AlarmLevel.DISASTER), "", "prod", "host-1")
    assert payloads[0]["markdown"]["content"].startswith('**<font color="warning">[DISASTER] run failed</font>**\n')
    assert payloads[1] == {
        "msgtype": "text",
        "text": {"content": "[DISASTER] run failed", "mentioned_list": ["@all"]},
    }


def test_only_a_raised_disaster_mentions_everyone() -> None:
    assert len(render(matter(AlarmLevel.DISASTER, resolves=True), "", "prod", "h")) == 1
    assert len(render(matter(AlarmLevel.CRITICAL), "", "prod", "h")) == 1


@pytest.mark.parametrize(
    "waiting",
    [
        matter(details={"db_password": "hunter22"}),
        matter(details={"request": {"token": "hunter22"}}),
        matter(labels={"key": "hunter22"}),
        matter(summary="login with password=hunter22"),
        matter(exception="OperationalError: mysql://root:hunter22@db/x"),
    ],
)
@pytest.mark.parametrize("template", ["", "{} {} {db_password} {request} {key}"])
def test_secrets_are_masked_wherever_they_stand(waiting: Waiting, template: str) -> None:
    content = markdown(template, waiting)
    assert "hunter22" not in content
    assert "******" in content


def test_values_can_not_mention_anyone() -> None:
    content = markdown("{} <@ops>", matter(summary="<@all> hello", labels={"<@all>": "<@all>"}))
    assert "<@all>" not in content
    assert "＜@all> hello <@ops>" in content


def test_a_label_can_not_take_the_place_of_a_core_field() -> None:
    assert "> trace_id: t-1" in markdown("", matter(labels={"trace_id": "forged", "title": "forged"}))


def test_a_value_longer_than_a_reader_needs_is_shortened_and_says_so() -> None:
    assert f"{'x' * 2000}… (+3000 characters)" in markdown("", matter(summary="x" * 5000))


def test_a_long_alert_is_several_messages_within_the_limit() -> None:
    payloads = render(matter(details={f"d{number}": "中" * 900 for number in range(5)}), "", "prod", "host-1")
    contents = [payload["markdown"]["content"] for payload in payloads]
    assert len(contents) == 5
    assert all(byte_length(content) <= 4096 for content in contents)
    assert sum(content.count("中") for content in contents) == 4500


def test_one_alert_can_not_eat_a_whole_minute() -> None:
    assert len(render(matter(details={f"d{number}": "中" * 900 for number in range(500)}), "", "prod", "h")) < 8
