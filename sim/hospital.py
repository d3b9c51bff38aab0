"""Several simulated DRs in one process, from one configuration."""

import logging
import threading
from collections.abc import Callable
from datetime import datetime
from typing import Annotated

from msgspec import Meta, Struct

from catalog.load import load
from sim.dr import Dr, DrConfig


class HospitalConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The DRs of a hospital. `seconds`: how long they live, None: until stopped."""

    drs: Annotated[tuple[DrConfig, ...], Meta(min_length=1, max_length=64)]
    seconds: Annotated[float, Meta(gt=0)] | None = None


def run_hospital(config: HospitalConfig, *, stop: threading.Event, now: Callable[[], datetime]) -> None:
    """Run all DRs of `config` until `stop`, or for its `seconds`.

    Raises KeyError for a model that isn't in the catalog, ValueError for a fault that its model doesn't have.
    """
    models = load().models
    # It reports each failed connection by itself, and would quote data sets when asked to debug.
    logging.getLogger("pynetdicom").setLevel(logging.CRITICAL)
    drs = [Dr(config=dr, model=models[dr.model], now=now) for dr in config.drs]
    threads = [
        threading.Thread(target=dr.run, args=(stop,), name=dr_config.name)
        for dr, dr_config in zip(drs, config.drs, strict=True)
    ]
    for thread in threads:
        thread.start()
    try:
        stop.wait(config.seconds)
    finally:
        stop.set()
        for thread in threads:
            thread.join()
