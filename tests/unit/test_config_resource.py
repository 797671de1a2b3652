"""How a resource says no, and how it is."""

from app.common.errors import AppError
from app.config.resource import Health, Refused


def test_a_refusal_is_final_unless_it_says_otherwise() -> None:
    assert [Refused("no").transient, Refused("not now", transient=True).transient] == [False, True]


def test_a_refusal_is_an_expected_error_with_its_reason() -> None:
    refusal = Refused("unknown host")
    assert isinstance(refusal, AppError)
    assert (refusal.message, refusal.code, refusal.status) == ("unknown host", "RESOURCE_REFUSED", 409)


def test_health_without_numbers_shows_none() -> None:
    assert Health(up=True).details == {}
