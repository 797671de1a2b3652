"""What the two codes of a run say about its state."""

import pytest

from app.scheduler.models import ConsoleRun, RunOrder


@pytest.mark.parametrize(
    ("trigger_code", "handle_code", "state", "is_over"),
    [
        (0, 0, "triggered", False),
        (200, 0, "running", False),
        (500, 0, "failed", True),
        (200, 200, "success", True),
        (200, 500, "failed", True),
        (200, 502, "timeout", True),
        (200, 501, "failed", True),
        (0, 200, "success", True),
        (500, 200, "success", True),
    ],
)
def test_the_state_follows_from_the_codes_and_an_outcome_outweighs_the_trigger(
    trigger_code: int, handle_code: int, state: str, is_over: bool
) -> None:
    run = ConsoleRun(
        log_id=1,
        job_id=1,
        order=RunOrder("report"),
        trace_id="t",
        triggered_at_ms=0,
        trigger_code=trigger_code,
        handle_code=handle_code,
    )
    assert run.state == state
    assert run.state.is_over is is_over
