"""Tells the alert group what happens to the settings: one alert a matter, one recovery."""

from app.alerts.base import AlertEvent, AlertSender
from app.common.const import AlarmLevel
from app.config.history import ApplyResult, Outcome


class SettingsAlerts:
    """Turns what LiveSettings reports into alerts, each matter once."""

    def __init__(self, alerts: AlertSender) -> None:
        self._alerts = alerts
        self._refused_md5: str | None = None
        self._on_last_good = False

    def applied(self, result: ApplyResult) -> None:
        if result.outcome in {Outcome.REFUSED, Outcome.PENDING}:
            self._refused(result)
        else:
            self._accepted(result)

    def _refused(self, result: ApplyResult) -> None:
        if self._refused_md5 == result.md5:
            return
        self._refused_md5 = result.md5
        details: dict[str, object] = {
            "reasons": list(result.reasons),
            "md5": result.md5,
            "trigger": result.trigger.value,
        }
        summary = "new settings were refused, the previous ones keep serving"
        self._raise("settings.refused", AlarmLevel.URGENT, summary, details, matter=result.md5)

    def _accepted(self, result: ApplyResult) -> None:
        details: dict[str, object] = {"md5": result.md5}
        if result.from_last_good:
            if self._refused_md5 is None:  # a refused first text was told already
                summary = "started on the last good settings, for the source can't be reached"
                self._raise("settings.last_good", AlarmLevel.URGENT, summary, details)
                self._on_last_good = True
            return
        if self._refused_md5 is not None:
            matter, self._refused_md5 = self._refused_md5, None
            summary = "settings are valid again"
            self._raise("settings.refused", AlarmLevel.NORMAL, summary, details, matter=matter, resolves=True)
        if self._on_last_good:
            self._on_last_good = False
            summary = "the settings source is reached again"
            self._raise("settings.last_good", AlarmLevel.NORMAL, summary, details, resolves=True)

    def resource_changed(self, name: str, missing: str | None) -> None:
        if missing is None:
            self._raise(f"resource.{name}", AlarmLevel.NORMAL, f"{name} is connected again", {}, resolves=True)
        else:
            self._raise(f"resource.{name}", AlarmLevel.CRITICAL, f"{name} can't be connected", {"reason": missing})

    def failed(self, what: str, error: BaseException) -> None:
        event = AlertEvent(
            "settings.after_commit",
            AlarmLevel.URGENT,
            f"{what} failed after the settings were applied",
            exception=error,
            dedup_key=f"settings.after_commit:{what}",
        )
        self._alerts.raise_alert(event)

    def _raise(
        self,
        name: str,
        level: AlarmLevel,
        summary: str,
        details: dict[str, object],
        *,
        matter: str = "",
        resolves: bool = False,
    ) -> None:
        key = f"{name}:{matter}" if matter else name
        self._alerts.raise_alert(AlertEvent(name, level, summary, details=details, dedup_key=key, resolves=resolves))
