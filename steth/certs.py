"""`steth certs`: the certificates of a deployment, on a machine that may hold the authorities' keys."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from steth.failing import fail

app = typer.Typer(help="Certificates of a deployment: authorities, servers, services, devices.", no_args_is_help=True)

Folder = Annotated[Path, typer.Argument(help="Where everything is kept.", metavar="FOLDER")]
DeviceId = Annotated[str, typer.Argument(help="The id that the server minted.", metavar="DEVICE")]


@app.command()
def init(
    folder: Folder,
    name: Annotated[list[str], typer.Option("--name", help="A name or address of broker and proxy; may be repeated.")],
) -> None:
    """Make the authorities and the certificates of the broker, the proxy and the services."""
    from steth.certificates import CertificateError, initialise  # noqa: PLC0415

    try:
        initialise(folder, names=name, now=datetime.now(UTC))
    except (CertificateError, OSError) as error:
        fail(error)
    typer.echo(f"made {folder}; keep {folder / 'ca'} off the server and in a safe place")


@app.command()
def renew(
    folder: Folder,
    what: Annotated[
        list[str] | None, typer.Argument(help="Of these; none: of all.", metavar="broker|proxy|ingest|jobs")
    ] = None,
    name: Annotated[
        list[str] | None,
        typer.Option("--name", help="A name or address of a server instead of those it has; may be repeated."),
    ] = None,
    days: Annotated[int, typer.Option("--days", min=1, max=825, help="How long they are good.")] = 397,
) -> None:
    """Make new certificates of the broker, the proxy and the services. The old ones stay good until they end."""
    from steth.certificates import OURS, SERVERS, CertificateError, alone, renew  # noqa: PLC0415

    chosen = what or list(OURS)
    if name and not set(chosen) & set(SERVERS):
        fail(CertificateError("--name is of a server: write `renew FOLDER broker --name …`, or proxy"))
    try:
        with alone(folder):
            for each in chosen:
                path = renew(folder, each, names=name or (), days=days, now=datetime.now(UTC))
                typer.echo(f"made {path} and its key")
    except (CertificateError, OSError) as error:
        fail(error)
    for each in chosen:
        typer.echo(_next(each))


@app.command(name="list")
def list_(folder: Folder) -> None:
    """Say of each certificate until when it is good, the first to end first."""
    from steth.certificates import CertificateError, listing  # noqa: PLC0415

    now = datetime.now(UTC)
    try:
        found = listing(folder, now=now)
    except (CertificateError, OSError) as error:
        fail(error)
    for each in found:
        days = (each.ends - now).days
        left = "revoked" if each.revoked else "ENDED" if each.ends <= now else f"{days} days"
        typer.echo(f"{each.name:<40}  {each.ends:%Y-%m-%d}  {left:>10}  {each.certificate.serial_number:x}")


@app.command()
def device(
    folder: Folder,
    device: DeviceId,
    days: Annotated[int, typer.Option("--days", min=1, max=3650, help="How long it is good.")] = 730,
) -> None:
    """Make a certificate for a device."""
    from steth.certificates import CertificateError, add_device, alone  # noqa: PLC0415

    try:
        with alone(folder):
            place = add_device(folder, device, days=days, now=datetime.now(UTC))
    except (CertificateError, OSError) as error:
        fail(error)
    typer.echo(f"made {place}: ca.crt, device.crt and device.key belong on the equipment's workstation")


@app.command()
def revoke(
    folder: Folder,
    who: Annotated[str, typer.Argument(help="A device's id, ingest or jobs.", metavar="DEVICE|SERVICE")],
) -> None:
    """Lock a device out for ever, or a service's keys so far, for which it is given a new certificate."""
    from steth.certificates import OURS, CertificateError, alone, revoke_device, revoke_service  # noqa: PLC0415

    do = revoke_service if who in OURS else revoke_device
    try:
        with alone(folder):
            count = do(folder, who, now=datetime.now(UTC))
    except (CertificateError, OSError) as error:
        fail(error)
    typer.echo(f"{count} revoked")
    if who in OURS:
        typer.echo(_next(who))
    typer.echo("the lists: bring broker/*.crl and broker/revoked.acl to the broker, and restart it: it reads them then")


def _next(what: str) -> str:
    """What is to be done with a certificate that was made."""
    if what == "broker":
        return "broker: bring server.crt, server.key and steth-ca.crl to the broker, and restart it"
    if what == "proxy":
        return "proxy: bring server.crt and server.key to the proxy, unless its own is of another authority; restart it"
    return f"{what}: bring client.crt and client.key to where it runs; it reads them when it connects again"
