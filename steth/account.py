"""`steth account`: who may sign in, by the owner's database address."""

import asyncio
from collections.abc import Callable, Coroutine
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import typer

from steth.failing import fail

app = typer.Typer(help="Who may sign in: made, listed, disabled, reset, by the database's owner.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="Of the account: who it is.", metavar="NAME")]
Config = Annotated[Path | None, typer.Option("--config", help="A TOML file of settings; STETH_* stand above it.")]
T = TypeVar("T")


@app.command()
def add(
    name: Name,
    role: Annotated[
        Literal["staff", "manager", "noc", "engineer", "equipment", "it", "department"],
        typer.Option(
            "--role",
            help="What it is for: staff is the operator's, the next three a dealer's, the others a hospital's.",
        ),
    ],
    org: Annotated[
        int | None, typer.Option("--org", help="Id of its dealer or hospital; none: the operator, the only dealer.")
    ] = None,
    config: Config = None,
) -> None:
    """Make an account and print its password, once: the operator's first of a deployment."""
    from people.roles import Role  # noqa: PLC0415
    from steth.accounts import add_account  # noqa: PLC0415

    typer.echo(_run(config, lambda dsn: add_account(dsn, name=name, role=Role(role), org=org)))


@app.command("list")
def list_(config: Config = None) -> None:
    """Every account: its name, role, its organisation's id and name, whether it is active, and its last login."""
    from steth.accounts import list_accounts  # noqa: PLC0415

    for row in _run(config, list_accounts):
        state = "active" if row["active"] else "disabled"
        _line(row["name"], row["role"], f"{row['org_id']} {row['org']}", state, _time(row["last_login_at"]))


@app.command()
def orgs(config: Config = None) -> None:
    """Every organisation: its id, what it is, its name."""
    from steth.accounts import list_orgs  # noqa: PLC0415

    for row in _run(config, list_orgs):
        _line(str(row["id"]), row["kind"], row["name"])


@app.command()
def disable(name: Name, config: Config = None) -> None:
    """Lock an account out: its tokens and sessions end within 5 s, and stay ended."""
    from steth.accounts import set_active  # noqa: PLC0415

    ended = _run(config, lambda dsn: set_active(dsn, name=name, active=False))
    typer.echo(f"disabled; {ended} tokens and sessions ended")


@app.command()
def enable(name: Name, config: Config = None) -> None:
    """Let an account sign in again, with the password it had."""
    from steth.accounts import set_active  # noqa: PLC0415

    _run(config, lambda dsn: set_active(dsn, name=name, active=True))
    typer.echo("enabled")


@app.command()
def reset(name: Name, config: Config = None) -> None:
    """Give an account a new password and print it, once; its tokens and sessions end within 5 s."""
    from steth.accounts import reset_password  # noqa: PLC0415

    typer.echo(_run(config, lambda dsn: reset_password(dsn, name=name)))


@app.command()
def tokens(name: Name, config: Config = None) -> None:
    """The tokens and sessions of an account that are good: id, label, from when, until when."""
    from steth.accounts import list_tokens  # noqa: PLC0415

    for row in _run(config, lambda dsn: list_tokens(dsn, name=name)):
        _line(str(row["id"]), row["label"], _time(row["created_at"]), _time(row["expires_at"]))


@app.command()
def revoke(
    name: Name,
    token: Annotated[int, typer.Argument(help="Id of the token, as `steth account tokens` shows it.", metavar="ID")],
    config: Config = None,
) -> None:
    """End one token or session of an account, within 5 s."""
    from steth.accounts import revoke_token  # noqa: PLC0415

    _run(config, lambda dsn: revoke_token(dsn, name=name, token=token))
    typer.echo("revoked")


def _run(config: Path | None, work: Callable[[str], Coroutine[Any, Any, T]]) -> T:
    from steth.accounts import AccountError  # noqa: PLC0415
    from steth.settings import SettingsError, load_settings  # noqa: PLC0415

    try:
        settings = load_settings(config)
        settings.need("dsn_owner")
        return asyncio.run(work(settings.dsn_owner))
    except (AccountError, SettingsError) as error:
        fail(error)


def _time(at: datetime | None) -> str:
    return "-" if at is None else at.isoformat(sep=" ", timespec="seconds")


def _line(*parts: str) -> None:
    typer.echo("\t".join(part or "-" for part in parts))
