"""Pauses grow to a bound and start small again."""

from app.xxl_job.executor.backoff import Backoff


def test_pauses_grow_to_the_bound_and_start_again_after_a_success() -> None:
    backoff = Backoff(first=1, longest=4)
    pauses = [backoff.next() for _ in range(4)]
    backoff.reset()

    for pause, bound in zip(pauses, (1, 2, 4, 4), strict=True):
        assert bound * 0.75 <= pause <= bound
    assert backoff.next() <= 1
