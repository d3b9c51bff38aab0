"""Every line of a process is one JSON object, whoever wrote it, and none quotes what a device sent."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

CANARY = "ZhangSanCanary"
PROGRAM = f"""
import logging, sys
import structlog
from steth.logs import set_up_logs
set_up_logs(sys.argv[1], "ingest")
log = structlog.get_logger("ingest")
log.info("partitions_claimed", partitions=[1, 2])
try:
    raise ValueError("{CANARY}")
except ValueError as error:
    log.exception("device_not_judged", device="d1", lane="live", epoch="e", seq=7)
    log.error("other", exc_info=error)
    logging.getLogger("uvicorn.error").exception("Exception in ASGI application\\nsecond line")
logging.getLogger("psycopg.pool").warning("error connecting in %r: %s", "steth-api", "refused")
logging.getLogger("asyncio").info("no news")
"""


def lines(style: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, style], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout == ""
    assert CANARY not in done.stderr
    return done.stderr.strip().splitlines()


def test_json_lines_of_ours_and_of_the_libraries() -> None:
    said: list[dict[str, Any]] = [json.loads(line) for line in lines("json")]
    assert [line["event"] for line in said] == [
        "partitions_claimed",
        "device_not_judged",
        "other",
        "Exception in ASGI application",
        "error connecting in 'steth-api': refused",
    ]
    assert all({"event", "level", "timestamp", "process"} <= set(line) for line in said)
    assert {line["process"] for line in said} == {"ingest"}
    of_report = said[1]
    assert [of_report[key] for key in ("device", "lane", "epoch", "seq")] == ["d1", "live", "e", 7]
    for line in said[1:4]:
        assert (line["error"], len(line["where"])) == ("ValueError", 1)


@pytest.mark.parametrize("style", ["console"])
def test_short_lines_for_people(style: str) -> None:
    text = "\n".join(lines(style))
    assert "partitions_claimed" in text
    assert "error connecting" in text


@pytest.mark.parametrize("style", ["json", "console"])
def test_a_log_on_a_full_disk_ends_nobody(style: str) -> None:
    with Path("/dev/full").open("wb") as full:
        command = [sys.executable, "-c", f"{PROGRAM}print('still here')", style]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=full, check=False, timeout=60)
    assert done.stdout == b"still here\n"
