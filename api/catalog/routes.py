"""What the catalog knows."""

from fastapi import APIRouter

from api.catalog.shapes import FamilyShape, FaultCodeShape, ModelShape, PartShape, RuleShape, SignalShape
from api.http.context import Asked
from api.http.documented import problems
from api.http.language import InWords, Reader
from api.http.paging import ByName, Cursor, Limit, Page, decode, page
from api.http.rights import PREFIX
from api.http.route import Route
from api.http.signals import said_of
from catalog.model import LimitRule, Model

router = APIRouter(prefix=PREFIX, route_class=Route, tags=["catalog"])


@router.get("/catalog/models", responses=problems())
async def list_models(asked: Asked, words: InWords, limit: Limit = 20, after: Cursor = None) -> Page[ModelShape]:
    """The models that a device can be of, with their signals and fault codes."""
    behind = decode("models", after, ByName)
    models = sorted(asked.context.catalog.models.values(), key=lambda model: model.key)
    found = [model for model in models if model.kind != "base" and (behind is None or model.key > behind.name)]
    return page(
        "models",
        found,
        limit,
        item=lambda model: _model(model, words),
        key=lambda model: ByName(model.key),
    )


def _rule(rule: LimitRule, words: Reader) -> RuleShape:
    return RuleShape(
        rule=f"limit:{rule.key}",
        title=rule.title.get(words.lang),
        op=rule.op,
        raise_at=rule.raise_at,
        clear=rule.clear,
        for_s=rule.for_s,
        family=rule.family,
        severity=rule.severity,
        advice=rule.advice.get(words.lang),
        ticket=rule.ticket,
    )


def _model(model: Model, words: Reader) -> ModelShape:
    lang = words.lang
    return ModelShape(
        key=model.key,
        kind="dr" if model.kind == "dr" else "analyzer",
        name=model.name.get(lang),
        families=[
            FamilyShape(
                key=family.key,
                name=family.name.get(lang),
                subsystem=family.subsystem,
                evidence=list(family.evidence),
                causes=[cause.get(lang) for cause in family.causes],
                parts=[
                    PartShape(
                        name=part.name.get(lang),
                        spec=part.spec.get(lang),
                        quantity=part.quantity,
                        probability=part.probability,
                    )
                    for part in family.parts
                ],
            )
            for family in model.families.values()
        ],
        signals=[
            SignalShape(
                metric=signal.name,
                **said_of(words, signal, signal.name, signal.unit),
                unit=signal.unit,
                minimum=signal.min,
                maximum=signal.max,
                rules=[_rule(rule, words) for rule in signal.rules],
            )
            for signal in model.signals.values()
        ],
        faults=[
            FaultCodeShape(
                code=fault.code,
                name=fault.name.get(lang),
                family=fault.family,
                severity=fault.severity,
                stops=fault.stops.get(lang),
                advice=fault.advice.get(lang),
                ticket=fault.ticket,
                source=fault.source,
            )
            for fault in model.faults.values()
        ],
    )
