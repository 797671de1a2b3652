import pytest

from app.common.errors import NotFoundError
from app.common.references import load_reference


def test_a_reference_gives_the_named_attribute() -> None:
    assert load_reference("app.common.errors:NotFoundError") is NotFoundError


@pytest.mark.parametrize("reference", ["app.common.errors", ":name", "module:", ""])
def test_another_form_is_refused_with_the_form_that_is_expected(reference: str) -> None:
    with pytest.raises(ValueError, match=r"package\.module:name"):
        load_reference(reference)


def test_a_missing_attribute_is_named() -> None:
    with pytest.raises(AttributeError, match="Nothing"):
        load_reference("app.common.errors:Nothing")
