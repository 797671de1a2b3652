"""`python -m app job …`: lists jobs, runs one and shows its log."""

import sys
import time
from typing import Annotated, Final

import typer

from app.cli import runs
from app.cli.console import CommandFailed, Console, open_console
from app.config.environment import load_environment
from app.scheduler.models import ConsoleRunState
from app.scheduler.schemas import RunView, TriggerBody
from app.scheduler.service import NoExecutor
from app.xxl_job.executor.log_finder import LogFinder
from app.xxl_job.executor.whole_log import read_whole

POLL_SECONDS: Final = 0.3
GRACE_SECONDS: Final = 10.0
"""How much longer than the run may take is waited for its outcome."""

commands: Final = typer.Typer(help="Jobs, by the console of the local web process.", no_args_is_help=True)
commands.command("runs")(runs.list_runs)

Url = Annotated[str | None, typer.Option("--url", help="The web process; found by the settings if not given.")]


@commands.command("list")
def list_jobs(url: Url = None) -> None:
    """List the jobs of this project."""
    with open_console(url) as console:
        jobs = console.list_jobs()
    width = max((len(found.name) for found in jobs), default=0)
    for found in jobs:
        typer.echo(f"{found.name:<{width}}  {found.description or found.origin}")


@commands.command("run")
def run_job(
    name: Annotated[str, typer.Argument(help="The job's name, as in @job.")],
    param: Annotated[str, typer.Option("--param", help="Handed to the job as it is.")] = "",
    timeout: Annotated[int, typer.Option("--timeout", min=1, max=604_800, help="Seconds the run may take.")] = 300,
    wait: Annotated[float, typer.Option("--wait", min=0, help="Seconds to wait for an executor to register.")] = 30,
    url: Url = None,
) -> None:
    """Run a job, show its log as it grows, and exit 0 only if the run succeeds."""
    with open_console(url) as console:
        run = _trigger(console, name, TriggerBody(param=param, timeout_seconds=timeout), wait)
        typer.echo(f"run {run.log_id} at {run.address or 'no executor'}", err=True)
        run = _follow(console, run.log_id, time.monotonic() + timeout + GRACE_SECONDS)
    typer.echo(_summary(run), err=True)
    if run.state is not ConsoleRunState.SUCCESS:
        sys.exit(1)


@commands.command("log")
def show_log(
    log_id: Annotated[int, typer.Argument(help="The run's log id, as `job run` shows it.")],
    url: Url = None,
) -> None:
    """Show what a run has logged so far: from this machine's job logs where they have it, else by the console."""
    if url is None and _show_own_log(log_id):
        return
    line = 1
    with open_console(url) as console:
        while (page := console.read_log(log_id, line)).content:
            typer.echo(page.content.removesuffix("\n"))
            line = page.to_line + 1


def _show_own_log(log_id: int) -> bool:
    """Prints the newest log of that id, whole, if this machine has one."""
    root = load_environment().xxl_log_path
    logs = list(LogFinder(root).list_newest(log_id))
    if not logs:
        return False
    newest, *older = logs
    if older:
        typer.echo(
            f"{newest} is the newest of {len(older) + 1} logs of this id: {', '.join(map(str, older))}", err=True
        )
    for piece in read_whole(newest):
        typer.echo(piece, nl=False)
    return True


def _trigger(console: Console, name: str, body: TriggerBody, wait_seconds: float) -> RunView:
    deadline = time.monotonic() + wait_seconds
    told = False
    while True:
        try:
            return console.trigger(name, body)
        except CommandFailed as failed:
            if failed.reason != NoExecutor.code or time.monotonic() >= deadline:
                raise
        if not told:
            typer.echo(f"waiting up to {wait_seconds:g} s for an executor to register", err=True)
            told = True
        time.sleep(POLL_SECONDS)


def _follow(console: Console, log_id: int, deadline: float) -> RunView:
    """Prints the log until the run is over and everything is printed; an unreadable log doesn't hide the outcome."""
    line = 1
    while time.monotonic() < deadline:
        run = console.get_run(log_id)
        try:
            page = console.read_log(log_id, line)
        except CommandFailed as failed:
            if run.state.is_over:
                typer.echo(failed.message, err=True)
                return run
            time.sleep(POLL_SECONDS)
            continue
        if page.content:
            typer.echo(page.content.removesuffix("\n"))
            line = page.to_line + 1
        elif page.is_end:
            return console.get_run(log_id)
        else:
            time.sleep(POLL_SECONDS)
    raise CommandFailed(f"no outcome came in time; see later: python -m app job log {log_id}")


def _summary(run: RunView) -> str:
    message = run.handle_message or (run.trigger_message if run.state is ConsoleRunState.FAILED else "")
    return f"{run.state}: {message}" if message else str(run.state)
