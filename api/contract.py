"""The OpenAPI document: what FastAPI derives from the routes, completed by what it doesn't know."""

from typing import Any, Final, cast

from api.feed.shapes import STREAMED
from api.http.browser import COOKIE, CSRF_HEADER
from api.http.documented import problem_examples
from api.http.idempotency import REPLAYED
from api.http.rights import PREFIX, PUBLIC, ROUTES
from api.http.shapes import ProblemShape, Shape

Json = dict[str, Any]
_SCHEME: Final = "token"
_COOKIE_SCHEME: Final = "session"
_UNKEYED: Final = ("/login", "/session")
"""Done again, it is a new credential, which harms nobody; and an answer that sets a cookie is never kept."""
_REF: Final = "#/components/schemas/"
_IDEMPOTENCY_KEY: Final[Json] = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "A name of your choice for this request: sent again with it within 24 h, it is answered again and "
    "done once.",
    "schema": {"type": "string", "pattern": "^[\\x21-\\x7e]{1,128}$"},
    "example": "6f1c2a52-7f0e-4a7c-9a55-2f6f8a1d9b10",
}
_INTRODUCTION: Final = """\
Devices, what they measured, alerts and tickets.

- **Programs** send `Authorization: Bearer st_…`, from POST /login or POST /tokens. **Browsers** have a session: POST
  /session sets an HttpOnly, SameSite=Strict cookie; with it, all but GET carry the header `X-Steth-Csrf: 1`.
  An account of a hospital sees that hospital only, either way.
- **Times** are RFC 3339 in UTC. Every answer has the server's time in the header `Steth-Time`, ms since 1970 UTC.
  **Units** are UCUM codes.
- **Lists** are `{"items": […], "next": …}`; give `next` back as `?next=` for the page behind.
- **Texts** are in the reader's language (`?lang=zh`, `?lang=en`, or Accept-Language); what is stored is a message id
  with parameters, which stands beside each text.
- **Changes** need `If-Match` with the ETag that GET answered; POSTs take an `Idempotency-Key`.
- **Errors** are problem details (RFC 9457): branch on `code`, show `detail`.
- What isn't in this document is refused: unknown fields, unknown or repeated query parameters.
"""


def complete(document: Json) -> Json:
    """Add security, common headers, the problem's schema and examples of every answer."""
    components = document.setdefault("components", {})
    schemas: Json = components.setdefault("schemas", {})
    schemas["ProblemShape"] = ProblemShape.model_json_schema(ref_template=_REF + "{model}")
    for shape in (shape for shape in STREAMED.values() if not isinstance(shape, str)):
        schemas[shape.__name__] = shape.model_json_schema(ref_template=_REF + "{model}")
    for schema in list(schemas.values()):
        schemas.update(schema.pop("$defs", {}))
    for name, own in _examples(Shape).items():
        if name in schemas:
            schemas[name]["examples"] = own  # what FastAPI made of them lacks every null
    components["examples"] = problem_examples()
    components["securitySchemes"] = {
        _SCHEME: {"type": "http", "scheme": "bearer", "description": "A token of POST /login or POST /tokens."},
        _COOKIE_SCHEME: {
            "type": "apiKey",
            "in": "cookie",
            "name": COOKIE,
            "description": f"A browser's session of POST /session; with it, all but GET carry `{CSRF_HEADER}: 1`.",
        },
    }
    document["info"]["description"] = _INTRODUCTION
    document["servers"] = [{"url": "/", "description": "This server."}]
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            _complete_operation(method.upper(), path.removeprefix(PREFIX), operation, schemas)
    return document


def _complete_operation(method: str, path: str, operation: Json, schemas: Json) -> None:
    roles = ROUTES[method, path]
    if roles is not PUBLIC:
        operation["security"] = [{_SCHEME: []}, {_COOKIE_SCHEME: []}]
        operation["description"] = f"{operation.get('description', '')}\n\nRoles: {', '.join(sorted(roles))}."
    for parameter in operation.get("parameters", []):
        if parameter["name"] == "If-Match":
            parameter["required"] = True  # the code takes it as optional, to answer 428 instead of 422
    keyed = method == "POST" and path not in _UNKEYED
    if keyed:
        operation.setdefault("parameters", []).append(_IDEMPOTENCY_KEY)
    for status, response in operation["responses"].items():
        headers: Json = response.setdefault("headers", {})
        if status == "429":
            headers["Retry-After"] = {"description": "Seconds to wait.", "schema": {"type": "integer"}}
        if not status.startswith("2"):
            continue
        if keyed:
            headers[REPLAYED] = {
                "description": "`true`: this is the kept answer of an earlier request with the same key.",
                "schema": {"type": "string", "enum": ["true"]},
            }
        media = response.get("content", {}).get("application/json")
        if media is not None:
            media["example"] = sample(media["schema"], schemas)
            if "version" in media["example"]:
                headers["ETag"] = {"description": "For If-Match.", "schema": {"type": "string"}}


def _examples(shape: type[Shape]) -> dict[str, list[Json]]:
    found: dict[str, list[Json]] = {}
    extra = shape.model_config.get("json_schema_extra")
    if isinstance(extra, dict):
        found[shape.__name__] = cast("list[Json]", extra["examples"])
    for more in shape.__subclasses__():
        found |= _examples(more)
    return found


def sample(schema: Json, schemas: Json) -> Any:
    """An example of a schema: its own first one, else made from its parts. Raises KeyError where there is none."""
    if "$ref" in schema:
        return sample(schemas[schema["$ref"].removeprefix(_REF)], schemas)
    if "examples" in schema:
        return schema["examples"][0]
    if schema.get("type") == "array":
        return [sample(schema["items"], schemas)]
    if "anyOf" in schema and {"type": "null"} in schema["anyOf"]:
        return None
    return {name: sample(part, schemas) for name, part in schema["properties"].items()}
