"""An alert in one reader's words."""

from typing import Any

from psycopg.rows import DictRow

from alerts.titles import title
from api.alerts.detail import figures_of
from api.alerts.shapes import AlertDevice, Operator
from api.http.language import Reader
from api.http.shapes import NamedId


def alert_shape(words: Reader, row: DictRow) -> dict[str, Any]:
    """The fields of `Alert`, of a row of the statement `alerts`."""
    model = words.catalog.models.get(row["model"])
    figures = figures_of(words, row, model)
    named, params = title(kind=row["kind"], subject=row["subject"], rule=row["rule"], family=row["family"])
    return {
        "id": row["id"],
        "device": AlertDevice(
            id=row["uid"],
            name=row["device_name"],
            model=row["model"],
            model_name=words.text(None if model is None else model.name, row["model"]),
        ),
        "hospital": NamedId(id=row["org_id"], name=row["hospital"]),
        "site": NamedId(id=row["site_id"], name=row["site"]),
        "rule": row["rule"],
        "kind": row["kind"],
        "subject": row["subject"],
        "family": row["family"],
        "family_name": words.family(row["model"], row["family"]),
        "title": words.said({"message": named, "params": params}, row),
        "value_text": None if figures is None else figures.value_text,
        "severity": row["severity"],
        "condition": row["condition"],
        "operator": Operator(
            state=row["operator_state"], actor=row["actor"] or "", note=row["note"] or "", at=row["operator_at"]
        ),
        "holder": row["holder"],
        "occurred_at": row["occurred_at"],
        "learned_at": row["learned_at"],
        "changed_at": row["changed_at"],
        "cleared_at": row["cleared_at"],
        "count": row["count"],
        "message": words.said(row, row),
        "tickets": row["tickets"] or [],
        "version": row["version"],
    }
