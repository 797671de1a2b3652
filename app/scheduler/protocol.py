"""XXL-JOB's wire dialects, as released from 2.2 to 3.4: bodies to what they mean, and the answers. No I/O.

Executors of 2.2 send `executeResult`, those since 2.3 `handleCode` and `handleMsg`, pyxxl sends both. The date of a
callback, `logDateTim` or `logDateTime`, tells the console nothing that the log id does not.
"""

import json
from typing import Annotated, Any, Final
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from app.scheduler.models import Outcome, ResultCode

TOKEN_HEADER: Final = "XXL-JOB-ACCESS-TOKEN"  # noqa: S105 - a header's name
WRONG_TOKEN: Final = "The access token is wrong."  # noqa: S105 - an answer
MAX_BODY_BYTES: Final = 5 * 1024 * 1024
"""An executor that was cut off sends all its callbacks at once. Java's executor takes as much."""

_PYXXL_HAS_NO_LOG: Final = "No such logid logs."

SUCCESS: Final = {"code": 200, "data": None, "msg": "Success", "success": True}


class ProtocolError(Exception):
    """What an executor sent is not what the protocol says; the text is the answer's `msg`."""


def failure(reason: str) -> dict[str, Any]:
    """The answer to what can't be accepted; its HTTP status is 200 all the same."""
    return {"code": int(ResultCode.FAILURE), "msg": reason}


def _http_address(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("must be an http address")
    return value


class _Wire(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", coerce_numbers_to_str=True, hide_input_in_errors=True)


class RegistryBody(_Wire):
    """Body of registry and registryRemove."""

    group: str = Field(alias="registryGroup", min_length=1)
    app_name: str = Field(alias="registryKey", min_length=1, max_length=255)
    address: Annotated[str, AfterValidator(_http_address)] = Field(alias="registryValue", max_length=2048)


class ExecuteResult(_Wire):
    code: int
    msg: str | None = None


class CallbackItem(_Wire):
    log_id: int = Field(alias="logId")
    handle_code: int | None = Field(None, alias="handleCode")
    handle_message: str | None = Field(None, alias="handleMsg")
    execute_result: ExecuteResult | None = Field(None, alias="executeResult")

    def outcome(self) -> Outcome:
        if self.handle_code:
            return Outcome(self.log_id, self.handle_code, self.handle_message or "")
        if self.execute_result is not None and self.execute_result.code:
            return Outcome(self.log_id, self.execute_result.code, self.execute_result.msg or "")
        raise ProtocolError(f"callback of log {self.log_id} has neither handleCode nor executeResult")


_CALLBACKS: Final = TypeAdapter(list[CallbackItem])


class LogPayload(_Wire):
    """What an executor answers to /log, whichever key it stands under."""

    to_line: int = Field(0, alias="toLineNum")
    content: str = Field("", alias="logContent")


def parse_registry(body: bytes) -> RegistryBody:
    """Raises ProtocolError for anything but an executor's registration."""
    try:
        return RegistryBody.model_validate(_load(body))
    except ValidationError as error:
        raise ProtocolError(_reason(error)) from error


def parse_callbacks(body: bytes) -> list[Outcome]:
    """The outcomes of a callback of any length. Raises ProtocolError if one of them can't be read."""
    try:
        items = _CALLBACKS.validate_python(_load(body))
    except ValidationError as error:
        raise ProtocolError(_reason(error)) from error
    return [item.outcome() for item in items]


def parse_log(payload: object) -> LogPayload:
    """Raises ProtocolError for anything but a page of a log. pyxxl's words for "no file yet" are an empty page."""
    try:
        page = LogPayload.model_validate(payload or {})
    except ValidationError as error:
        raise ProtocolError(_reason(error)) from error
    return LogPayload() if page.content == _PYXXL_HAS_NO_LOG else page


def _load(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise ProtocolError("request error: the body is not JSON") from error


def _reason(error: ValidationError) -> str:
    """Where the first mistake is and which rule it breaks, never the value."""
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    place = ".".join(str(part) for part in first["loc"])
    return f"request error: {place or 'body'}: {first['msg']}"
