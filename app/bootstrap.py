"""The composition root: the only place that builds things. Every process enters `open_runtime`."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any, Final

from sqlalchemy import MetaData

from app.alerts.base import AlertSender
from app.alerts.memory import MemoryAlertSender
from app.alerts.settings_observer import SettingsAlerts
from app.alerts.wecom import WecomAlertSender
from app.common.const import ProcessRole
from app.common.logger import LogHandle, LogOptions, configure_logging, log
from app.common.redaction import forget_secrets, register_secrets
from app.common.references import load_reference
from app.config.compose import Schema
from app.config.db.database import Database
from app.config.db.db_mysql import DatabaseResource
from app.config.environment import Environment, load_environment
from app.config.http_client import HttpClient
from app.config.instance import claimed_instance
from app.config.live import LiveSettings, Settings
from app.config.log_resource import LogResource
from app.config.nacos_config import NacosConnection
from app.config.placeholders import PlaceholderSource
from app.config.settings import Section
from app.config.settings_source import build_source, load_nacos_connection
from app.config.sources.base import ConfigSource
from app.config.tokens import ops_token
from app.config.transaction import AnyResource
from app.config.watching import RefreshSignal, SettingsWatch
from app.runtime import Runtime


@dataclass(frozen=True)
class Feature:
    """One feature's entry. References are `module:name` strings: a process imports only what it uses."""

    name: str
    routers: tuple[str, ...] = ()
    section: tuple[str, str] | None = None
    """The settings key, and the model."""
    jobs: tuple[str, ...] = ()
    """Job modules."""
    tables: str | None = None
    """The SQLAlchemy MetaData of its tables."""
    example: str = ""
    """A path to try, which `make run` shows."""


FEATURES: Final[tuple[Feature, ...]] = (
    Feature(
        "demo",
        routers=("app.demo_business.controller:router",),
        section=("demo", "app.demo_business.schemas:DemoSettings"),
        jobs=("app.demo_business.jobs",),
        tables="app.demo_business.models:metadata",
        example="/demo/hello/world",
    ),
    Feature("settings", routers=("app.nacos_.controller:router",)),
    Feature(
        "scheduler",
        routers=("app.scheduler.protocol_controller:router", "app.scheduler.controller:router"),
    ),
)
"""The business first: a request is matched against the routes in this order."""


def job_packages(settings: Settings) -> tuple[str, ...]:
    """Every module that holds jobs: the task packages of the settings, then the features' own."""
    return (*settings.xxl_job.task_packages, *(module for feature in FEATURES for module in feature.jobs))


@asynccontextmanager
async def open_runtime(
    role: ProcessRole,
    overrides: Mapping[str, Any] | None = None,
    *,
    environment: Environment | None = None,
) -> AsyncIterator[Runtime]:
    """Opens everything a process needs, and closes it in reverse order.

    `overrides` replaces parts by name: `source`, `alerts`, `http`, `db`. Raises StartupError.
    """
    replaced = dict(overrides or {})
    environment = environment or load_environment()
    environment.create_directories()
    async with AsyncExitStack() as stack:
        instance = stack.enter_context(
            claimed_instance(environment.data_dir, role.value, environment.instance_id or environment.host)
        )
        handle, options = _configure_logging(environment, instance)
        stack.callback(handle.close)
        connection = load_nacos_connection(environment) if "source" not in replaced else None
        source = replaced.get("source") or build_source(environment, connection)
        schema = _build_schema(environment, connection)
        parts = _Parts(role, environment, instance, LogResource(handle, options), source, schema)
        yield await _build(stack, parts, replaced)


@asynccontextmanager
async def open_child_runtime(
    environment: Environment, instance: str, *, source: ConfigSource, alerts: AlertSender, logging: AnyResource
) -> AsyncIterator[Runtime]:
    """The runtime of a child process, under its parent's instance: the settings come as effective values.

    `logging` reacts to the section `log`. Nothing is substituted, and no variable of the environment is laid over.
    """
    schema = _build_schema(replace(environment, variables={}), None)
    async with AsyncExitStack() as stack:
        parts = _Parts(ProcessRole.EXECUTOR, environment, instance, logging, source, schema)
        yield await _build(stack, parts, {"alerts": alerts})


@dataclass(frozen=True)
class _Parts:
    role: ProcessRole
    environment: Environment
    instance: str
    logging: AnyResource
    source: ConfigSource
    schema: Schema


async def _build(stack: AsyncExitStack, parts: _Parts, replaced: Mapping[str, Any]) -> Runtime:
    environment = parts.environment
    alerts: AlertSender = replaced.get("alerts") or WecomAlertSender(
        lambda: live.state.snapshot.settings.wechat, environment=environment.name, host=environment.host
    )
    stack.push_async_callback(alerts.close)
    signal = RefreshSignal(environment.data_dir / f"refresh-{environment.name}")
    live = LiveSettings(
        parts.source,
        parts.schema,
        (parts.logging, _database_resource(environment)),
        SettingsAlerts(alerts),
        announce=signal.send,
        on_secrets=_hide_until_closed(stack),
    )
    stack.push_async_callback(live.close)
    await live.start()
    snapshot = live.state.snapshot
    log.bind(instance=parts.instance, source=snapshot.source, md5=snapshot.md5).info("settings loaded")
    http: HttpClient = replaced.get("http") or HttpClient()
    stack.push_async_callback(http.close)
    if parts.role is ProcessRole.WEB and ops_token(environment, snapshot.settings) is None:
        log.warning("server.ops_token is not set, or well known: every operations endpoint answers 401")
    watch = SettingsWatch(live, signal)
    watch.start()
    stack.push_async_callback(watch.close)
    return Runtime(environment, parts.instance, live, replaced.get("db") or Database(live), http, alerts)


def _hide_until_closed(stack: AsyncExitStack) -> Callable[[frozenset[str]], None]:
    """Keeps values out of every log line, rotated ones too, as long as the runtime is open."""
    hidden: set[str] = set()
    stack.callback(lambda: forget_secrets(hidden))

    def hide(values: frozenset[str]) -> None:
        hidden.update(values)
        register_secrets(values)

    return hide


def _build_schema(environment: Environment, connection: NacosConnection | None) -> Schema:
    """Every section's model, and where the document's placeholders may read."""
    allowed = connection.allow_env if connection else None
    models: dict[str, type[Section]] = {
        feature.section[0]: load_reference(feature.section[1]) for feature in FEATURES if feature.section
    }
    return Schema(PlaceholderSource(environment.variables, environment.secrets_dir, allowed), models)


def _database_resource(environment: Environment) -> DatabaseResource:
    def load_metadata() -> Sequence[MetaData]:
        return [load_reference(feature.tables) for feature in FEATURES if feature.tables]

    return DatabaseResource(environment.data_dir, load_metadata, create_tables=environment.is_local)


def _configure_logging(environment: Environment, instance: str) -> tuple[LogHandle, LogOptions]:
    options = LogOptions(
        instance=instance, log_path=environment.log_path, env=environment.name, local=environment.is_local
    )
    return configure_logging(options), options


async def load_settings(environment: Environment) -> Settings:
    """The settings as a process would start with them, without its resources. Raises StartupError."""
    connection = load_nacos_connection(environment)
    source = build_source(environment, connection)
    live = LiveSettings(source, _build_schema(environment, connection), (), SettingsAlerts(MemoryAlertSender()))
    try:
        await live.start()
        return live.state.snapshot.settings
    finally:
        await live.close()


def read_settings(environment: Environment) -> Settings:
    """`load_settings` for callers without an event loop."""
    return asyncio.run(load_settings(environment))
