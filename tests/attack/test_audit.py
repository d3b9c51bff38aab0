"""Covering one's tracks: with each process's login, and with the owner's."""

import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
from psycopg import errors

from people.audit.chain import GENESIS, Entry, chained
from store.pool import EVERY_ORG
from tests.attack.installation import Installation, toml

pytestmark = pytest.mark.attack
STATEMENTS = (
    "UPDATE audit SET actor = 'nobody'",
    "DELETE FROM audit",
    "TRUNCATE audit",
    "UPDATE audit_chain SET head = '\\x00'",
    "DELETE FROM audit_chain",
    "ALTER TABLE audit DISABLE TRIGGER ALL",
    "DROP TABLE audit",
    "SET session_replication_role = replica",
    "SET ROLE steth_owner",
)


def steth(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "steth", *arguments], capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def kept(target: Installation) -> Path:
    """Settings with a key and a file of heads that the database's owner doesn't hold; the heads are signed."""
    folder = target.folder / "audit"
    folder.mkdir()
    assert steth("audit", "key", str(folder / "key")).returncode == 0
    files = {"audit_key": str(folder / "key"), "audit_heads": str(folder / "heads")}
    settings = {"dsn_owner": target.database.owner, **files}
    for _ in range(3):
        device = target.devices["hospital-a"]
        target.ask("POST", f"/devices/{device}/code", as_="manager").raise_for_status()
    config = toml(folder / "steth.toml", settings)
    signed = steth("audit", "head", "--config", str(config))
    assert signed.returncode == 0, signed.stderr
    (folder / "heads").write_text(signed.stdout, encoding="utf-8")
    return config


@pytest.mark.parametrize("role", ["api", "ingest", "jobs"])
def test_no_process_s_login_changes_what_was_written(target: Installation, role: str) -> None:
    with psycopg.connect(getattr(target.database, role), autocommit=True) as connection:
        connection.execute("SELECT set_config('steth.org', %s, false)", (EVERY_ORG,))
        for statement in STATEMENTS:
            with pytest.raises(errors.InsufficientPrivilege):
                connection.execute(statement.encode())


def test_the_owner_can_rewrite_a_chain_and_it_shows(target: Installation, kept: Path) -> None:
    whole = steth("audit", "verify", "--config", str(kept))
    assert whole.returncode == 0, whole.stdout + whole.stderr
    org = target.hospitals["hospital-a"]
    with psycopg.connect(target.database.owner) as owner:
        owner.execute("SELECT set_config('steth.org', %s, false)", (EVERY_ORG,))
        owner.execute("ALTER TABLE audit DISABLE TRIGGER USER")
        rows = owner.execute(
            "SELECT id, at, action, subject, detail FROM audit WHERE org_id = %s ORDER BY position", (org,)
        ).fetchall()
        head = GENESIS
        for id_, at, action, subject, detail in rows:
            entry = Entry(org=org, at=at, actor="somebody-else", action=action, subject=subject, detail=detail)
            previous, head = head, chained(entry, head)
            changed = "UPDATE audit SET actor = 'somebody-else', previous = %s, hash = %s WHERE id = %s"
            owner.execute(changed, (previous, head, id_))
        owner.execute("UPDATE audit_chain SET head = %s WHERE org_id = %s", (head, org))
        owner.execute("ALTER TABLE audit ENABLE TRIGGER USER")
    assert len(rows) > 2
    without = toml(kept.with_name("without.toml"), {"dsn_owner": target.database.owner})
    clean = steth("audit", "verify", "--config", str(without))
    assert f"organisation {org}" in clean.stdout, "without a head it looks whole"
    assert "written anew" not in clean.stdout
    said = steth("audit", "verify", "--config", str(kept))
    assert said.returncode == 1
    assert f"organisation {org}" in said.stdout
