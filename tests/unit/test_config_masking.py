"""What people are shown of a document."""

import json
from typing import Any

import pytest

from app.common.const import MASK
from app.config.layers import freeze
from app.config.masking import Masks

HIDDEN = Masks([("shop", "host"), ("hosts", "1"), ("key_value",)])


@pytest.mark.parametrize(
    ("document", "shown"),
    [
        ({"shop": {"host": "db", "port": 1}}, {"shop": {"host": MASK, "port": 1}}),
        ({"hosts": ["a", "b"]}, {"hosts": ["a", MASK]}),
        ({"key_value": {"below": ["x"]}}, {"key_value": {"below": [MASK]}}),
        ({"servers": [["a", {"password": "x"}]]}, {"servers": [["a", {"password": MASK}]]}),
        ({"tokens": ["x", {"name": "y"}]}, {"tokens": [MASK, {"name": MASK}]}),
        ({"token": 12345}, {"token": MASK}),
        ({"allow_weak_token": False}, {"allow_weak_token": False}),
        ({"token": "", "secret": None, "tokens": []}, {"token": "", "secret": None, "tokens": []}),
        ({"url": "mysql://app:pw@db/x"}, {"url": f"mysql://app:{MASK}@db/x"}),
    ],
)
def test_a_secret_is_masked_wherever_it_stands(document: dict[str, Any], shown: dict[str, Any]) -> None:
    assert HIDDEN.show(freeze(document)) == shown


def test_a_substituted_switch_is_masked_too() -> None:
    assert HIDDEN.show(True, ("shop", "host")) == MASK


def test_what_json_does_not_know_is_shown_as_text() -> None:
    shown = Masks([]).show({"nan": float("nan"), "inf": float("inf"), "bytes": b"x"})
    assert json.loads(json.dumps(shown, allow_nan=False)) == {"nan": "nan", "inf": "inf", "bytes": "b'x'"}


def test_two_documents_masks_hide_what_either_hides() -> None:
    both = Masks([("a",)]) | Masks([("b",)])
    assert both.show({"a": "1", "b": "2", "c": "3"}) == {"a": MASK, "b": MASK, "c": "3"}
