"""How a command that can't be done ends."""

from typing import NoReturn

import typer


def fail(error: object) -> NoReturn:
    """Say why on stderr, and exit with 2."""
    typer.echo(f"steth: {error}", err=True)
    raise SystemExit(2)
