"""The first day of a deployment: docker/prepare, the database's first start, `steth migrate`, the first account."""

import fcntl
import json
import os
import re
import shutil
import stat
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from api.heads import public_pem, read_key
from steth.settings import load_settings
from tests.fixtures.parts import missing
from tests.fixtures.timescale import Timescale
from tests.fixtures.trixie import Tree

DOCKER = Path(__file__).resolve().parents[3] / "docker"


@pytest.fixture
def prepared(tmp_path: Path) -> Path:
    """A copy of docker/ after `docker/prepare steth.example`; its secrets."""
    if os.geteuid() != 0:
        missing("root", get="docker/prepare gives files to the users of the containers")
    shutil.copytree(DOCKER, tmp_path / "docker", ignore=shutil.ignore_patterns("secrets*"))
    done = run(tmp_path, "steth.example", "10.1.2.3")
    assert done.returncode == 0, done.stderr
    return tmp_path / "docker" / "secrets"


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    steth = Path(sys.executable).parent / "steth"
    return subprocess.run(
        [folder / "docker" / "prepare", *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "STETH": str(steth)},
    )


def test_secrets_are_the_containers_users_alone_and_made_once(prepared: Path) -> None:
    users = {"postgres_password": 70, "grafana_password": 472, "server.key": 1883}
    users |= dict.fromkeys(("client.key", "audit.key"), 10001)
    for path in prepared.rglob("*"):
        mode, owner = stat.S_IMODE(path.stat().st_mode), path.stat().st_uid
        if path.is_dir():
            assert path.name != "ca" or mode == 0o700
        elif path.suffix in (".crt", ".crl", ".acl", ".pub"):
            assert mode == 0o644, path
        else:
            assert mode == 0o600, path
            assert owner == users.get(
                path.name, {".toml": 10001}.get(path.suffix, 70 if path.parent.name == "db" else 0)
            )
    again = run(prepared.parents[1], "steth.example")
    assert again.returncode == 2
    assert "exists" in again.stderr
    assert len(again.stderr.splitlines()) == 1


def test_every_file_that_compose_and_the_services_name_is_made(prepared: Path) -> None:
    compose = (prepared.parent / "compose.yaml").read_text(encoding="utf-8")
    for name in set(re.findall(r"\./secrets/([\w./]+)", compose)):
        assert (prepared / name).exists(), name
    for service, needed in (("ingest", ["dsn_ingest"]), ("alerts", ["dsn_ingest", "dsn_owner"]), ("api", ["dsn_api"])):
        there = prepared / f"{service}-here.toml"
        text = (prepared / f"{service}.toml").read_text(encoding="utf-8")
        there.write_text(text.replace("/run/steth", str(prepared / service)), encoding="utf-8")
        settings = load_settings(there)  # refuses a key that it doesn't know
        settings.need(*needed)
        if service == "api":
            assert (settings.http, settings.mqtt_public) == ("0.0.0.0:8420", "mqtts://steth.example:8883")
        else:
            assert (settings.endpoint().host, settings.endpoint().port) == ("mosquitto", 8884)
            assert settings.endpoint().tls is not None
            assert settings.health == "0.0.0.0:9100"
        if service == "alerts":
            assert public_pem(read_key(Path(settings.audit_key)).public) == (prepared / "audit.pub").read_text()
            heads = prepared / Path(settings.audit_heads).parent.name
            assert (heads.stat().st_uid, stat.S_IMODE(heads.stat().st_mode)) == (10001, 0o750)


@pytest.fixture
def server(trixie: Tree) -> Iterator[Timescale]:
    """A server of its own: the roles belong to the whole of it."""
    with Timescale(tree=trixie) as made:
        yield made


def test_from_an_empty_database_to_the_first_account(
    trixie: Tree, server: Timescale, prepared: Path, tmp_path: Path
) -> None:
    with psycopg.connect(server.dsn(), autocommit=True) as connection:
        connection.execute("CREATE DATABASE steth")
    where = conninfo_to_dict(server.dsn())
    # The image's own entry point runs the script as the superuser, with the secrets in /run/secrets: a folder of the
    # whole tree, so another run on this machine waits.
    secrets = trixie.outside(Path("/run/secrets"))
    turn = trixie.outside(Path("/run/secrets.lock")).open("w")
    fcntl.flock(turn, fcntl.LOCK_EX)
    secrets.mkdir(parents=True, exist_ok=True)
    script = server.directory / "10-steth.sh"
    try:
        for path in (prepared / "db").iterdir():
            shutil.copy(path, secrets)
            (secrets / path.name).chmod(0o644)
        shutil.copy(DOCKER / "timescaledb" / "10-steth.sh", script)
        script.chmod(0o755)
        command = trixie.command("/bin/sh", str(trixie.inside(script)), user="postgres")
        environment = {
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
            "POSTGRES_USER": "postgres",
            "POSTGRES_DB": "steth",
            "PGHOST": "127.0.0.1",
            "PGPORT": str(where["port"]),
            "PGPASSWORD": str(where["password"]),
        }
        (secrets / "owner_password").chmod(0o600)  # a password that can't be read is no empty one
        refused = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert (refused.returncode != 0, "owner_password" in refused.stderr) == (True, True)
        (secrets / "owner_password").chmod(0o644)
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    finally:
        shutil.rmtree(secrets)
        turn.close()

    def reached(dsn: str) -> str:
        return make_conninfo(dsn, host="127.0.0.1", port=where["port"])

    owner = tomllib.loads((prepared / "owner.toml").read_text(encoding="utf-8"))["dsn_owner"]
    config = tmp_path / "owner.toml"
    config.write_text(f"dsn_owner = {json.dumps(reached(owner))}\n", encoding="utf-8")

    def steth(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "steth", *arguments, "--config", str(config)],
            capture_output=True,
            text=True,
            check=False,
        )

    for _ in range(2):  # each later start of the stack runs it again
        migrated = steth("migrate")
        assert migrated.returncode == 0, migrated.stderr
    first = steth("account", "add", "chief", "--role", "admin")
    assert first.returncode == 0, first.stderr
    assert len(first.stdout.strip()) >= 16
    for arguments, said in (
        (("account", "add", "chief", "--role", "admin"), "already"),
        (("account", "add", "other", "--role", "hospital"), "--hospital"),
        (("account", "add", "other", "--role", "hospital", "--hospital", "99"), "no such hospital"),
        (("account", "disable", "chief"), "the last active administrator"),
        (("account", "reset", "nobody"), "no account nobody"),
    ):
        refused = steth(*arguments)
        assert (refused.returncode, len(refused.stderr.splitlines())) == (2, 1)
        assert said in refused.stderr
    for service in ("ingest", "api"):
        settings = tomllib.loads((prepared / f"{service}.toml").read_text(encoding="utf-8"))
        with psycopg.connect(reached(settings[f"dsn_{service}"])) as connection:
            assert connection.execute("SELECT current_user").fetchone() == (f"steth_{service}",)
    with psycopg.connect(reached(owner)) as connection:
        row = connection.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user").fetchone()
        assert row == (False,)
        hypertables = connection.execute("SELECT hypertable_name FROM timescaledb_information.hypertables").fetchall()
        assert ("reading",) in hypertables
