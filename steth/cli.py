"""`steth`: the command line. Each command imports only what it needs, so that the agent's own stay light."""

import asyncio
import io
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from steth.account import app as account_app
from steth.audit import app as audit_app
from steth.certs import app as certs_app
from steth.failing import fail

if TYPE_CHECKING:
    from catalog.model import Catalog
    from steth.settings import Settings

app = typer.Typer(
    name="steth",
    help="Health monitoring and remote support for installed medical equipment.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
catalog_app = typer.Typer(help="Equipment knowledge.", no_args_is_help=True)
app.add_typer(catalog_app, name="catalog")
app.add_typer(account_app, name="account")
app.add_typer(certs_app, name="certs")
app.add_typer(audit_app, name="audit")

Config = Annotated[Path | None, typer.Option("--config", help="A TOML file of settings; STETH_* stand above it.")]
PASS_ON = {"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}


def main() -> None:
    """The entry point. What a person can mend is one line on stderr and exit 2; nothing else is caught."""
    from agent.secrecy import leave_no_dumps  # noqa: PLC0415
    from steth.lifeline import hold_lifeline  # noqa: PLC0415

    leave_no_dumps()
    hold_lifeline()
    app()


@app.command()
def up(
    *,
    data: Annotated[Path | None, typer.Option("--data", help="Everything is kept in this folder.")] = None,
    http: Annotated[int, typer.Option("--http", min=1, max=65535, help="Port of the API on 127.0.0.1.")] = 8420,
    mqtt: Annotated[
        int | None, typer.Option("--mqtt", min=1, max=65535, help="Port of the broker on 127.0.0.1; else a free one.")
    ] = None,
    devices: Annotated[
        int, typer.Option("--devices", min=0, max=32, help="Simulated: a DR, an analyzer, a DR, an analyzer …")
    ] = 4,
    catalog: Annotated[
        Path | None,
        typer.Option("--catalog", envvar="STETH_CATALOG", help="A folder of catalog files; else the shipped."),
    ] = None,
    seconds: Annotated[float | None, typer.Option("--seconds", min=1, help="Stop by itself after so long.")] = None,
    lang: Annotated[Literal["zh", "en"], typer.Option("--lang", help="Language of the tickets it shows.")] = "en",
) -> None:
    """All of it on one machine: database, broker, services, and a small simulated hospital."""
    from catalog.errors import CatalogError  # noqa: PLC0415
    from steth.folder import UpError, default_folder  # noqa: PLC0415
    from steth.up import Options, run_up  # noqa: PLC0415
    from store.errors import StoreError  # noqa: PLC0415

    for stream in (sys.stdout, sys.stderr):  # a terminal that can't show a letter ends nothing
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        options = Options(
            data=data or default_folder(),
            http=http,
            mqtt=mqtt,
            devices=devices,
            catalog=None if catalog is None else catalog.absolute(),
            seconds=seconds,
            lang=lang,
        )
        raise typer.Exit(asyncio.run(run_up(options)))
    except (UpError, StoreError, CatalogError) as error:
        fail(str(error))
    except OSError as error:
        fail(f"{error.filename or data or 'the data folder'}: {error.strerror or error}")


@app.command()
def ingest(config: Config = None) -> None:
    """Broker → pipeline → database, for the partitions it can claim."""
    from steth.run_ingest import run_ingest  # noqa: PLC0415

    settings, catalog = _server("ingest", config)
    _run_fast(run_ingest(settings, catalog))


@app.command()
def jobs(config: Config = None) -> None:
    """Tells people, sends commands, freezes evidence, keeps the database; one process leads, others stand by."""
    from steth.run_jobs import run_jobs  # noqa: PLC0415

    settings, catalog = _server("jobs", config)
    _run(run_jobs(settings, catalog))


@app.command(hidden=True)
def alerts(config: Config = None) -> None:
    """What `steth jobs` was called."""
    del config
    fail("`steth alerts` is called `steth jobs` now: write that (docs/deploy.md, To version 10)")


@app.command()
def api(config: Config = None) -> None:
    """REST for people and programs."""
    from steth.run_api import run_api  # noqa: PLC0415

    settings, catalog = _server("api", config)
    _run_fast(run_api(settings, catalog))


@app.command()
def migrate(
    plan: Annotated[
        bool, typer.Option("--plan", help="Only say what would be done, and how long it may take.")
    ] = False,
    config: Config = None,
) -> None:
    """Bring the database's schema up to this version, and make room for readings; broken off, goes on when repeated."""
    from steth.jobs.maintenance import Groundwork  # noqa: PLC0415
    from steth.settings import SettingsError  # noqa: PLC0415
    from store.errors import StoreError  # noqa: PLC0415
    from store.migrate import migrate as run  # noqa: PLC0415
    from store.migrate import plan as foresee  # noqa: PLC0415

    settings, _ = _server("migrate", config)
    try:
        settings.need("dsn_owner")
        if plan:
            for line in foresee(settings.dsn_owner) or ["the schema is current: nothing to apply"]:
                typer.echo(line)
            return
        ground = Groundwork(dsn_owner=settings.dsn_owner, keep=settings.keep())
        run(settings.dsn_owner, tell=typer.echo)
        if asyncio.run(ground.move()):
            typer.echo("moved to TimescaleDB's community edition: its own aggregates, compression and retention")
        if asyncio.run(ground.settle()):
            typer.echo("this database is a restored copy: see `steth doctor`; tickets go on in a new block of numbers")
        made = asyncio.run(ground.make_room())
        changed = asyncio.run(ground.set_ages())
    except (StoreError, SettingsError) as error:
        fail(str(error))
    typer.echo(f"schema is current; {made} partitions made, {changed} ages changed")


@app.command()
def forget(
    yes: Annotated[bool, typer.Option("--yes", help="Do it; else it is only said how much there is.")] = False,
    config: Config = None,
) -> None:
    """What former versions kept of devices and the catalog doesn't allow: names, codes and texts of their own."""
    from steth.forget import ForgetError  # noqa: PLC0415
    from steth.forget import forget as run  # noqa: PLC0415
    from steth.settings import SettingsError  # noqa: PLC0415

    settings, catalog = _server("forget", config)
    try:
        settings.need("dsn_owner")
        found = run(settings.dsn_owner, catalog, act=yes)
    except (ForgetError, SettingsError) as error:
        fail(str(error))
    for table, rows in found.items():
        typer.echo(f"{table}: {rows} rows")
    typer.echo("forgotten" if yes else "nothing was changed; forget it with --yes")


@app.command()
def doctor(
    config: Config = None,
    data: Annotated[Path | None, typer.Option("--data", help="Of the `steth up` that runs in this folder.")] = None,
    agent: Annotated[Path | None, typer.Option("--agent", help="Of the agent with this configuration file.")] = None,
    process: Annotated[
        list[str] | None, typer.Option("--process", help="Also ask name=http://host:port; may be repeated.")
    ] = None,
    lang: Annotated[Literal["zh", "en"] | None, typer.Option("--lang", help="Else that of the terminal.")] = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON object for each check.")] = False,
) -> None:
    """Look at every part, and say of each what is wrong and what to do; exit 1 if anything is broken."""
    from steth.doctor.cli import run  # noqa: PLC0415

    raise typer.Exit(run(config=config, data=data, agent=agent, processes=process or [], lang=lang, as_objects=json))


@app.command(hidden=True)
def broker(config: Path) -> None:
    """The embedded broker, as `steth up` starts it."""
    from steth.broker import run_broker  # noqa: PLC0415

    raise typer.Exit(run_broker(config))


@app.command(context_settings=PASS_ON, add_help_option=False)
def agent(context: typer.Context) -> None:
    """The agent beside the equipment; `steth agent show CONFIG.toml` prints what would be read and sent."""
    from agent.cli import run  # noqa: PLC0415

    raise typer.Exit(run(context.args))


@app.command(context_settings=PASS_ON, add_help_option=False)
def decode(context: typer.Context) -> None:
    """What would leave the device for these files: decode astm|dicom|hl7|log FILE."""
    from agent.show.decode import decode_main  # noqa: PLC0415

    raise typer.Exit(decode_main(context.args))


@app.command(context_settings=PASS_ON, add_help_option=False)
def sim(context: typer.Context) -> None:
    """Simulated equipment: one DR or analyzer, a hospital, or a fleet for load."""
    from sim.cli import run  # noqa: PLC0415

    raise typer.Exit(run(context.args))


@catalog_app.command("check")
def catalog_check(
    folder: Annotated[Path | None, typer.Argument(help="Of catalog files; else the shipped.")] = None,
) -> None:
    """Lint the catalog: file, line, what is wrong, what to do."""
    from catalog.check import main_lines  # noqa: PLC0415
    from catalog.load import SHIPPED  # noqa: PLC0415

    lines = main_lines(folder or SHIPPED)
    for line in lines:
        typer.echo(line)
    if lines:
        raise typer.Exit(1)
    typer.echo("the catalog is in order")


def _server(process: str, config: Path | None) -> "tuple[Settings, Catalog]":
    from catalog.errors import CatalogError  # noqa: PLC0415
    from catalog.load import load  # noqa: PLC0415
    from steth.logs import set_up_logs  # noqa: PLC0415
    from steth.settings import SettingsError, load_settings  # noqa: PLC0415

    try:
        settings = load_settings(config)
        set_up_logs(settings.log, process)
        return settings, load(Path(settings.catalog) if settings.catalog else None)
    except (SettingsError, CatalogError) as error:
        fail(str(error))


def _run(work: Coroutine[Any, Any, None], *, fast: bool = False) -> None:
    from steth.settings import SettingsError  # noqa: PLC0415
    from store.errors import StoreError  # noqa: PLC0415

    factory = None
    if fast and sys.platform != "win32":
        import uvloop  # noqa: PLC0415

        factory = uvloop.new_event_loop
    try:
        with asyncio.Runner(loop_factory=factory) as runner:
            runner.run(work)
    except (SettingsError, StoreError) as error:
        fail(str(error))
    except OSError as error:
        fail(f"{error.strerror or error}")


def _run_fast(work: Coroutine[Any, Any, None]) -> None:
    _run(work, fast=True)
