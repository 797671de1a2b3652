"""Cuts WeCom contents at their limits, counted in UTF-8 bytes; never inside a character, tag, fence, link, mention."""

import re
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

TEXT_LIMIT_BYTES: Final = 2048
MARKDOWN_LIMIT_BYTES: Final = 4096

_PART_NUMBER_BYTES: Final = len("(9999/9999)\n")
_ELLIPSIS: Final = "…"
_LEAST_PIECE_BYTES: Final = 32
_MARK: Final = re.compile(
    r"```[^`\n]{0,64}\n?"
    r"|\*\*"
    r"|<font\b[^<>\n]{0,64}>"
    r"|!?\[[^\[\]\n]{0,512}\]\([^()\s]{0,2048}\)"
    r"|<@[^<>\s]{1,64}>"
)


class _Span(NamedTuple):
    """A stretch of content that stays together if it fits; when cut, each piece gets the opening and closing again."""

    opening: str
    body: str
    closing: str

    @property
    def text(self) -> str:
        return self.opening + self.body + self.closing


_Spans = Callable[[str], Iterator[_Span]]


def byte_length(text: str) -> int:
    """How many bytes WeCom counts."""
    return len(text.encode("utf-8", "replace"))


def cut_text(content: str, limit_bytes: int = TEXT_LIMIT_BYTES) -> str:
    """The beginning of a plain text, with an ellipsis if anything was cut."""
    return _cut(content, limit_bytes, _line_spans)


def cut_markdown(content: str, limit_bytes: int = MARKDOWN_LIMIT_BYTES) -> str:
    """The beginning of a markdown text, every tag and fence closed, with an ellipsis if anything was cut."""
    return _cut(content, limit_bytes, _markdown_spans)


def split_text(content: str, limit_bytes: int = TEXT_LIMIT_BYTES) -> list[str]:
    """The whole plain text in parts `(1/n)`, each within the limit; one unnumbered part if it fits."""
    return _split(content, limit_bytes, _line_spans)


def split_markdown(content: str, limit_bytes: int = MARKDOWN_LIMIT_BYTES) -> list[str]:
    """The whole markdown text in parts `(1/n)`, each within the limit and well-formed if the whole is."""
    return _split(content, limit_bytes, _markdown_spans)


def _cut(content: str, limit: int, spans: _Spans) -> str:
    if byte_length(content) <= limit:
        return content
    return _pack(content, limit - byte_length(_ELLIPSIS), spans)[0] + _ELLIPSIS


def _split(content: str, limit: int, spans: _Spans) -> list[str]:
    if byte_length(content) <= limit:
        return [content]
    parts = _pack(content, limit - _PART_NUMBER_BYTES, spans)
    return [f"({number}/{len(parts)})\n{part}" for number, part in enumerate(parts, 1)]


def _pack(content: str, limit: int, spans: _Spans, room: int | None = None) -> list[str]:
    """Fills parts greedily with whole spans; `room` is what is left of the part that the first piece continues."""
    parts: list[str] = []
    current, size = "", 0 if room is None else limit - room
    for span in spans(content):
        for piece in _fit(span, limit, limit - size, spans):
            length = byte_length(piece)
            if size + length > limit:
                parts += [current] if current else []
                current, size = "", 0
            current, size = current + piece, size + length
    return [*parts, current] if current or not parts else parts


def _fit(span: _Span, limit: int, room: int, spans: _Spans) -> Iterator[str]:
    """The span if it fits, else its body's pieces, each between the same marks; a bare one is cut by characters."""
    if byte_length(span.text) <= limit:
        yield span.text
        return
    marks = byte_length(span.opening) + byte_length(span.closing)
    first = room - marks if room - marks >= _LEAST_PIECE_BYTES else limit - marks
    if not span.closing or limit - marks < _LEAST_PIECE_BYTES:
        yield from _cut_characters(span.text, limit, room if room >= _LEAST_PIECE_BYTES else limit)
        return
    inner_spans = _line_spans if span.opening.startswith("```") else spans
    for piece in _pack(span.body, limit - marks, inner_spans, first):
        yield span.opening + piece + span.closing


def _cut_characters(text: str, limit: int, first: int) -> Iterator[str]:
    rest, size = text.encode("utf-8", "replace"), first
    while rest:
        piece = rest[:size].decode(errors="ignore")
        yield piece
        rest, size = rest[len(piece.encode()) :], limit


def _line_spans(text: str) -> Iterator[_Span]:
    for line in text.splitlines(keepends=True):
        yield _Span("", line, "")


def _markdown_spans(text: str) -> Iterator[_Span]:
    plain_from = position = 0
    while mark := _MARK.search(text, position):
        span = _span_at(text, mark)
        if span is None:
            position = mark.end()
            continue
        yield from _line_spans(text[plain_from : mark.start()])
        yield span
        plain_from = position = mark.start() + len(span.text)
    yield from _line_spans(text[plain_from:])


def _span_at(text: str, mark: re.Match[str]) -> _Span | None:
    """The span that begins with this mark; None for a mark that nothing closes, which is plain text."""
    opening, start = mark[0], mark.end()
    if opening.startswith("<font"):
        closing, end = "</font>", text.find("</font>", start)
    elif opening == "**":
        closing, end = "**", text.find("**", start, _line_end(text, start))
    elif opening.startswith("```"):
        closing = "\n```" if opening.endswith("\n") and not text.startswith("```", start) else "```"
        end = text.find(closing, start)
    else:
        return _Span("", opening, "")
    return None if end < 0 else _Span(opening, text[start:end], closing)


def _line_end(text: str, start: int) -> int:
    end = text.find("\n", start)
    return len(text) if end < 0 else end
