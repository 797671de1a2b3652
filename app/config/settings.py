"""The typed sections of the settings document. Frozen; every field has a default; live unless marked otherwise.

The keys are those that existing users have. A key without a section here stays readable through `Settings.get`.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any, Final, Literal, TypeVar
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationInfo,
    field_validator,
)
from pydantic_core import PydanticCustomError

from app.common.const import DEFAULT_EXECUTOR_PORT, DEFAULT_WEB_PORT, AlarmLevel

RESTART: Final[dict[str, Any]] = {"needs_restart": True}
"""Marks a field that is read once at start: a change of it is accepted, and reported as needing a restart."""

ValueT = TypeVar("ValueT")
FrozenMapping = Annotated[Mapping[str, ValueT], AfterValidator(MappingProxyType)]
"""A mapping that is as read-only as its section."""

Port = Annotated[int, Field(ge=0, le=65535)]
LogLevel = Literal["TRACE", "DEBUG", "INFO", "SUCCESS", "WARNING", "ERROR", "CRITICAL"]
UpperLogLevel = Annotated[LogLevel, BeforeValidator(lambda value: value.upper() if isinstance(value, str) else value)]


class Section(BaseModel):
    """Base of every section, a feature's own ones too: frozen, unknown keys kept for others to read.

    Its fields hold tuples and `FrozenMapping`s, for a list or dict could be changed in place.
    """

    model_config = ConfigDict(
        frozen=True, extra="ignore", populate_by_name=True, hide_input_in_errors=True, coerce_numbers_to_str=True
    )

    @field_validator("*", mode="before")
    @classmethod
    def _refuse_yes_and_no_as_numbers(cls, value: object, info: ValidationInfo) -> object:
        """YAML reads `no` as false, and false would pass for 0."""
        annotation = cls.model_fields[info.field_name or ""].annotation
        if isinstance(value, bool) and annotation in {int, float}:
            raise PydanticCustomError(
                "number_type", "Input should be a number, not a word that YAML reads as yes or no"
            )
        return value


class ServerSettings(Section):
    """The web process."""

    host: str | None = Field(None, json_schema_extra=RESTART, description="127.0.0.1 locally, 0.0.0.0 elsewhere")
    port: Port = Field(DEFAULT_WEB_PORT, json_schema_extra=RESTART)
    workers: int = Field(1, ge=1, le=64, json_schema_extra=RESTART)
    ops_token: SecretStr = Field(SecretStr(""), description="Bearer token of every operations endpoint")
    docs: bool | None = Field(None, description="/docs, /redoc, /openapi.json; on locally and in test by default")
    drain_seconds: float = Field(15, ge=0, le=600, description="how long requests in flight may take after SIGTERM")


class DatabaseSettings(Section):
    """The default database server. Without `host` it is a SQLite file in DATA_DIR."""

    enabled: bool = True
    driver: Literal["mysql", "sqlite"] | None = Field(None, description="mysql if `host` is set, else sqlite")
    host: str | None = None
    port: Port = 3306
    user: str = "root"
    password: SecretStr = SecretStr("")
    name: str = Field("", description="the schema; empty: none is selected")
    charset: str = "utf8mb4"
    pool_size: int = Field(5, ge=1, le=500)
    max_overflow: int = Field(10, ge=0, le=500)
    pool_timeout_seconds: float = Field(5, gt=0, le=60)
    pool_recycle_seconds: int = Field(1800, ge=1)
    connect_timeout_seconds: float = Field(5, gt=0, le=60)
    drain_seconds: float = Field(30, ge=0, le=600, description="how long a replaced pool waits for what is borrowed")
    echo: bool = Field(False, description="log every statement")
    create_tables: bool | None = Field(None, description="create missing tables of the features; locally by default")


class LogSettings(Section):
    """Logging: all live except `file`."""

    level: UpperLogLevel = "INFO"
    levels: FrozenMapping[UpperLogLevel] = Field(
        default_factory=dict, validate_default=True, description="level by module prefix"
    )
    format: Literal["text", "json"] = "text"
    console: bool = True
    file: bool = Field(True, json_schema_extra=RESTART)
    retention_days: int = Field(60, ge=1)


class ScriptSettings(Section):
    """Jobs that the console brings as a script or a command: off unless named here."""

    glue_types: tuple[Literal["GLUE_SHELL", "GLUE_PYTHON", "GLUE_NODEJS", "GLUE_PHP", "GLUE_POWERSHELL"], ...] = Field(
        (), description="kinds of scripts that may run"
    )
    commands: tuple[str, ...] = Field((), description="programs that commandJobHandler may start, by path or name")
    http_hosts: tuple[str, ...] = Field((), description="hosts (`api.example.com`, `*.example.com`) of httpJobHandler")


class XxlJobSettings(Section):
    """The executor and its console. Without `url` the local environment uses the console inside the web process."""

    url: str = Field("", description="the console, with or without trailing slash, /api, /api/")
    app_name: str = "tenon-executor"
    host: str | None = Field(None, json_schema_extra=RESTART, description="bind address; 127.0.0.1 locally")
    port: Port = Field(DEFAULT_EXECUTOR_PORT, json_schema_extra=RESTART)
    access_token: SecretStr = SecretStr("")
    allow_weak_token: bool = False
    advertise: str = Field(
        "",
        description="what the console is told: a URL, a CIDR (10.0.0.0/8) or an interface; "
        "empty: the interface that reaches the console",
    )
    task_packages: tuple[str, ...] = Field(("app.xxl_job.tasks",), json_schema_extra=RESTART)
    drain_seconds: float = Field(30, ge=0, le=3600, description="how long runs may take after SIGTERM")
    queue_size: int = Field(1000, ge=1, description="waiting runs per job under SERIAL_EXECUTION")
    max_concurrent_runs: int = Field(200, ge=1)
    job_limits: FrozenMapping[Annotated[int, Field(ge=1)]] = Field(
        default_factory=dict,
        validate_default=True,
        description="runs of a handler at once, by handler",
    )
    overlap_after_abandon: bool = Field(
        False, description="a job may run again while the thread of its abandoned run still works"
    )
    log_retention_days: int = Field(30, ge=1)
    log_compress_days: int = Field(1, ge=0, description="job logs older than this many days are compressed; 0: never")
    log_max_mb: int = Field(256, ge=1, description="size of one run's log; what comes later is cut off")
    timezone: str = Field("", description="the zone of the job logs' dates, like Asia/Shanghai; empty: the machine's")
    ledger: Literal["sqlite", "memory"] = Field(
        "sqlite", json_schema_extra=RESTART, description="memory: runs and outcomes don't survive the process"
    )
    ledger_fsync: bool = Field(
        False, json_schema_extra=RESTART, description="runs and outcomes survive a power failure too"
    )
    ledger_retention_days: int = Field(30, ge=1)
    ledger_max_mb: int = Field(1024, ge=16, description="near it the oldest reported runs go; without any, no new runs")
    isolation_workers: int = Field(1, ge=1, le=64, description='warm processes for @job(isolation="process")')
    scripts: ScriptSettings = ScriptSettings()

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        if value:
            try:
                ZoneInfo(value)
            except (ValueError, OSError):
                raise ValueError("must be a time zone like Asia/Shanghai") from None
        return value

    @field_validator("url")
    @classmethod
    def _normalise_url(cls, value: str) -> str:
        """`http://host/xxl-job-admin`: no trailing slash and no `/api`, whichever way it was written."""
        value = value.strip().rstrip("/").removesuffix("/api").rstrip("/")
        if value and (urlsplit(value).scheme not in {"http", "https"} or not urlsplit(value).hostname):
            raise ValueError("must look like http://host:8080/xxl-job-admin")
        return value


def _alarm_level(value: object) -> object:
    if isinstance(value, str) and not value.isdigit():
        try:
            return AlarmLevel[value.strip().upper()]
        except KeyError:
            raise ValueError(f"must be one of {', '.join(level.name for level in AlarmLevel)}") from None
    return int(value) if isinstance(value, str) else value


class RobotTemplate(Section):
    """One robot of a WeCom group and the template of its messages."""

    key: SecretStr = SecretStr("")
    template: str = Field("", description="`{}` in order: summary, exception, …; the rest is appended")
    alarm_level: Annotated[AlarmLevel, BeforeValidator(_alarm_level)] = AlarmLevel.NORMAL


class WechatSettings(Section):
    """Enterprise WeChat (WeCom) group robots."""

    base_url: str = "https://qyapi.weixin.qq.com"
    robot_templates: FrozenMapping[RobotTemplate] = Field(default_factory=dict, validate_default=True)


class MetaSettings(Section):
    """Settings about the settings."""

    ignore: tuple[str, ...] = Field((), description="top-level keys that belong to others who share the document")
    prepare_timeout_seconds: float = Field(10, gt=0, le=120, description="how long a resource may take to prepare")


class CoreSettings(Section):
    """Every section that the chassis itself knows."""

    server: ServerSettings = Field(default_factory=ServerSettings)
    database: DatabaseSettings = Field(default_factory=DatabaseSettings)
    log: LogSettings = Field(default_factory=LogSettings)
    xxl_job: XxlJobSettings = Field(default_factory=XxlJobSettings, alias="xxl-job")
    wechat: WechatSettings = Field(default_factory=WechatSettings)
    settings: MetaSettings = Field(default_factory=MetaSettings)
