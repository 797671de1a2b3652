"""Parameters become models, or reasons without values."""

import pytest
from pydantic import BaseModel, ConfigDict

from app.common.errors import ValidationError
from app.jobs.arguments import parse_args


class Transfer(BaseModel):
    model_config = ConfigDict(extra="forbid")

    account: int
    amount: float = 1.5


class AllDefault(BaseModel):
    limit: int = 10


def test_a_json_object_becomes_the_model() -> None:
    assert parse_args(Transfer, '{"account": 7, "amount": 2}') == Transfer(account=7, amount=2)


@pytest.mark.parametrize("param", ["", "  ", "{}"])
def test_no_parameter_means_the_defaults(param: str) -> None:
    assert parse_args(AllDefault, param).limit == 10


@pytest.mark.parametrize(
    ("param", "reason"),
    [
        ("", "account: Field required"),
        ('{"account": "s3cret"}', "account: Input should be a valid integer"),
        ('{"account": 1, "amount": null, "pin": "s3cret"}', "amount: Input should be a valid number"),
        ('{"account": 1, "pin": "s3cret"}', "pin: Extra inputs are not permitted"),
        ("account=s3cret", "parameter: Invalid JSON"),
        ('["s3cret"]', "parameter: Input should be an object"),
    ],
)
def test_a_bad_parameter_is_told_by_path_and_rule_alone(param: str, reason: str) -> None:
    with pytest.raises(ValidationError) as caught:
        parse_args(Transfer, param)
    assert caught.value.message.startswith("bad parameter: ")
    assert reason in caught.value.message
    assert "s3cret" not in caught.value.message
