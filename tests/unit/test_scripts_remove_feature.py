"""A fork's first edit, done by a script."""

import pytest

from remove_feature import without_feature

BEFORE = """FEATURES: Final[tuple[Feature, ...]] = (
    Feature("settings", routers=("app.nacos_.controller:router",)),
    Feature(
        "orders",
        routers=("app.orders.controller:router",),
    ),
)
AFTER = 1
"""


def test_the_entry_goes_with_all_its_lines() -> None:
    assert without_feature(BEFORE, "orders") == (
        "FEATURES: Final[tuple[Feature, ...]] = (\n"
        '    Feature("settings", routers=("app.nacos_.controller:router",)),\n'
        ")\n"
        "AFTER = 1\n"
    )


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("FEATURES = ()\n", "0 entries of FEATURES mention orders"),
        ('FEATURES = (\n    "orders",\n    "orders",\n)\n', "2 entries of FEATURES"),
        ("OTHERS = ()\n", "no FEATURES list found"),
    ],
)
def test_an_unclear_list_is_refused(source: str, reason: str) -> None:
    with pytest.raises(LookupError, match=reason):
        without_feature(source, "orders")
