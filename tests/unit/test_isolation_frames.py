import socket
import threading

from hypothesis import given, settings
from hypothesis import strategies as st

from app.xxl_job.executor.isolation.frames import Channel, FrameDecoder, encode_frame

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
frames = st.dictionaries(st.text(), values, max_size=4)


@settings(max_examples=50, deadline=None)
@given(st.lists(frames, max_size=4), st.data())
def test_frames_survive_any_cut(sent: list[dict[str, object]], data: st.DataObject) -> None:
    stream = b"".join(encode_frame(frame) for frame in sent)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=5)))
    decoder = FrameDecoder()
    pieces = [stream[start:end] for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    assert [frame for piece in pieces for frame in decoder.feed(piece)] == sent


def test_what_json_does_not_know_becomes_text_and_half_characters_survive() -> None:
    (frame,) = FrameDecoder().feed(encode_frame({"path": {1}, "half": "\ud800"}))
    assert frame == {"path": "{1}", "half": "\ud800"}


def test_a_channel_brings_frames_in_order_and_says_when_the_other_side_is_gone() -> None:
    ours, theirs = (Channel(end) for end in socket.socketpair())
    ours.send({"n": 1})
    ours.try_send({"n": 2})
    ours.close()
    received = []
    while (arrived := theirs.receive()) is not None:
        received += arrived
    assert received == [{"n": 1}, {"n": 2}]
    theirs.close()


def test_a_channel_that_is_silent_is_not_waited_for() -> None:
    ours, theirs = (Channel(end) for end in socket.socketpair())
    assert ours.receive(wait=False) is None
    ours.close()
    theirs.close()


def test_sending_waits_for_a_slow_reader_and_a_trial_does_not() -> None:
    ours, theirs = (Channel(end) for end in socket.socketpair())
    sender = threading.Thread(target=ours.send, args=({"big": "x" * 4_000_000},))
    sender.start()
    while not ours._sending.locked():
        assert sender.is_alive()
    ours.try_send({"small": 1})
    assert sender.is_alive()
    received: list[object] = []
    while not received:
        received += theirs.receive() or []
    sender.join(5)
    assert not sender.is_alive()
    assert len(received) == 1
    ours.close()
    theirs.close()
