"""`python -m app job runs`: what the executors of this DATA_DIR ran, read from their ledgers while they write."""

import json
from typing import Annotated

import typer

from app.config.environment import load_environment
from app.jobs.ledger.base import RunQuery
from app.jobs.ledger.files import list_runs_of
from app.jobs.ledger.views import run_as_json, took_seconds
from app.jobs.record import RunOutcome, RunRecord
from app.xxl_job.executor.ledger_folder import ledger_files

SHOWN_MESSAGE = 60
HEADINGS = ("ACCEPTED", "LOG ID", "JOB", "HANDLER", "STATE", "TOOK", "INSTANCE", "MESSAGE")

Limit = Annotated[int, typer.Option("--limit", min=1, max=10_000, help="How many at most.")]
Handler = Annotated[str | None, typer.Option("--handler", help="Of this handler only.")]
Outcome = Annotated[RunOutcome | None, typer.Option("--outcome", help="With this outcome only.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object a line, with everything that is known.")]


def list_runs(limit: Limit = 20, handler: Handler = None, outcome: Outcome = None, as_json: AsJson = False) -> None:
    """List runs of all executors of this machine, newest first."""
    environment = load_environment()
    query = RunQuery(limit=limit, handler=handler, outcomes=frozenset({outcome} if outcome else ()))
    files = ledger_files(environment.data_dir)
    found = list_runs_of(files, query)
    if as_json:
        for record in found:
            typer.echo(json.dumps(run_as_json(record), ensure_ascii=False))
    elif found:
        typer.echo(_table(found))
    else:
        typer.echo(_why_none(query, str(environment.data_dir), is_any_file=bool(files)), err=True)


def _why_none(query: RunQuery, data_dir: str, *, is_any_file: bool) -> str:
    if not is_any_file:
        return f"no run ledger in {data_dir}: no executor has run with this DATA_DIR, or xxl-job.ledger is memory"
    return "no run fits the filters" if query.handler or query.outcomes else "no runs yet"


def _table(records: list[RunRecord]) -> str:
    lines = [HEADINGS, *(_cells(record) for record in records)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join("  ".join(map(str.ljust, line, widths)).rstrip() for line in lines)


def _cells(record: RunRecord) -> tuple[str, ...]:
    seconds = took_seconds(record)
    return (
        f"{record.accepted_at.astimezone():%Y-%m-%d %H:%M:%S}" if record.accepted_at else "",
        str(record.log_id),
        str(record.job_id),
        record.handler,
        str(record.outcome or record.state),
        "" if seconds is None else f"{seconds:.3f} s",
        record.instance,
        " ".join(record.message.split())[:SHOWN_MESSAGE],
    )
