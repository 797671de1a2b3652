"""Builds WeCom (Enterprise WeChat) group robot messages. Pure functions; limits are in UTF-8 bytes.

Every payload that is built here is within the limit: what is longer is cut. To lose nothing, split first.
"""

import sysconfig
from collections.abc import Sequence
from typing import Any, Final

from app.common.const import AlarmLevel
from app.common.redaction import text_of
from app.common.utils.wechat_split import (
    MARKDOWN_LIMIT_BYTES,
    TEXT_LIMIT_BYTES,
    byte_length,
    cut_markdown,
    cut_text,
    split_markdown,
    split_text,
)
from app.common.utils.wechat_template import escape_markdown, fill_template

__all__ = ["MARKDOWN_LIMIT_BYTES", "MENTION_ALL", "TEXT_LIMIT_BYTES", "Payload", "build_markdown", "build_text",
           "byte_length", "cut_markdown", "cut_text", "escape_markdown", "fill_template", "find_raise_site", "paint",
           "split_markdown", "split_payload", "split_text", "summarise_exception"]  # fmt: skip

Payload = dict[str, Any]
MENTION_ALL: Final = "@all"
_SMALLEST_PART_BYTES: Final = 256
_LIBRARY_FOLDERS: Final = ("site-packages", sysconfig.get_paths()["stdlib"])


def build_text(content: str, mentioned_list: Sequence[str] = (), mentioned_mobile_list: Sequence[str] = ()) -> Payload:
    """A `text` message; the only type that mentions by list: user ids or `@all`, and phone numbers."""
    text: Payload = {"content": cut_text(content)}
    if mentioned_list:
        text["mentioned_list"] = list(mentioned_list)
    if mentioned_mobile_list:
        text["mentioned_mobile_list"] = list(mentioned_mobile_list)
    return {"msgtype": "text", "text": text}


def build_markdown(content: str) -> Payload:
    """A `markdown` message. Colours that render: `info`, `comment`, `warning`; mentions are `<@userid>`."""
    return {"msgtype": "markdown", "markdown": {"content": cut_markdown(content)}}


def split_payload(payload: Payload) -> list[Payload]:
    """The message in parts of about half its length; itself alone when it is too short to be split."""
    kind: str = payload["msgtype"]
    body: Payload = payload[kind]
    limit = byte_length(body["content"]) // 2 + 32
    if limit < _SMALLEST_PART_BYTES:
        return [payload]
    split = split_markdown if kind == "markdown" else split_text
    return [{**payload, kind: {**body, "content": part}} for part in split(body["content"], limit)]


def paint(text: str, level: AlarmLevel) -> str:
    """The text in the look of its level: NORMAL plain, URGENT coloured, from CRITICAL on bold too.

    `warning` is the loudest colour that WeCom renders; DISASTER is told apart by the mention that follows it.
    """
    if level <= AlarmLevel.NORMAL:
        return text
    coloured = f'<font color="warning">{text}</font>'
    return coloured if level < AlarmLevel.CRITICAL else f"**{coloured}**"


def summarise_exception(error: BaseException, site: str | None = None) -> str:
    """`Type: message (module:line in function)`; `site` if the caller has found it already."""
    site = find_raise_site(error) if site is None else site
    return f"{type(error).__qualname__}: {text_of(error)}" + (f" ({site})" if site else "")


def find_raise_site(error: BaseException) -> str:
    """Where it was raised: the innermost place in our own code, else the innermost of all; empty if never raised."""
    own = innermost = None
    entry = error.__traceback__
    while entry is not None:
        innermost = entry
        if not _is_library(entry.tb_frame.f_code.co_filename):
            own = entry
        entry = entry.tb_next
    found = own or innermost
    if found is None:
        return ""
    frame = found.tb_frame
    return f"{frame.f_globals.get('__name__', '?')}:{found.tb_lineno} in {frame.f_code.co_name}"


def _is_library(filename: str) -> bool:
    return _LIBRARY_FOLDERS[0] in filename or _LIBRARY_FOLDERS[1] in filename
