"""Which instance a process is."""

from pathlib import Path

import pytest

from app.common.errors import StartupError
from app.config.instance import claimed_instance


def test_processes_of_one_role_take_the_lowest_free_slot(tmp_path: Path) -> None:
    with claimed_instance(tmp_path, "web", "host") as first:
        with claimed_instance(tmp_path, "web", "host") as second:
            assert (first, second) == ("web-host-0", "web-host-1")
        with claimed_instance(tmp_path, "web", "host") as again:
            assert again == "web-host-1"


def test_roles_do_not_share_slots(tmp_path: Path) -> None:
    with claimed_instance(tmp_path, "web", "h") as web, claimed_instance(tmp_path, "executor", "h") as executor:
        assert (web, executor) == ("web-h-0", "executor-h-0")


def test_a_host_name_can_not_leave_the_folder(tmp_path: Path) -> None:
    with claimed_instance(tmp_path, "web", "../../etc") as name:
        assert name == "web-.._.._etc-0"
    assert (tmp_path / "instances" / f"{name}.lock").exists()


def test_too_many_processes_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.config.instance.MAX_SLOTS", 1)
    with (
        claimed_instance(tmp_path, "web", "h"),
        pytest.raises(StartupError, match="1 processes named web"),
        claimed_instance(tmp_path, "web", "h"),
    ):
        pass
