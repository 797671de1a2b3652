"""The command line: one file a noun, added here."""

import sys
from collections.abc import Sequence
from typing import Final

import typer

from app.cli import job, run
from app.common.const import EXIT_CONFIG
from app.common.errors import AppError, StartupError

cli: Final = typer.Typer(
    help="The project's commands.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
cli.add_typer(job.commands, name="job")
cli.command("run")(run.run)


@cli.callback()
def _nouns() -> None:
    """Without this a lone command would lose its name."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Exits 0 on success, 1 on failure, 2 on wrong usage, 78 when the settings can't be used.

    An error of the tree is one line: its text says what to do.
    """
    try:
        cli(args=arguments, prog_name="python -m app")
    except AppError as error:
        typer.echo(error.message, err=True)
        sys.exit(EXIT_CONFIG if isinstance(error, StartupError) else 1)
