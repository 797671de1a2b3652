"""How a job looks in the console's API."""

from pydantic import BaseModel

from app.jobs.registry import build_definition
from app.scheduler.schemas import JobView


class ReportArgs(BaseModel):
    year: int


def report() -> None:
    """Writes the yearly report.

    Takes long.
    """


def bare() -> None: ...


def test_a_job_shows_the_first_line_of_its_docstring_and_the_schema_of_its_parameter() -> None:
    view = JobView.of(build_definition("report", report, args=ReportArgs), 7)
    assert (view.name, view.job_id, view.description) == ("report", 7, "Writes the yearly report.")
    assert view.origin.endswith("test_scheduler_schemas.report")
    assert view.args_schema is not None
    assert list(view.args_schema["properties"]) == ["year"]


def test_a_job_without_docstring_and_model_is_shown_too() -> None:
    view = JobView.of(build_definition("bare", bare), 7)
    assert (view.description, view.args_schema) == ("", None)
