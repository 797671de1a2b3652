"""The message of Nacos' gRPC interface, byte for byte."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.testing.nacos_wire import Payload, decode

ENCODED = (
    b"\x12\x1d\x1a\x12HealthCheckRequest:\x07\n\x01k\x12\x02v1"  # metadata: type, then one header
    b"\x1a\x0c\x12\x0a" + b'{"a": "b"}'
)


def test_a_message_is_encoded_as_protocol_buffers_have_it() -> None:
    assert Payload("HealthCheckRequest", {"a": "b"}, {"k": "v1"}).encode() == ENCODED


def test_a_message_is_decoded() -> None:
    assert decode(ENCODED) == Payload("HealthCheckRequest", {"a": "b"}, {"k": "v1"})


def test_an_empty_message_is_one_without_anything() -> None:
    assert decode(b"") == Payload("", {}, {})


WORDS = st.text("aZ é二🙂\n\0", max_size=200)


@given(WORDS, st.dictionaries(WORDS, WORDS, max_size=3), WORDS)
@settings(max_examples=30, deadline=None)
def test_what_was_encoded_is_decoded(kind: str, headers: dict[str, str], text: str) -> None:
    payload = Payload(kind, {"text": text}, headers)
    assert decode(payload.encode()) == payload


@pytest.mark.parametrize("data", [ENCODED[:-1], ENCODED[:1], b"\x08\x01", b"\xff"])
def test_what_is_no_message_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"a (message|field) that"):
        decode(data)
