"""Several simulated DRs in one process, from one configuration."""

import logging
import threading
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Annotated

from msgspec import Meta, Struct

from catalog.load import load
from sim.dr import Dr, DrConfig, PlannedFault


class HospitalConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The DRs of a hospital. `seconds`: how long they live, None: until stopped."""

    drs: Annotated[tuple[DrConfig, ...], Meta(min_length=1, max_length=64)]
    seconds: Annotated[float, Meta(gt=0)] | None = None


class Place(Struct, frozen=True, kw_only=True):
    """Where a DR of a demonstration sends its images (the agent's storage SCP) and keeps its files."""

    port: int
    log: str
    state: str
    host: str = "127.0.0.1"
    called: str = "STETH"


def demonstration(places: Sequence[Place], *, seed: int) -> HospitalConfig:
    """DRs in the middle of a busy morning, half an hour in a minute. The first one's detector overheats: its readings
    rise from the start, its ticket is due after 20 s. Then each DR has a fault every few minutes, by the seed."""
    first = PlannedFault(code="DET-TEMP-01", after_s=20.0, lasts_s=240.0)
    return HospitalConfig(
        drs=tuple(
            DrConfig(
                name=f"dr-{number}",
                host=place.host,
                port=place.port,
                called=place.called,
                calling=f"SIMDR{number}",
                log=place.log,
                state=place.state,
                seed=seed + number,
                speed=30.0,
                hour=9.0,
                faults_per_day=12.0,
                fault_scale=0.05,
                faults=(first,) if number == 1 else (),
            )
            for number, place in enumerate(places, start=1)
        )
    )


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
