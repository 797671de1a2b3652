from app.alerts.budget import Pace
from app.alerts.robots import RobotBook
from app.common.redaction import redact
from app.config.settings import WechatSettings


def settings(**keys: str) -> WechatSettings:
    return WechatSettings.model_validate({"robot_templates": {name: {"key": key} for name, key in keys.items()}})


def book() -> RobotBook:
    return RobotBook(Pace(), lambda: 0.0)


def test_two_names_of_one_key_share_its_budget() -> None:
    robots = book()
    first, second = robots.choose(settings(a="key-one-1")), robots.choose(settings(b="key-one-1"))
    assert first is not None
    assert second is not None
    assert first.budget is second.budget


def test_a_refused_key_gives_way_to_another_robot() -> None:
    robots = book()
    both = settings(default="key-one-1", ops="key-two-2")
    chosen = robots.choose(both)
    assert chosen is not None
    robots.refuse(chosen)
    instead = robots.choose(both)
    assert instead is not None
    assert instead.name == "ops"


def test_a_robots_key_is_masked_from_the_moment_it_is_known() -> None:
    chosen = book().choose(settings(default="key-three-3"))
    assert "key-three-3" not in repr(chosen)
    assert redact("sent with key-three-3") == "sent with ******"
