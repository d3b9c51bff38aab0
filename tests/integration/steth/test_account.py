"""`steth account`: what a deployment's owner does about accounts, without any."""

import psycopg
import pytest
from typer.testing import CliRunner

from steth.cli import app
from tests.fixtures.postgres import Database


def test_the_owner_makes_lists_disables_enables_resets_and_revokes(
    database: Database, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("STETH_DSN_OWNER", database.owner)

    def steth(*arguments: str, status: int = 0) -> str:
        done = CliRunner().invoke(app, ["account", *arguments])
        assert done.exit_code == status, done.output
        if status:
            assert (done.stdout, len(done.stderr.splitlines())) == ("", 1)
        return done.stderr if status else done.stdout

    def look(query: str) -> list[tuple[object, ...]]:
        with psycopg.connect(database.superuser) as connection:
            return connection.execute(query.encode()).fetchall()

    first = steth("add", " chief  one ", "--role", "staff").strip()
    assert "last active account" in steth("disable", "chief one", status=2)
    assert "already" in steth("add", "chief one", "--role", "noc", status=2)
    assert "no account nobody" in steth("reset", "nobody", status=2)
    steth("add", "second", "--role", "staff")
    steth("disable", "chief one")
    states = [line.split("\t")[:4] for line in steth("list").splitlines()]
    assert states == [
        ["chief one", "staff", "0 平台 Operator", "disabled"],
        ["second", "staff", "0 平台 Operator", "active"],
    ]
    steth("enable", "chief one")
    hashes = look("SELECT password_hash FROM account")
    with psycopg.connect(database.superuser) as connection:
        owner = connection.execute("SELECT id FROM account WHERE name = 'second'").fetchone()
        assert owner is not None
        for label in ("a", "b"):
            connection.execute(
                "INSERT INTO api_token (account_id, hash, label) VALUES (%s, sha256(%s), %s)",
                (owner[0], label.encode(), label),
            )
    ids = {line.split("\t")[1]: line.split("\t")[0] for line in steth("tokens", "second").splitlines()}
    assert "no such token" in steth("revoke", "chief one", ids["a"], status=2)
    steth("revoke", "second", ids["a"])
    assert [line.split("\t")[1] for line in steth("tokens", "second").splitlines()] == ["b"]
    second = steth("reset", "second").strip()
    assert steth("tokens", "second") == ""
    assert len(set(hashes) - set(look("SELECT password_hash FROM account"))) == 1
    assert look("SELECT DISTINCT actor FROM audit") == [("steth",)]
    assert [row[0] for row in look("SELECT action FROM audit ORDER BY id")] == [
        *("account-created", "account-created", "account-disabled", "account-enabled"),
        *("token-revoked", "password-reset"),
    ]
    everything = str(look("SELECT to_jsonb(a) FROM account a") + look("SELECT to_jsonb(a) FROM audit a")) + caplog.text
    assert not [password for password in (first, second) if password in everything]
