"""Did you mean."""

import pytest
from pydantic import Field

from app.config.hints import near_misses
from app.config.settings import Section, ServerSettings, XxlJobSettings


class AliasedSettings(Section):
    rate_limit: int = Field(1, alias="rate-limit")


MODELS: dict[str, type[Section]] = {"server": ServerSettings, "xxl-job": XxlJobSettings, "shop": AliasedSettings}


@pytest.mark.parametrize(
    ("tree", "near"),
    [
        ({"sever": {}}, "`server`"),
        ({"XXL-JOB": {}}, "`xxl-job`"),
        ({"xxljob": {}}, "`xxl-job`"),
        ({"xxl-job": {"access-token": "x"}}, "`xxl-job.access_token`"),
    ],
)
def test_a_key_near_a_known_one_is_named_with_it(tree: dict[str, object], near: str) -> None:
    (hint,) = near_misses("app.yaml", tree, MODELS)
    assert hint.startswith("app.yaml: key `")
    assert hint.endswith(f"did you mean {near}?")


@pytest.mark.parametrize(
    "tree",
    [{"orders": {}}, {"server": {"port": 1}}, {"server": 5}, {"shop": {"rate-limit": 1}}, {"shop": {"rate_limit": 1}}],
)
def test_known_keys_and_keys_of_the_business_give_none(tree: dict[str, object]) -> None:
    assert list(near_misses("app.yaml", tree, MODELS)) == []
