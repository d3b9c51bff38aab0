"""`steth doctor`: says of each part how it is and what to do; exit 0 when nothing is broken, else 1."""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import typer

from agent.show.findings import Finding, as_json, fail, failed, lines
from catalog.model import Lang, Text
from steth.doctor.run import Place, examine, of_config, of_folder
from steth.settings import SettingsError


def reader_language() -> Lang:
    """Of whoever sits at this terminal."""
    return "zh" if os.environ.get("LC_ALL", os.environ.get("LANG", "")).lower().startswith("zh") else "en"


def run(
    *,
    config: Path | None,
    data: Path | None,
    agent: Path | None,
    processes: list[str],
    lang: Literal["zh", "en"] | None,
    as_objects: bool,
) -> int:
    """Look, print, and return the exit code."""
    shown: Lang = lang or reader_language()

    def say(finding: Finding) -> None:
        for line in (as_json if as_objects else lines)([finding], shown):
            typer.echo(line)

    if agent is not None:
        return _agent(agent, shown, as_objects=as_objects)
    try:
        place = of_folder(data) if data is not None else of_config(config, _addresses(processes))
    except SettingsError as error:
        todo = Text(zh="更正后再试", en="correct it and try again")
        say(fail("config", zh=str(error), en=str(error), todo=todo))
        return 1
    broken = asyncio.run(_server(place, say))
    if place.agent is not None:
        broken = bool(_agent(place.agent, shown, as_objects=as_objects)) or broken
    return int(broken)


async def _server(place: Place, say: Callable[[Finding], None]) -> bool:
    found: list[Finding] = []
    async for finding in examine(place):
        say(finding)
        found.append(finding)
    return failed(found)


def _agent(config: Path, lang: Lang, *, as_objects: bool) -> int:
    from agent.show.doctor import run as look  # noqa: PLC0415 - the agent's own parts, where they are installed

    return look(config, lang=lang, as_objects=as_objects)


def _addresses(processes: list[str]) -> dict[str, str]:
    """`name=http://host:port` of each. Raises SettingsError."""
    found: dict[str, str] = {}
    for text in processes:
        name, _, url = text.partition("=")
        if not name or not url.startswith(("http://", "https://")):
            raise SettingsError(f"--process {text}: write name=http://host:port, such as ingest=http://127.0.0.1:9101")
        found[name] = url.rstrip("/")
    return found
