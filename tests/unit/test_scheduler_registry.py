"""Which executors the console takes for alive."""

import pytest

from app.common.errors import ConflictError
from app.scheduler.registry import ExecutorRegistry
from support.scheduler import ManualClock


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(1000.0)


@pytest.fixture
def registry(clock: ManualClock) -> ExecutorRegistry:
    return ExecutorRegistry(clock)


def addresses(registry: ExecutorRegistry, app_name: str | None = None) -> list[str]:
    return [found.address for found in registry.list_alive(app_name)]


def test_an_executor_is_alive_for_90_seconds_after_its_last_word(
    clock: ManualClock, registry: ExecutorRegistry
) -> None:
    registry.register("demo", "http://a:9999")
    clock.now += 90
    assert addresses(registry) == ["http://a:9999"]
    clock.now += 0.1
    assert addresses(registry) == []


def test_registering_again_keeps_an_executor_alive(clock: ManualClock, registry: ExecutorRegistry) -> None:
    registry.register("demo", "http://a:9999")
    clock.now += 60
    registry.register("demo", "http://a:9999")
    clock.now += 60
    assert addresses(registry) == ["http://a:9999"]


def test_only_the_first_registration_is_new(registry: ExecutorRegistry) -> None:
    assert registry.register("demo", "http://a:9999")
    assert not registry.register("demo", "http://a:9999")


def test_an_address_counts_once_with_and_without_a_trailing_slash(registry: ExecutorRegistry) -> None:
    registry.register("demo", "http://a:9999/")
    registry.register("demo", "http://a:9999")
    assert addresses(registry) == ["http://a:9999"]


def test_executors_are_found_by_their_name_in_the_order_in_which_they_came(registry: ExecutorRegistry) -> None:
    registry.register("demo", "http://b")
    registry.register("other", "http://x")
    registry.register("demo", "http://a")
    registry.register("demo", "http://b")
    assert addresses(registry, "demo") == ["http://b", "http://a"]
    assert addresses(registry) == ["http://b", "http://x", "http://a"]


def test_a_removed_executor_is_gone_at_once(registry: ExecutorRegistry) -> None:
    registry.register("demo", "http://a")
    registry.remove("demo", "http://a/")
    assert addresses(registry) == []


def test_removing_an_unknown_executor_changes_nothing(registry: ExecutorRegistry) -> None:
    registry.register("demo", "http://a")
    registry.remove("demo", "http://b")
    assert addresses(registry) == ["http://a"]


def test_the_registry_is_bounded_and_makes_room_when_executors_die(
    clock: ManualClock, registry: ExecutorRegistry
) -> None:
    for number in range(1000):
        registry.register("demo", f"http://a:{number}")
    with pytest.raises(ConflictError):
        registry.register("demo", "http://one-more")
    registry.register("demo", "http://a:7")
    clock.now += 91
    registry.register("demo", "http://one-more")
    assert addresses(registry) == ["http://one-more"]
