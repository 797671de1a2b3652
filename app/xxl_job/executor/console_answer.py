"""Makes the console's answer of bytes, within bounds. The grammar is llhttp's, by httptools."""

from typing import Final, NamedTuple

from httptools import HttpParserCallbackError, HttpParserError, HttpParserUpgrade, HttpResponseParser

from app.common.errors import UpstreamError

LARGEST_ANSWER_BYTES: Final = 64 * 1024
"""What comes after them isn't read."""
LARGEST_STREAM_BYTES: Final = 512 * 1024
"""Of one answer as it is sent, with its heads and the frames of its chunks."""
_FIRST_FINAL_STATUS: Final = 200
_LENGTH: Final = b"content-length"
_ENCODING: Final = b"transfer-encoding"
_CHUNKED: Final = b"chunked"


class ServerDisconnectedError(UpstreamError):
    """The console closed the connection without an answer."""


class ClientPayloadError(UpstreamError):
    """The console closed the connection within its answer."""


class ClientResponseError(UpstreamError):
    """The answer is not valid HTTP."""


class Answer(NamedTuple):
    status: int
    body: bytes


class AnswerReader:
    """Fed with what arrives on one connection; reads one answer at a time."""

    def __init__(self) -> None:
        self._parser = HttpResponseParser(self)
        self.begin()

    def begin(self) -> None:
        """A request was sent: its answer comes next."""
        self.answer: Answer | None = None
        self.is_last = False
        """Whether nothing that comes after this answer could be understood, or would come at all."""
        self._status = self._stream_bytes = 0
        self._is_framed = False
        self._body = b""

    @property
    def has_begun(self) -> bool:
        return self._stream_bytes > 0

    def feed(self, data: bytes) -> None:
        """Raises ClientResponseError for what is no answer."""
        self._stream_bytes += len(data)
        try:
            self._parser.feed_data(data)
        except HttpParserCallbackError as error:
            if not isinstance(error.__context__, _Enough):
                raise
        except (HttpParserError, HttpParserUpgrade) as error:
            self.is_last = True
            if self.answer is None:
                raise ClientResponseError from error
        if self.answer is None and self._stream_bytes > LARGEST_STREAM_BYTES:
            raise ClientResponseError("The answer is too long.")

    def end(self) -> None:
        """The console closed the connection. Raises when that isn't how its answer ends."""
        self.is_last = True
        if self.answer is not None:
            return
        if not self.has_begun:
            raise ServerDisconnectedError
        if self._status < _FIRST_FINAL_STATUS or self._is_framed:
            raise ClientPayloadError
        self.answer = Answer(self._status, self._body)

    def on_message_begin(self) -> None:
        if self.answer is not None:
            self._stop()
        self._is_framed = False

    def on_header(self, name: bytes, value: bytes) -> None:
        name = name.lower()
        if name == _LENGTH or (name == _ENCODING and value.lower().endswith(_CHUNKED)):
            self._is_framed = True

    def on_headers_complete(self) -> None:
        self._status = self._parser.get_status_code()
        self.is_last = not self._parser.should_keep_alive()

    def on_body(self, data: bytes) -> None:
        self._body += data
        if len(self._body) > LARGEST_ANSWER_BYTES:
            self.answer = Answer(self._status, self._body[:LARGEST_ANSWER_BYTES])
            self._stop()

    def on_message_complete(self) -> None:
        if self._status >= _FIRST_FINAL_STATUS:
            self.answer = Answer(self._status, self._body)

    def _stop(self) -> None:
        self.is_last = True
        raise _Enough


class _Enough(Exception):
    """Makes the parser stop where it is."""
