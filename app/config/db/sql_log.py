"""The SQL log: one line a statement, with the trace id of whoever runs it. Parameters are never shown."""

from collections.abc import Callable
from time import perf_counter
from typing import Any, Final

from sqlalchemy import Connection, Engine, event
from sqlalchemy.engine import ExceptionContext

from app.common.logger import log
from app.config.db.errors import describe

SLOW_SECONDS: Final = 1.0
_STARTED: Final = "sql_log_started"
_MAX_STATEMENT_CHARS: Final = 2000


def install_sql_log(engine: Engine, echo: Callable[[], bool]) -> None:
    """Logs every statement of `engine`: DEBUG, INFO while `echo()`, WARNING when it took more than a second."""

    def started(connection: Connection, *_: Any) -> None:
        connection.info[_STARTED] = perf_counter()

    def finished(connection: Connection, cursor: Any, statement: str, parameters: Any, _: Any, many: bool) -> None:
        seconds = perf_counter() - connection.info.pop(_STARTED, perf_counter())
        rows = cursor.rowcount if cursor.rowcount >= 0 else None
        _write(statement, parameters, many, seconds, echo=echo(), rows=rows)

    def failed(context: ExceptionContext) -> None:
        if context.connection is not None and context.statement is not None:
            seconds = perf_counter() - context.connection.info.pop(_STARTED, perf_counter())
            many = context.execution_context is not None and context.execution_context.executemany
            error = describe(context.original_exception)
            _write(context.statement, context.parameters, many, seconds, echo=echo(), error=error)

    event.listen(engine, "before_cursor_execute", started)
    event.listen(engine, "after_cursor_execute", finished)
    event.listen(engine, "handle_error", failed)


def _write(statement: str, parameters: Any, many: bool, seconds: float, *, echo: bool, **outcome: Any) -> None:
    slow = seconds > SLOW_SECONDS
    level = "WARNING" if slow else "INFO" if echo else "DEBUG"
    log.bind(
        sql=" ".join(statement.split())[:_MAX_STATEMENT_CHARS],
        parameters=mask_parameters(parameters, many),
        duration_ms=round(seconds * 1000, 1),
        **outcome,
    ).log(level, "slow statement" if slow else "statement")


def mask_parameters(parameters: Any, many: bool) -> str:
    """What can be told of the parameters without telling them: their types, or how many rows of them."""
    if many:
        return f"{len(parameters)} sets"
    values = parameters.values() if isinstance(parameters, dict) else parameters or ()
    return ", ".join(type(value).__name__ for value in values)
