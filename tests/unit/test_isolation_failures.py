import json

import pytest

from app.common.errors import NotFoundError
from app.jobs.result import failed
from app.xxl_job.executor.isolation.failures import RemoteFailure, pack_failure, result_of, unpack_failure


class Trouble(ValueError):
    """Takes more than a message."""

    def __init__(self, one: int, two: int) -> None:
        super().__init__(f"{one} and {two}")


def across(error: BaseException) -> RemoteFailure:
    """What arrives of it, by way of JSON."""
    try:
        raise error  # noqa: TRY301 - a traceback is wanted
    except BaseException as raised:  # noqa: BLE001 - SystemExit too
        return unpack_failure(json.loads(json.dumps(pack_failure(raised))))


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (Trouble(1, 2), "Trouble: 1 and 2"),
        (OSError(2, "No such file"), "FileNotFoundError: [Errno 2] No such file"),
        (KeyError("k"), "KeyError: 'k'"),
        (UnicodeDecodeError("utf-8", b"x", 0, 1, "bad"), "UnicodeDecodeError: 'utf-8' codec can't decode"),
        (ExceptionGroup("many", [ValueError("x")]), "ExceptionGroup: many (1 sub-exception)"),
        (NotFoundError("nobody"), "NotFoundError: nobody"),
        (SystemExit(5), "SystemExit: 5"),
    ],
)
def test_a_failure_reads_as_if_it_had_happened_here(error: BaseException, message: str) -> None:
    assert failed(across(error)).message.startswith(message)


def test_it_is_a_kind_of_the_original_where_that_is_known_here() -> None:
    assert isinstance(across(Trouble(1, 2)), Trouble)
    assert isinstance(across(ConnectionResetError("gone")), OSError)
    assert isinstance(across(NotFoundError("x")), NotFoundError)


def test_a_class_that_nobody_here_knows_is_not_looked_for() -> None:
    packed = {"module": "no.such.module", "type": "Odd.Inner", "message": "m", "traceback": "t"}
    failure = unpack_failure(packed)
    assert (type(failure).__name__, str(failure), type(failure).__mro__[1]) == ("Inner", "m", RemoteFailure)


@pytest.mark.parametrize("name", ["loads", "JSONDecoder", "", "a.b", "__class__"])
def test_only_exceptions_are_made_of_names(name: str) -> None:
    packed = {"module": "json", "type": name or "x", "message": "m", "traceback": "t"}
    assert type(unpack_failure(packed)).__mro__[1] is RemoteFailure


def test_its_cause_shows_the_traceback_of_the_child() -> None:
    cause = across(Trouble(1, 2)).__cause__
    assert "in across" in str(cause)
    assert "Trouble: 1 and 2" in str(cause)


def test_a_result_is_its_text_or_raises_its_failure() -> None:
    assert result_of({"text": "done", "failure": None}) == "done"
    with pytest.raises(Trouble, match="1 and 2"):
        result_of({"text": "", "failure": pack_failure(Trouble(1, 2))})
