"""`steth audit`: verifies the audit log, makes its key, and signs its heads."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from steth.failing import fail

if TYPE_CHECKING:
    from collections.abc import Callable

    from people.audit.heads import Head
    from steth.chains import Verified
    from steth.settings import Settings

app = typer.Typer(help="The audit log: verify its chains, sign their heads.", no_args_is_help=True)

Config = Annotated[Path | None, typer.Option("--config", help="A TOML file of settings; STETH_* stand above it.")]


@app.command()
def key(
    file: Annotated[Path, typer.Argument(help="Where the private key is put: a new file.", metavar="FILE")],
) -> None:
    """Make the key that signs heads (setting audit_key), and print its public half, which hospitals get."""
    from people.audit.heads import HeadError, make_key, public_pem  # noqa: PLC0415

    try:
        made = make_key(file)
    except HeadError as error:
        fail(error)
    typer.echo(public_pem(made.public), nl=False)
    typer.echo(f"key {made.id}: {file} is for `steth jobs` alone; give the lines above to hospitals", err=True)


@app.command()
def verify(
    *,
    config: Config = None,
    heads: Annotated[
        list[Path] | None,
        typer.Option("--heads", help="A file of signed heads; may be repeated. Else that of the setting audit_heads."),
    ] = None,
    public: Annotated[
        list[Path] | None,
        typer.Option("--public", help="A public key that signed them; may be repeated. Beside that of audit_key."),
    ] = None,
    entries: Annotated[
        Path | None,
        typer.Option("--entries", help="No database: pages of GET /api/v1/audit in a file, one a line."),
    ] = None,
    lang: Annotated[Literal["zh", "en"] | None, typer.Option("--lang", help="Else that of the terminal.")] = None,
) -> None:
    """Walk every chain from its first entry to its last, and hold it to the signed heads; exit 1 if one is broken."""
    from agent.show.findings import failed, lines  # noqa: PLC0415
    from people.audit.chain import read_chains  # noqa: PLC0415
    from steth.chains import (  # noqa: PLC0415
        check_kept,
        connect,
        finding_of,
        kept_files,
        load_heads,
        verify_all,
        verify_file,
    )
    from steth.doctor.cli import reader_language  # noqa: PLC0415
    from steth.settings import load_settings  # noqa: PLC0415

    found = []

    def say(one: "Verified") -> None:
        found.append(finding_of(one))
        typer.echo(lines(found[-1:], lang or reader_language())[0])

    async def walk(settings: "Settings", signed: "list[Head]") -> None:
        async with await connect(settings) as connection:
            if not heads:
                check_kept(settings, await read_chains(connection), signed)
            async for one in verify_all(connection, signed):
                say(one)

    def work() -> None:
        settings = load_settings(config)
        files = heads or (kept_files(settings) if entries is None else [])
        signed = load_heads(files, key=settings.audit_key, public=public or [])
        if entries is not None:
            say(verify_file(entries, signed))
        else:
            asyncio.run(walk(settings, signed))

    _mendable(work)
    raise typer.Exit(int(failed(found)))


@app.command()
def head(config: Config = None) -> None:
    """Verify every chain, then sign its head as it is now and print it, for others to keep; exit 1 if one is broken."""
    from people.audit.heads import line_of, read_key  # noqa: PLC0415
    from steth.chains import connect, finding_of, kept_heads, signed, verify_all  # noqa: PLC0415
    from steth.settings import load_settings  # noqa: PLC0415

    broken = []

    async def sign(settings: "Settings") -> None:
        signer, kept = read_key(Path(settings.audit_key)), kept_heads(settings)
        async with await connect(settings) as connection:
            async for one in verify_all(connection, kept):
                if one.broken is None:
                    typer.echo(line_of(signed(one, signer, datetime.now(UTC))), nl=False)
                else:
                    broken.append(finding_of(one))

    def work() -> None:
        settings = load_settings(config)
        settings.need("audit_key")
        asyncio.run(sign(settings))

    _mendable(work)
    for each in broken:
        typer.echo(f"steth: {each.said.en}; {each.todo and each.todo.en}", err=True)
    raise typer.Exit(int(bool(broken)))


def _mendable(work: "Callable[[], None]") -> None:
    """What a person can mend is one line on stderr and exit 2."""
    import psycopg  # noqa: PLC0415

    from people.audit.heads import HeadError  # noqa: PLC0415
    from steth.settings import SettingsError  # noqa: PLC0415
    from store.errors import one_line  # noqa: PLC0415

    try:
        work()
    except (HeadError, SettingsError) as error:
        fail(error)
    except psycopg.Error as error:
        fail(f"the database: {one_line(error)}")
