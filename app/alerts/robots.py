"""The robots of the settings, and which of them takes an alert."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from app.alerts.budget import Pace, RobotBudget
from app.common.const import is_weak_secret
from app.common.logger import log
from app.common.redaction import register_secret
from app.config.settings import WechatSettings

DEFAULT_ROBOT: Final = "default"


@dataclass(frozen=True)
class Robot:
    """A robot that can be sent to, as the settings have it now."""

    name: str
    key: str = field(repr=False)
    template: str
    base_url: str
    budget: RobotBudget


class RobotBook:
    """Chooses robots, and keeps what is known of each key: its budget, and whether it was refused."""

    def __init__(self, pace: Pace, clock: Callable[[], float]) -> None:
        self._pace = pace
        self._clock = clock
        self._budgets: dict[str, RobotBudget] = {}
        self._refused_keys: set[str] = set()
        self._warned: set[str] = set()

    def choose(self, settings: WechatSettings) -> Robot | None:
        """The robot named `default`, else the only one, else the first by name; None when none has a usable key."""
        usable = {
            name: template
            for name, template in sorted(settings.robot_templates.items())
            if not is_weak_secret(template.key.get_secret_value())
            and template.key.get_secret_value() not in self._refused_keys
        }
        if not usable:
            self._warn_once("no alert robot is usable: set wechat.robot_templates.<name>.key")
            return None
        name = DEFAULT_ROBOT if DEFAULT_ROBOT in usable else next(iter(usable))
        if name != DEFAULT_ROBOT and len(usable) > 1:
            self._warn_once("no alert robot is named default: the first by name is used", robot=name)
        key = usable[name].key.get_secret_value()
        if key not in self._budgets:
            register_secret(key)
            self._budgets[key] = RobotBudget(self._pace, self._clock)
        return Robot(name, key, usable[name].template, settings.base_url, self._budgets[key])

    def refuse(self, robot: Robot) -> None:
        """The robot's key is not valid: it is not used again until the settings bring another one."""
        self._refused_keys.add(robot.key)
        log.bind(robot=robot.name).error("alert robot disabled: WeCom refuses its key")

    def _warn_once(self, message: str, **fields: str) -> None:
        if message not in self._warned:
            self._warned.add(message)
            log.bind(**fields).warning(message)
