"""What former versions kept of devices and the catalog's allow-list doesn't let pass: found, and deleted.

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
from steth.statements import QUERIES
from wire.ids import mint_command_id
from wire.items import Birth, Heartbeat, Inventory, Item, Refusal, Reply, Verdict

Connection = psycopg.Connection[tuple[Any, ...]]
_ROWS: Final = 5_000
"""Read at a time."""
_EVENTS: Final = ("device_event", "ticket_evidence_event")


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
    models = {model for (model,) in connection.execute(QUERIES["models"])}
    if strange := sorted(models - catalog.models.keys()):
        raise ForgetError(f"the catalog doesn't hold {', '.join(strange)}: give the catalog that ingest uses")
    return {
        "metric": _metrics(connection, gate, catalog),
        "device": _devices(connection, gate),
        "device_state": _states(connection, gate),
        "device_refusal": _refusals(connection, gate),
        "command": _verdicts(connection, gate),
        "ticket_event": _told(connection, gate),
        **{table: _events(connection, gate, table) for table in _EVENTS},
        "alert": _alerts(connection, catalog),
    }


def _metrics(connection: Connection, gate: AllowList, catalog: Catalog) -> int:
    rows = connection.execute(QUERIES["metrics"]).fetchall()
    strange = [
        id_
        for id_, name, unit in rows
        if all(isinstance(gate.reading(model, name, unit), str) for model in catalog.models)
    ]
    connection.execute(QUERIES["forget_metrics_of_evidence"], (strange,))
    connection.execute(QUERIES["forget_metrics"], (strange,))
    return len(strange)


def _devices(connection: Connection, gate: AllowList) -> int:
    count = 0
    for id_, model, serial, fields in connection.execute(QUERIES["inventories"]).fetchall():
        told = Inventory(at=0, fields={name: str(value) for name, value in fields.items()})
        kept = gate.admit(model, told, Counter())
        left = kept.fields if isinstance(kept, Inventory) else {}
        if left == told.fields:
            continue
        count += 1
        gone = serial == fields.get("device.serial") and "device.serial" not in left
        connection.execute(QUERIES["keep_inventory"], (Jsonb(left), "" if gone else serial, id_))
    return count


def _states(connection: Connection, gate: AllowList) -> int:
    agents = [agent for (agent,) in connection.execute(QUERIES["agents"])]
    strange = [agent for agent in agents if _agent(gate, agent) == OTHER != agent]
    return connection.execute(QUERIES["forget_agents"], (OTHER, strange)).rowcount


def _agent(gate: AllowList, agent: str) -> str:
    kept = gate.admit("", Birth(at=0, boot=0, agent=agent, model="", interval_s=1), Counter())
    return kept.agent if isinstance(kept, Birth) else OTHER


def _refusals(connection: Connection, gate: AllowList) -> int:
    rows = connection.execute(QUERIES["refusals_told"], (SERVER,)).fetchall()
    count = 0
    for device, model, kind, source, reason in rows:
        told = Heartbeat(at=0, refusals=[Refusal(kind=kind, source=source, reason=reason, count=1, since=0, last=0)])
        if gate.admit(model, told, Counter()) != told:
            count += 1
            connection.execute(QUERIES["forget_refusal"], (device, kind, source, reason))
    return count


def _events(connection: Connection, gate: AllowList, table: str) -> int:
    count = 0
    for id_, model, body in _streamed(connection, QUERIES[f"read_{table}"]):
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
            connection.execute(QUERIES[f"forget_{table}"], {"id": id_})
        else:
            connection.execute(QUERIES[f"keep_{table}"], {"id": id_, "body": Jsonb(msgspec.to_builtins(kept))})
    return count


def _verdicts(connection: Connection, gate: AllowList) -> int:
    """What runbooks found, as devices said it."""
    rows = connection.execute(QUERIES["verdicts"]).fetchall()
    count = 0
    for id_, body in rows:
        kept = _verdict(gate, body)
        if kept != body:
            count += 1
            connection.execute(QUERIES["keep_verdict"], (Jsonb(kept), id_))
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
    rows = connection.execute(QUERIES["verdicts_told"]).fetchall()
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
        connection.execute(QUERIES["keep_verdict_told"], (Jsonb(params | {"steps": left}), id_))
    return count


def _alerts(connection: Connection, catalog: Catalog) -> int:
    rows = connection.execute(QUERIES["faults_over"], (UNKNOWN_CODE,)).fetchall()
    strange = [id_ for id_, model, code in rows if code not in catalog.models[model].faults]
    of = {"ids": strange, "code": UNKNOWN_CODE, "params": Jsonb({"code": UNKNOWN_CODE})}
    connection.execute(QUERIES["forget_codes"], of)
    connection.execute(QUERIES["forget_codes_told"], of)
    return len(strange)


def _streamed(connection: Connection, select: bytes) -> Iterator[tuple[Any, ...]]:
    with connection.cursor(name="forget") as cursor:
        cursor.itersize = _ROWS
        cursor.execute(select)
        yield from cursor
