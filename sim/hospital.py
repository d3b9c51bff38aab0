"""Several simulated DRs in one process, from one configuration."""

import logging
import threading
from collections.abc import Callable
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextlib import ExitStack
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
    """Run all DRs of `config` until `stop`, or for its `seconds`, or until one of them fails.

    Raises ValueError for a model that isn't in the catalog and for a fault that its model doesn't have, OSError for a
    log that can't be written.
    """
    models = load().models
    for dr in config.drs:
        if dr.model not in models:
            raise ValueError(f"the catalog has no model {dr.model}")
    # It reports each failed connection by itself, and would quote data sets when asked to debug.
    logging.getLogger("pynetdicom").setLevel(logging.CRITICAL)
    with ExitStack() as opened:
        drs = [opened.enter_context(Dr(config=dr, model=models[dr.model], now=now)) for dr in config.drs]
        with ThreadPoolExecutor(len(drs), thread_name_prefix="dr") as pool:
            lives = [pool.submit(dr.run, stop) for dr in drs]
            wait(lives, timeout=config.seconds, return_when=FIRST_EXCEPTION)
            stop.set()
        for life in lives:
            life.result()
