"""All checks of the server's side, in the order in which one thing rests on another."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec
import psycopg
from msgspec import Struct
from pydantic import ValidationError

from agent.show.findings import Finding, fail, ok, warn
from catalog.model import Text
from steth.doctor.audit import check_audit
from steth.doctor.broker import check_broker
from steth.doctor.database import Connection, check_database, check_logins
from steth.doctor.installation import check_installation
from steth.doctor.jobs import check_jobs
from steth.doctor.machine import check_catalog, check_certificates, check_disks, check_processes
from steth.doctor.pipeline import judge_pipeline, look
from steth.doctor.refusals import check_refusals
from steth.doctor.telling import check_telling
from steth.folder import DOCTOR
from steth.settings import Settings, SettingsError, load_settings
from store.pool import Role

WATCH_S: Final = 4.0
"""Between two looks at the partitions' clocks, which are saved every 1.5 s."""


class Place(Struct, frozen=True, kw_only=True):
    """What is to be looked at. ``processes``: http://host:port by name; ``agent``: an agent's configuration file;
    ``together``: the settings are of all processes, each of which knows its own."""

    settings: Settings
    processes: Mapping[str, str]
    folders: tuple[Path, ...]
    agent: Path | None = None
    together: bool = False


class _Told(Struct, frozen=True, kw_only=True):
    """What `steth up` wrote of itself."""

    settings: dict[str, str]
    processes: dict[str, str]
    agent: str | None


def of_config(config: Path | None, processes: Mapping[str, str]) -> Place:
    """An installation by its settings. Raises SettingsError."""
    settings = load_settings(config)
    folders = {Path.cwd(), *([Path(settings.catalog)] if settings.catalog else [])}
    return Place(settings=settings, processes=processes, folders=tuple(sorted(folders)))


def of_folder(folder: Path) -> Place:
    """The `steth up` that runs in this folder. Raises SettingsError where none does."""
    try:
        told = msgspec.json.decode((folder / DOCTOR).read_bytes(), type=_Told)
        settings = Settings(**told.settings)  # type: ignore[arg-type]  # pydantic checks what the file says
    except FileNotFoundError:
        raise SettingsError(f"no `steth up` runs in {folder}: start it, or name its folder by --data") from None
    except OSError as error:
        raise SettingsError(f"{folder / DOCTOR} can't be read: {error.strerror}; be the user who started it") from None
    except (msgspec.DecodeError, ValidationError):
        raise SettingsError(f"{folder / DOCTOR} is damaged: start `steth up` again") from None
    agent = None if told.agent is None else folder / told.agent
    return Place(settings=settings, processes=told.processes, folders=(folder,), agent=agent, together=True)


async def examine(place: Place) -> AsyncIterator[Finding]:
    """Look at everything; what rests on something broken is left out."""
    settings = place.settings
    yield ok("config", zh="设置可读", en="the settings can be read")
    if settings.dsn_jobs and settings.dsn_owner and not place.together:
        yield warn(
            "config.owner",
            zh="steth jobs 的设置中有数据库所有者的地址",
            en="the settings of `steth jobs` hold the address of the database's owner",
            todo=Text(
                zh="从中删去 dsn_owner：只有 steth migrate 和 steth account 需要",
                en="remove dsn_owner from them: only `steth migrate` and `steth account` need it",
            ),
        )
    yield await asyncio.to_thread(check_catalog, settings)
    for finding in check_disks(place.folders):
        yield finding
    for finding in check_certificates(settings, datetime.now(UTC)):
        yield finding
    async with AsyncExitStack() as stack:
        logins, open_ = await check_logins(settings, stack)
        for finding in logins:
            yield finding
        usable = True
        async for finding in check_database(settings, open_):
            usable = usable and finding.level != "fail"
            yield finding
        if usable and open_:
            async for finding in check_audit(settings, datetime.now(UTC)):
                yield finding
        if not usable:
            open_ = {}
        async for finding in _flow(settings, _one_of(open_, "ingest", "owner"), _one_of(open_, "jobs", "owner")):
            yield finding
    for finding in await check_processes(place.processes):
        yield finding


def _one_of(open_: Mapping[Role, Connection], *roles: Role) -> Connection | None:
    return next((open_[role] for role in roles if role in open_), None)


async def _flow(settings: Settings, watcher: Connection | None, keeper: Connection | None) -> AsyncIterator[Finding]:
    """The broker, between two looks at the pipeline (`watcher`); the jobs, and what they do (`keeper`)."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    try:
        first = None if watcher is None else await look(watcher)
        try:
            endpoint = settings.endpoint()
        except SettingsError as error:
            yield fail(
                "broker.config", zh=str(error), en=str(error), todo=Text(zh="更正设置", en="correct the settings")
            )
        else:
            async for finding in check_broker(endpoint, probes=bool(settings.dsn_ingest) or not settings.dsn_jobs):
                yield finding
        if watcher is not None and first is not None:
            await asyncio.sleep(max(0.0, WATCH_S - (loop.time() - began)))
            for finding in judge_pipeline(first, await look(watcher)):
                yield finding
            for finding in await check_refusals(watcher, settings):
                yield finding
        if keeper is not None:
            async for finding in check_jobs(keeper):
                yield finding
            for finding in (*await check_telling(keeper, datetime.now(UTC)), *await check_installation(keeper)):
                yield finding
    except psycopg.Error as error:
        said = f"{type(error).__name__} {error.sqlstate or ''}".strip()
        todo = Text(zh="先处理数据库的故障", en="mend the database first")
        yield fail("pipeline", zh=f"无法读取：{said}", en=f"it can't be read: {said}", todo=todo)
