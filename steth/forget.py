"""What former versions kept of devices and the catalog's allow-list doesn't let pass: found, and forgotten.

Whatever comes now is judged at the door (`steth.allowed`). This goes once over what is stored, by the same list.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from typing import Any, Final

import msgspec
import psycopg
from psycopg.types.json import Jsonb

from catalog.allowed import OTHER
from catalog.model import UNKNOWN_CODE, Catalog
from ingest.refusals import SERVER
from steth.allowed import AllowList
from wire.ids import mint_command_id
from wire.items import Birth, Heartbeat, Inventory, Item, Refusal, Reply, Verdict

Connection = psycopg.Connection[tuple[Any, ...]]
_ROWS: Final = 5_000
"""Read at a time."""
_COPIES: Final = (
    "SELECT e.event_id, d.model, e.body FROM ticket_evidence_event e"
    " JOIN ticket t ON t.id = e.ticket_id JOIN device d ON d.id = t.device_id"
)
_EVENTS: Final = {
    "device_event": (
        "SELECT e.id, d.model, e.body FROM device_event e JOIN device d ON d.id = e.device_id",
        "UPDATE device_event SET body = %(body)s WHERE id = %(id)s",
        "DELETE FROM device_event WHERE id = %(id)s",
    ),
    "ticket_evidence_event": (
        _COPIES,
        "UPDATE ticket_evidence_event SET body = %(body)s WHERE event_id = %(id)s",
        "DELETE FROM ticket_evidence_event WHERE event_id = %(id)s",
    ),
}


class ForgetError(Exception):
    """It would forget too much. The message is one line that says what to do."""


def forget(dsn_owner: str, catalog: Catalog, *, act: bool) -> dict[str, int]:
    """How many rows of each table hold what may not be kept; with ``act`` they hold it no longer. In one transaction.

    Names of metrics become ``other.<id>``, so that their readings stay; unknown fault codes become `UNKNOWN-CODE`; the
    rest goes. An alert of an unknown code that is open stays until it has ended, within a day. Raises ForgetError if
    devices are of models that the catalog doesn't hold: of such nothing would be left.
    """
    try:
        with closing(psycopg.connect(dsn_owner, connect_timeout=10)) as connection:
            found = _look(connection, catalog)
            if act:
                connection.commit()
    except psycopg.Error as error:  # its first line names no values
        raise ForgetError(f"the database: {str(error).strip().splitlines()[0]}") from None
    return found


def _look(connection: Connection, catalog: Catalog) -> dict[str, int]:
    gate = AllowList(catalog)
    models = {model for (model,) in connection.execute("SELECT DISTINCT model FROM device")}
    if strange := sorted(models - catalog.models.keys()):
        raise ForgetError(f"the catalog doesn't hold {', '.join(strange)}: give the catalog that ingest uses")
    return {
        "metric": _metrics(connection, gate, catalog),
        "device": _devices(connection, gate),
        "device_state": _states(connection, gate),
        "device_refusal": _refusals(connection, gate),
        "command": _verdicts(connection, gate),
        "ticket_event": _told(connection, gate),
        **{table: _events(connection, gate, *statements) for table, statements in _EVENTS.items()},
        "alert": _alerts(connection, catalog),
    }


def _metrics(connection: Connection, gate: AllowList, catalog: Catalog) -> int:
    rows = connection.execute("SELECT id, name, unit FROM metric WHERE name <> 'other.' || id").fetchall()
    strange = [
        id_
        for id_, name, unit in rows
        if all(isinstance(gate.reading(model, name, unit), str) for model in catalog.models)
    ]
    connection.execute(
        "UPDATE ticket_evidence e SET metric = 'other.' || m.id, unit = '' FROM metric m"
        " WHERE m.id = ANY (%s) AND (e.metric, e.unit) = (m.name, m.unit)",
        (strange,),
    )
    connection.execute("UPDATE metric SET name = 'other.' || id, unit = '' WHERE id = ANY (%s)", (strange,))
    return len(strange)


def _devices(connection: Connection, gate: AllowList) -> int:
    count = 0
    for id_, model, serial, fields in connection.execute("SELECT id, model, serial, inventory FROM device").fetchall():
        told = Inventory(at=0, fields={name: str(value) for name, value in fields.items()})
        kept = gate.admit(model, told, Counter())
        left = kept.fields if isinstance(kept, Inventory) else {}
        if left == told.fields:
            continue
        count += 1
        gone = serial == fields.get("device.serial") and "device.serial" not in left
        connection.execute(
            "UPDATE device SET inventory = %s, serial = %s WHERE id = %s", (Jsonb(left), "" if gone else serial, id_)
        )
    return count


def _states(connection: Connection, gate: AllowList) -> int:
    agents = [agent for (agent,) in connection.execute("SELECT DISTINCT agent FROM device_state WHERE agent <> ''")]
    strange = [agent for agent in agents if _agent(gate, agent) == OTHER != agent]
    return connection.execute("UPDATE device_state SET agent = %s WHERE agent = ANY (%s)", (OTHER, strange)).rowcount


def _agent(gate: AllowList, agent: str) -> str:
    kept = gate.admit("", Birth(at=0, boot=0, agent=agent, model="", interval_s=1), Counter())
    return kept.agent if isinstance(kept, Birth) else OTHER


def _refusals(connection: Connection, gate: AllowList) -> int:
    rows = connection.execute(
        "SELECT r.device_id, d.model, r.kind, r.source, r.reason FROM device_refusal r"
        " JOIN device d ON d.id = r.device_id WHERE r.source <> %s",
        (SERVER,),
    ).fetchall()
    count = 0
    for device, model, kind, source, reason in rows:
        told = Heartbeat(at=0, refusals=[Refusal(kind=kind, source=source, reason=reason, count=1, since=0, last=0)])
        if gate.admit(model, told, Counter()) != told:
            count += 1
            connection.execute(
                "DELETE FROM device_refusal WHERE (device_id, kind, source, reason) = (%s, %s, %s, %s)",
                (device, kind, source, reason),
            )
    return count


def _events(connection: Connection, gate: AllowList, select: str, update: str, delete: str) -> int:
    count = 0
    for id_, model, body in _streamed(connection, select):
        try:
            item = msgspec.convert(body, Item)
        except msgspec.ValidationError:  # of a contract before
            kept = None
        else:
            kept = gate.admit(model, item, Counter())
            if kept == item:
                continue
        count += 1
        if kept is None:
            connection.execute(delete.encode(), {"id": id_})
        else:
            connection.execute(update.encode(), {"id": id_, "body": Jsonb(msgspec.to_builtins(kept))})
    return count


def _verdicts(connection: Connection, gate: AllowList) -> int:
    """What runbooks found, as devices said it."""
    rows = connection.execute(
        "SELECT id, verdict FROM command WHERE verdict IS NOT NULL AND verdict <> 'null'"
    ).fetchall()
    count = 0
    for id_, body in rows:
        kept = _verdict(gate, body)
        if kept != body:
            count += 1
            connection.execute("UPDATE command SET verdict = %s WHERE id = %s", (Jsonb(kept), id_))
    return count


def _verdict(gate: AllowList, body: Any) -> Any:
    try:
        said = msgspec.convert(body, Verdict)
    except msgspec.ValidationError:  # of a contract before
        return None
    kept = gate.admit("", Reply(at=0, command=mint_command_id(), status="done", verdict=said), Counter())
    return body if not isinstance(kept, Reply) or kept.verdict == said else msgspec.to_builtins(kept.verdict)


def _told(connection: Connection, gate: AllowList) -> int:
    """The same in the histories of tickets: the steps with their values (`remote.replies.told`)."""
    rows = connection.execute(
        "SELECT id, params FROM ticket_event WHERE event = 'verdict' AND jsonb_exists(params, 'steps')"
    ).fetchall()
    count = 0
    for id_, params in rows:
        found = [
            {"id": step["id"], "outcome": step["outcome"], "reason": step["message"], "values": step["params"]}
            for step in params["steps"]
        ]
        body = {"runbook": params["runbook"], "outcome": params["outcome"], "began": 0, "ended": 0, "steps": found}
        kept = _verdict(gate, body)
        if kept == body:
            continue
        count += 1
        steps = [] if kept is None else kept["steps"]
        left = [
            {"id": step["id"], "outcome": step["outcome"], "message": step["reason"], "params": step.get("values", {})}
            for step in steps
        ]
        connection.execute("UPDATE ticket_event SET params = %s WHERE id = %s", (Jsonb(params | {"steps": left}), id_))
    return count


def _alerts(connection: Connection, catalog: Catalog) -> int:
    rows = connection.execute(
        "SELECT a.id, d.model, a.subject FROM alert a JOIN device d ON d.id = a.device_id"
        " WHERE a.kind = 'fault' AND a.condition = 'ok' AND a.subject NOT IN (%s, '*')",
        (UNKNOWN_CODE,),
    ).fetchall()
    strange = [id_ for id_, model, code in rows if code not in catalog.models[model].faults]
    of = {"ids": strange, "code": UNKNOWN_CODE, "params": Jsonb({"code": UNKNOWN_CODE})}
    connection.execute(
        "UPDATE alert SET rule = 'fault:' || %(code)s::text, subject = %(code)s, params = params || %(params)s"
        " WHERE id = ANY (%(ids)s)",
        of,
    )
    connection.execute("UPDATE alert_event SET params = params || %(params)s WHERE alert_id = ANY (%(ids)s)", of)
    return len(strange)


def _streamed(connection: Connection, select: str) -> Iterator[tuple[Any, ...]]:
    with connection.cursor(name="forget") as cursor:
        cursor.itersize = _ROWS
        cursor.execute(select.encode())
        yield from cursor
