"""`python -m app job log ID` where this machine has the log itself."""

from collections.abc import Callable
from pathlib import Path

import pytest

from app.cli.main import main
from app.xxl_job.executor.log_upkeep import pack

Shown = Callable[..., tuple[int, str, str]]


@pytest.fixture
def shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]) -> Shown:
    for name, value in {"CONFIG_DIR": tmp_path, "DATA_DIR": tmp_path / "data", "XXL_LOG_PATH": tmp_path}.items():
        monkeypatch.setenv(name, str(value))

    def run(*arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main(["job", "log", *arguments])
        said = capfdbinary.readouterr()
        assert isinstance(ended.value.code, int)
        return ended.value.code, said.out.decode(), said.err.decode()

    return run


def made(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_a_log_of_any_size_is_shown_whole_without_a_console(shown: Shown, tmp_path: Path) -> None:
    text = "".join(f"line {number} äöü\n" for number in range(100_000))
    made(tmp_path / "2025-01-01" / "7.log", text)
    assert shown("7") == (0, text, "")


def test_a_compressed_log_is_shown_and_what_was_written_after_it(shown: Shown, tmp_path: Path) -> None:
    path = made(tmp_path / "2025-01-01" / "7.log", "compressed\n")
    list(pack(path))
    assert shown("7")[1] == "compressed\n"
    made(path, "resumed\n")
    assert shown("7")[1] == "compressed\nresumed\n"


def test_of_several_logs_the_newest_is_shown_and_the_others_named(shown: Shown, tmp_path: Path) -> None:
    for name in ("2025-01-01/7.log", "2025-01-02/7.log", "2025-01-02/7.2.log"):
        made(tmp_path / name, f"{name}\n")
    code, output, errors = shown("7")
    assert (code, output) == (0, "2025-01-02/7.2.log\n")
    assert "is the newest of 3 logs of this id" in errors
    assert "2025-01-01/7.log" in errors


def test_another_id_is_not_taken_for_it(shown: Shown, tmp_path: Path) -> None:
    made(tmp_path / "2025-01-01" / "77.log", "of another run\n")
    code, output, _ = shown("7")
    assert code != 0
    assert output == ""
