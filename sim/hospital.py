"""Several simulated DRs and analyzers in one process, from one configuration."""

import logging
import threading
from collections.abc import Callable
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import Annotated

from msgspec import Meta, Struct

from catalog.load import load
from sim.analyzer.device import Analyzer, AnalyzerConfig
from sim.dr import Dr, DrConfig
from sim.staff import Staff, StaffConfig


class HospitalConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The equipment of a hospital, at least one device, with names of their own. `staff`: who mends it; None: nobody.
    `seconds`: how long it lives, None: until stopped. `catalog`: a folder of catalog files instead of the shipped."""

    drs: Annotated[tuple[DrConfig, ...], Meta(max_length=64)] = ()
    analyzers: Annotated[tuple[AnalyzerConfig, ...], Meta(max_length=64)] = ()
    staff: StaffConfig | None = None
    seconds: Annotated[float, Meta(gt=0)] | None = None
    catalog: str | None = None

    def __post_init__(self) -> None:
        if not (self.drs or self.analyzers):
            raise ValueError("a hospital without a device")


def run_hospital(config: HospitalConfig, *, stop: threading.Event, now: Callable[[], datetime]) -> None:
    """Run all devices of `config` until `stop`, or for its `seconds`, or until one of them fails.

    Raises ValueError for a model that isn't in the catalog and for a fault that its model doesn't have, OSError for a
    log that can't be written, CatalogError for a catalog that can't be used.
    """
    models = load(None if config.catalog is None else Path(config.catalog)).models
    configured: list[DrConfig | AnalyzerConfig] = [*config.drs, *config.analyzers]
    for one in configured:
        if one.model not in models:
            raise ValueError(f"the catalog has no model {one.model}")
    # It reports each failed connection by itself, and would quote data sets when asked to debug.
    logging.getLogger("pynetdicom").setLevel(logging.CRITICAL)
    with ExitStack() as opened:
        devices: list[Dr | Analyzer] = [
            opened.enter_context(Dr(config=dr, model=models[dr.model], now=now)) for dr in config.drs
        ]
        for one in config.analyzers:
            devices.append(opened.enter_context(Analyzer(config=one, model=models[one.model], now=now)))  # noqa: PERF401
        working: list[Dr | Analyzer | Staff] = [*devices]
        if config.staff is not None:
            mend = {one.name: device.mend for one, device in zip(configured, devices, strict=True)}
            working.append(Staff(config=config.staff, mend=mend))
        with ThreadPoolExecutor(len(working), thread_name_prefix="device") as pool:
            lives = [pool.submit(each.run, stop) for each in working]
            wait(lives, timeout=config.seconds, return_when=FIRST_EXCEPTION)
            stop.set()
        for life in lives:
            life.result()
