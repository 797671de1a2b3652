"""The two ways to speak with a console: that of XXL-JOB 2.2 to 3.4, and that of 3.5. Pure functions."""

import hmac
import json
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, Final

from app.config.xxl_job_config import ExecutorConfiguration
from app.xxl_job.executor.callback import Callback

TOKEN_HEADER: Final = "XXL-JOB-ACCESS-TOKEN"  # noqa: S105 - a header's name
APP_NAME_HEADER: Final = "XXL-JOB-APPNAME"
TRIGGER_PATH: Final = "/trigger"
"""Where a 3.5 console sends what earlier ones send to `/run`."""

WRONG_TOKEN: Final = "The access token is wrong."  # noqa: S105 - the answer's text
EMPTY_CALLER: Final = "invalid request, accessToken or appname is empty."
INVALID_CALLER: Final = "invalid request, accessToken or appname invalid."


class Dialect(StrEnum):
    """What an executor must send; what it is sent, and answers, is understood without asking which it is."""

    CLASSIC = "2.2-3.4"
    """One callback item has the fields of 2.2 and those of 2.3 and later: consoles ignore what they don't know."""
    V3_5 = "3.5"


def headers_for(dialect: Dialect, configuration: ExecutorConfiguration) -> dict[str, str]:
    """What a console of that dialect wants to know the executor by.

    The app's name is left out for the others on purpose: so a 3.5 console tells itself by refusing.
    """
    headers = {"Content-Type": "application/json"}
    if configuration.token:
        headers[TOKEN_HEADER] = configuration.token
    if dialect is Dialect.V3_5:
        headers[APP_NAME_HEADER] = configuration.app_name
    return headers


def encode_callbacks(dialect: Dialect, callbacks: Sequence[Callback]) -> bytes:
    """The body of a callback request: the same bytes for the same callbacks, whenever it is built."""
    if dialect is Dialect.V3_5:
        return json.dumps({"callbackList": [_item_3_5(callback) for callback in callbacks]}).encode()
    return json.dumps([_classic_item(callback) for callback in callbacks]).encode()


def encode_registration(configuration: ExecutorConfiguration, address: str) -> bytes:
    """The body of registry and registryRemove, in every dialect."""
    fields = {"registryGroup": "EXECUTOR", "registryKey": configuration.app_name, "registryValue": address}
    return json.dumps(fields).encode()


def asks_for_app_name(message: object) -> bool:
    """Whether a refusal is that of a 3.5 console that missed the app's name."""
    return isinstance(message, str) and "appname" in message.lower()


def check_caller(path: str, headers: Mapping[str, str], configuration: ExecutorConfiguration) -> str | None:
    """Why the caller is refused, in the words of its dialect; None when it may ask.

    `headers` are looked up by the names above: pass a mapping that ignores case. A caller that names an app must name
    this one; on `/trigger` it must name one.
    """
    app_name = headers.get(APP_NAME_HEADER)
    right_token = not configuration.token or _equal(headers.get(TOKEN_HEADER, ""), configuration.token)
    if app_name is None and path != TRIGGER_PATH:
        return None if right_token else WRONG_TOKEN
    if not app_name or (configuration.token and not headers.get(TOKEN_HEADER)):
        return EMPTY_CALLER
    return None if _equal(app_name, configuration.app_name) and right_token else INVALID_CALLER


def _equal(given: str, expected: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "surrogateescape"), expected.encode())


def _classic_item(callback: Callback) -> dict[str, Any]:
    return {
        "logId": callback.log_id,
        "logDateTim": callback.log_date_time,
        "handleCode": callback.code,
        "handleMsg": callback.message,
        "executeResult": {"code": callback.code, "msg": callback.message},
    }


def _item_3_5(callback: Callback) -> dict[str, Any]:
    return {
        "logId": callback.log_id,
        "logDateTime": callback.log_date_time,
        "handleCode": callback.code,
        "handleMsg": callback.message,
    }
