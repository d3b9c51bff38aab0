"""The whole API against its own document: generated requests, good and bad, over HTTP to a real server and database."""

import asyncio
import sys
from copy import deepcopy
from pathlib import Path
from typing import Any

import psycopg
import uvicorn

from people.login.credentials import mint_token, token_hash
from tests.fixtures.ports import free_port
from tests.integration.api.world import World

SECONDS = 15


CONFIG = """
[checks.negative_data_rejection]  # their own list, and 412: an If-Match that is none matches nothing
expected-statuses = [400, 401, 403, 404, 405, 406, 409, 412, 415, 422, 428, 429]
[checks.missing_required_header]  # and 428: If-Match is missing
expected-statuses = [400, 401, 403, 406, 415, 422, 428]
"""
PAST_MADE_UP_VALUES = {
    "If-Match": {"enum": ["*"]},
    "address": {"enum": ["jsons://example.com/x", "mailtos://a:b@example.com"]},
    "time_zone": {"enum": ["Asia/Shanghai", "Asia/Urumqi"]},
    "model": {"enum": ["generic-dr"]},
}


def reaching_further(document: dict[str, Any]) -> dict[str, Any]:
    """The document without what no made-up value gets past: keys that were used, versions, cursors, time zones."""
    document = deepcopy(document)
    for operations in document["paths"].values():
        for operation in operations.values():
            operation["parameters"] = [
                parameter
                for parameter in operation.get("parameters", [])
                if parameter["name"] not in {"Idempotency-Key", "next"}
            ]
            for parameter in operation["parameters"]:
                if parameter["name"] == "If-Match":
                    parameter["schema"], parameter["example"] = PAST_MADE_UP_VALUES["If-Match"], "*"
    for schema in document["components"]["schemas"].values():
        for name in set(schema.get("properties", {})) & set(PAST_MADE_UP_VALUES):
            if schema["properties"][name].get("type") == "string" and schema["title"].startswith("New"):
                schema["properties"][name] = PAST_MADE_UP_VALUES[name]
    return document


async def test_the_api_keeps_its_contract_whatever_is_sent(here: World, tmp_path: Path) -> None:
    token = mint_token()
    with psycopg.connect(here.database.superuser, autocommit=True) as connection:
        # An id beyond what is likely to be generated: DELETE /tokens/{id} must not take the token of this run.
        connection.execute(
            "INSERT INTO api_token (id, account_id, hash) OVERRIDING SYSTEM VALUE "
            "SELECT 1987654321, id, %s FROM account WHERE name = 'admin'",
            (token_hash(token),),
        )
    here.app.openapi_schema = reaching_further(here.app.openapi())
    (tmp_path / "schemathesis.toml").write_text(CONFIG)
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(here.app, host="127.0.0.1", port=port, log_level="error", lifespan="off"))
    serving = asyncio.create_task(server.serve())
    try:
        run = await asyncio.create_subprocess_exec(
            str(Path(sys.executable).with_name("schemathesis")),
            "run",
            f"http://127.0.0.1:{port}/api/v1/openapi.json",
            "--wait-for-schema=10",
            f"--header=Authorization: Bearer {token}",
            "--checks=all",
            "--exclude-checks=positive_data_acceptance",  # that an id, a code or a version is there, no schema says
            "--exclude-operation-id=revoke_token",  # it would revoke its own
            "--exclude-operation-id=revoke_token_of_account",
            "--exclude-operation-id=stream",  # it never ends: tests of its own
            f"--max-time={SECONDS}",
            "--seed=20261122",
            "--generation-database=none",
            "--suppress-health-check=all",
            "--no-color",
            "--output-sanitize=true",
            cwd=tmp_path,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output, _ = await run.communicate()
    finally:
        server.should_exit = True
        await serving
    assert run.returncode == 0, output.decode()
