"""`steth certs`: the certificates of a deployment, on a machine that may hold the authorities' keys."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, NoReturn

import typer

app = typer.Typer(help="Certificates of a deployment: authorities, broker, services, devices.", no_args_is_help=True)

Folder = Annotated[Path, typer.Argument(help="Where everything is kept.", metavar="FOLDER")]
DeviceId = Annotated[str, typer.Argument(help="The id that the server minted.", metavar="DEVICE")]


@app.command()
def init(
    folder: Folder,
    name: Annotated[list[str], typer.Option("--name", help="A name or address of the broker; may be repeated.")],
) -> None:
    """Make the authorities and the certificates of the broker and the services."""
    from steth.certificates import CertificateError, initialise  # noqa: PLC0415

    try:
        initialise(folder, names=name, now=datetime.now(UTC))
    except (CertificateError, OSError) as error:
        _fail(error)
    typer.echo(f"made {folder}; keep {folder / 'ca'} off the server and in a safe place")


@app.command()
def device(
    folder: Folder,
    device: DeviceId,
    days: Annotated[int, typer.Option("--days", min=1, max=3650, help="How long it is good.")] = 730,
) -> None:
    """Make a certificate for a device."""
    from steth.certificates import CertificateError, add_device  # noqa: PLC0415

    try:
        place = add_device(folder, device, days=days, now=datetime.now(UTC))
    except (CertificateError, OSError) as error:
        _fail(error)
    typer.echo(f"made {place}: ca.crt, device.crt and device.key belong on the equipment's workstation")


@app.command()
def revoke(folder: Folder, device: DeviceId) -> None:
    """Lock a device out for ever: its certificates onto the revocation list, its id into the access list."""
    from steth.certificates import CertificateError, revoke_device  # noqa: PLC0415

    try:
        count = revoke_device(folder, device, now=datetime.now(UTC))
    except (CertificateError, OSError) as error:
        _fail(error)
    typer.echo(
        f"{count} revoked; copy broker/device-ca.crl to the broker and send it SIGHUP, then restart it at leisure"
    )


def _fail(error: Exception) -> NoReturn:
    typer.echo(f"steth: {error}", err=True)
    raise SystemExit(2)
