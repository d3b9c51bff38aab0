"""When the certificates expire that a process of ours presents or trusts, as a metric."""

from datetime import datetime
from functools import partial
from pathlib import Path

from cryptography import x509

from ingest.stats import CERTIFICATE
from steth.settings import Settings


def last_moment(path: Path) -> datetime:
    """Of the first certificate in this PEM file to end. Raises OSError, or ValueError for what holds none."""
    return min(each.not_valid_after_utc for each in x509.load_pem_x509_certificates(path.read_bytes()))


def tell_ends(settings: Settings) -> None:
    """From now on `/metrics` says when they end. The files are read each time: they may have been renewed."""
    for of, path in (("service", settings.mqtt_cert), ("authority", settings.mqtt_ca)):
        if path:
            CERTIFICATE.labels(of).set_function(partial(_seconds, Path(path)))


def _seconds(path: Path) -> float:
    try:
        return last_moment(path).timestamp()
    except (OSError, ValueError):
        return 0.0
