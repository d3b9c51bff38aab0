"""The OpenAPI document: committed, complete, and its examples true."""

import json
from typing import Any, Final

import pytest
from fastapi.routing import APIRoute
from pydantic import TypeAdapter, ValidationError

from api.alerts import routes as alerts
from api.app import Api
from api.audit import routes as audit
from api.catalog import routes as catalog
from api.devices import routes as devices
from api.http.answers import PROBLEM_JSON
from api.http.problems import STATUS, ProblemCode
from api.http.rights import PREFIX, PUBLIC, ROUTES
from api.http.shapes import ProblemShape
from api.openapi import COMMITTED, document, main
from api.people import access, accounts, session, sites
from api.readings import routes as readings
from api.recipients import routes as recipients
from api.series import routes as series
from api.tickets import routes as tickets

DOCUMENT: Final = Api().openapi()
OPERATIONS: Final = [
    pytest.param(method.upper(), path, operation, id=f"{method.upper()} {path.removeprefix(PREFIX)}")
    for path, operations in DOCUMENT["paths"].items()
    for method, operation in operations.items()
]
Operation = dict[str, Any]
ROUTES_OF_THE_APP: Final = [
    route
    for part in (
        access,
        accounts,
        alerts,
        audit,
        catalog,
        devices,
        readings,
        recipients,
        series,
        session,
        sites,
        tickets,
    )
    for route in part.router.routes
    if isinstance(route, APIRoute)
]


def test_the_committed_document_is_what_the_code_says() -> None:
    assert COMMITTED.read_text(encoding="utf-8") == document(), "run `python -m api.openapi --write`"


def test_the_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    assert json.loads(capsys.readouterr().out) == DOCUMENT
    assert main(["--nonsense"]) == 2


def test_it_says_what_it_is() -> None:
    assert DOCUMENT["openapi"].startswith("3.1")
    assert "Idempotency-Key" in DOCUMENT["info"]["description"]
    assert DOCUMENT["components"]["securitySchemes"]["token"]["scheme"] == "bearer"


@pytest.mark.parametrize(("method", "path", "operation"), OPERATIONS)
def test_every_operation_is_described_and_secured(method: str, path: str, operation: Operation) -> None:
    assert operation["summary"]
    assert operation["description"].strip()
    assert operation["tags"]
    public = ROUTES[method, path.removeprefix(PREFIX)] is PUBLIC
    assert operation.get("security", []) == ([] if public else [{"token": []}, {"session": []}])
    names = {parameter["name"] for parameter in operation.get("parameters", [])}
    assert ("Idempotency-Key" in names) == (method == "POST" and not path.endswith(("/login", "/session")))
    assert ("428" in operation["responses"]) == ("If-Match" in names)


@pytest.mark.parametrize(("method", "path", "operation"), OPERATIONS)
def test_every_problem_is_documented_as_one(method: str, path: str, operation: Operation) -> None:
    errors = {status: answer for status, answer in operation["responses"].items() if not status.startswith("2")}
    expected = {"422", "500", "503"}
    if ROUTES[method, path.removeprefix(PREFIX)] is not PUBLIC:
        expected |= {"401", "403"}
    if "requestBody" in operation:
        expected |= {"400", "408", "413", "415"}
    if "{" in path:
        expected |= {"404"}
    assert expected <= set(errors)
    for status, answer in errors.items():
        assert list(answer["content"]) == [PROBLEM_JSON]
        for code in answer["content"][PROBLEM_JSON]["examples"]:
            assert STATUS[ProblemCode(code)][0] == int(status)


@pytest.mark.parametrize("route", ROUTES_OF_THE_APP, ids=lambda route: route.operation_id or route.unique_id)
def test_every_request_and_answer_has_an_example_that_is_true(route: APIRoute) -> None:
    method = min(route.methods or [""])
    operation = DOCUMENT["paths"][route.path_format][method.lower()]
    for status, answer in operation["responses"].items():
        if status.startswith("2") and status != "204":
            example = answer["content"]["application/json"]["example"]
            TypeAdapter(route.response_model).validate_json(json.dumps(example))
            assert example.get("items", True), "an example of a list shows an item"
    assert (route.body_field is not None) == ("requestBody" in operation)
    if route.body_field is not None:
        model = TypeAdapter[Any](route.body_field.field_info.annotation or object)
        examples = model.json_schema()["examples"]
        for example in examples:
            model.validate_json(json.dumps(example))
        with pytest.raises(ValidationError, match="extra_forbidden"):
            model.validate_json(json.dumps({**examples[0], "unknown": 1}))


def test_every_example_of_a_problem_is_one() -> None:
    for name, example in DOCUMENT["components"]["examples"].items():
        assert ProblemShape.model_validate(example["value"]).code == ProblemCode(name)
