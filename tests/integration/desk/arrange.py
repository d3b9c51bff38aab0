"""A small hospital, and batches as ingest would hand them to the stages."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Self
from uuid import UUID, uuid4

import psycopg
from psycopg import AsyncConnection

from alerts.effects import EpisodeActive, EpisodeAgain, EpisodeChanged, Kind
from catalog.load import load
from catalog.model import Severity
from ingest.ports import Batch, Device, Effect, Now, Work
from tests.fixtures.postgres import Database
from wire.ids import DeviceId
from wire.topics import Lane

NOW = 1_795_312_800_000  # 2026-11-22 02:40 UTC, 10:40 in Shanghai
CATALOG = load()


def episode(
    *,
    subject: str = "GEN-KV-01",
    family: str = "generator.kv",
    severity: Severity = "critical",
    kind: Kind = "fault",
    rule: str = "",
    occurred_ms: int = NOW - 2_000,
    learned_ms: int = NOW - 1_000,
    ticket: bool = True,
    runbook: str | None = "host-health",
    alert_id: UUID | None = None,
) -> EpisodeActive:
    return EpisodeActive(
        alert_id=alert_id or uuid4(),
        rule=rule or f"{kind}:{subject}",
        kind=kind,
        subject=subject,
        family=family,
        severity=severity,
        occurred_ms=occurred_ms,
        learned_ms=learned_ms,
        late=False,
        ticket=ticket,
        runbook=runbook,
        message="alert.code.active",
        params={"code": subject},
    )


def again(first: EpisodeActive, *, at_ms: int, count: int = 2) -> EpisodeAgain:
    """The next occurrence of an episode that lasts."""
    fields = {name: getattr(first, name) for name in first.__struct_fields__}
    return EpisodeAgain(**{**fields, "learned_ms": at_ms + 500}, at_ms=at_ms, count=count)


def over(alert_id: UUID, *, event: str = "cleared") -> EpisodeChanged:
    return EpisodeChanged(
        alert_id=alert_id,
        event=event,
        from_state="active",
        to_state="ok",
        at_ms=NOW + 60_000,
        learned_ms=NOW + 60_000,
        count=1,
        message="alert.code.cleared",
        params={"code": "GEN-KV-01"},
    )


def batch(*works: tuple[Device, Sequence[Effect]], lane: Lane = Lane.LIVE, now_ms: int = NOW) -> Batch:
    return Batch(
        lane=lane,
        now=Now(wall_ms=now_ms, clock_ms=now_ms),
        works=[Work(device=device, lane=lane, applied=[], effects=list(effects)) for device, effects in works],
    )


@dataclass(kw_only=True)
class Hospital:
    """Rows of an org, its site, and as many devices as asked for; made as the superuser."""

    database: Database
    org_id: int
    site_id: int
    devices: list[Device] = field(default_factory=list)

    @classmethod
    def make(cls, database: Database, *, name: str = "First", zone: str = "Asia/Shanghai", devices: int = 1) -> Self:
        org_id = _one(database, "INSERT INTO org (name) VALUES (%s) RETURNING id", name)
        site_id = _one(
            database, "INSERT INTO site (org_id, name, time_zone) VALUES (%s, 'Main', %s) RETURNING id", org_id, zone
        )
        made = cls(database=database, org_id=org_id, site_id=site_id)
        made.add(*(f"d{name.lower()}{number:06d}" for number in range(devices)))
        return made

    def add(self, *uids: str, model: str = "generic-dr") -> Device:
        """Devices of this hospital; returns the last."""
        found = rows(
            self.database,
            "INSERT INTO device (uid, org_id, site_id, partition, model, name)"
            " SELECT uid, %s, %s, 0, %s, 'DR 1' FROM unnest(%s::text[]) WITH ORDINALITY AS u(uid, nth) ORDER BY nth"
            " RETURNING id, uid",
            self.org_id,
            self.site_id,
            model,
            list(uids),
        )
        self.devices += [
            Device(
                id=device_id,
                uid=DeviceId(uid),
                org_id=self.org_id,
                site_id=self.site_id,
                partition=0,
                model=model,
                name="DR 1",
            )
            for device_id, uid in found
        ]
        return self.devices[-1]

    def recipient(self, address: str, *, own: bool = True, language: str = "zh", active: bool = True) -> int:
        return _one(
            self.database,
            "INSERT INTO recipient (org_id, name, address, language, active)"
            " SELECT %s, 'On call' || coalesce(' ' || nullif(count(*), 0), ''), %s, %s, %s FROM recipient RETURNING id",
            self.org_id if own else None,
            address,
            language,
            active,
        )


def _one(database: Database, statement: str, *params: object) -> int:
    found: int = rows(database, statement, *params)[0][0]
    return found


def rows(database: Database, statement: str, *params: object) -> list[tuple[Any, ...]]:
    """What a statement returns as the superuser, behind every policy."""
    with psycopg.connect(database.superuser, autocommit=True) as connection:
        cursor = connection.execute(statement.encode(), params)
        return cursor.fetchall() if cursor.description else []


def alert(database: Database, device: Device, effect: EpisodeActive, *, condition: str = "active") -> None:
    """The row that alerts.record writes before the desk's stage runs."""
    rows(
        database,
        "INSERT INTO alert (dealer_id, id, device_id, org_id, lane, rule, kind, subject, family, severity,"
        " condition, occurred_at,"
        " learned_at, changed_at, message) VALUES (1, %s, %s, %s, 0, %s, %s, %s, %s, %s, %s, now(), now(), now(), %s)"
        " ON CONFLICT (id) DO UPDATE SET condition = excluded.condition",
        effect.alert_id,
        device.id,
        device.org_id,
        effect.rule,
        effect.kind,
        effect.subject,
        effect.family,
        effect.severity,
        condition,
        effect.message,
    )


async def connect(dsn: str) -> AsyncConnection:
    return await AsyncConnection.connect(dsn, options="-c timezone=UTC")
