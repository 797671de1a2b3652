"""The command line as a whole."""

from pathlib import Path

import pytest

from app.cli.main import main


def test_help_lists_the_nouns(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    assert ended.value.code == 0
    assert "job" in capsys.readouterr().out


def test_settings_that_can_t_be_used_exit_78_with_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CONFIG_DIR", str(tmp_path))
    monkeypatch.setenv("APP_ENV", "NOT VALID")
    with pytest.raises(SystemExit) as ended:
        main(["job", "list"])
    assert ended.value.code == 78
    assert capsys.readouterr().err == "APP_ENV must match [a-z0-9_-]+, for example APP_ENV=prod\n"
