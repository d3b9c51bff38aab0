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
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from people.audit.heads import public_pem, read_key
from steth.settings import load_settings
from store.migrate import MIGRATIONS, migrate
from tests.fixtures.parts import missing
from tests.fixtures.timescale import Timescale
from tests.fixtures.trixie import Tree

Completed = subprocess.CompletedProcess[str]
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


def run(folder: Path, *arguments: str, steth: Path = Path(sys.executable).parent / "steth") -> Completed:
    return subprocess.run(
        [folder / "docker" / "prepare", *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "STETH": str(steth)},
    )


def test_secrets_are_the_containers_users_alone_and_made_once(prepared: Path) -> None:
    users = {"postgres_password": 70, "grafana_password": 472, "broker/server.key": 1883, "proxy/server.key": 101}
    users |= dict.fromkeys(("client.key", "audit.key"), 10001)
    for path in prepared.rglob("*"):
        mode, owner = stat.S_IMODE(path.stat().st_mode), path.stat().st_uid
        if path.is_dir():
            assert path.name != "ca" or mode == 0o700
        elif path.suffix in (".crt", ".crl", ".acl", ".pub"):
            assert mode == 0o644, path
        else:
            assert mode == 0o600, path
            place = path.name if path.name != "server.key" else f"{path.parent.name}/{path.name}"
            assert owner == users.get(place, {".toml": 10001}.get(path.suffix, 70 if path.parent.name == "db" else 0))
    again = run(prepared.parents[1], "steth.example")
    assert again.returncode == 2
    assert "exists" in again.stderr
    assert len(again.stderr.splitlines()) == 1


def test_every_file_that_compose_and_the_services_name_is_made(prepared: Path) -> None:
    compose = (prepared.parent / "compose.yaml").read_text(encoding="utf-8")
    for name in set(re.findall(r"\./secrets/([\w./]+)", compose)):
        assert (prepared / name).exists(), name
    for service, needed in (("ingest", ["dsn_ingest"]), ("jobs", ["dsn_jobs"]), ("api", ["dsn_api"])):
        there = prepared / f"{service}-here.toml"
        text = (prepared / f"{service}.toml").read_text(encoding="utf-8")
        there.write_text(text.replace("/run/steth", str(prepared / service)), encoding="utf-8")
        settings = load_settings(there)  # refuses a key that it doesn't know
        settings.need(*needed)
        assert [name for name, value in settings if name.startswith("dsn_") and value] == needed, "and no other's"
        if service == "api":
            assert (settings.http, settings.mqtt_public) == ("0.0.0.0:8420", "mqtts://steth.example:8883")
        else:
            assert (settings.endpoint().host, settings.endpoint().port) == ("mosquitto", 8884)
            assert settings.endpoint().tls is not None
            assert settings.health == "0.0.0.0:9100"
        if service != "ingest":
            assert settings.public_url == "https://steth.example:8444", "the port that compose gives the proxy"
        if service == "jobs":
            assert public_pem(read_key(Path(settings.audit_key)).public) == (prepared / "audit.pub").read_text()
            heads = prepared / Path(settings.audit_heads).parent.name
            assert (heads.stat().st_uid, stat.S_IMODE(heads.stat().st_mode)) == (10001, 0o750)


@pytest.fixture
def server(trixie: Tree) -> Iterator[Timescale]:
    """A server of its own: the roles belong to the whole of it."""
    with Timescale(tree=trixie) as made:
        yield made


@contextmanager
def database_container(trixie: Tree, server: Timescale, prepared: Path) -> Iterator[Callable[[], Completed]]:
    """Runs 10-steth.sh as the image's own entry point does: as the superuser, with the secrets in /run/secrets.

    That is a folder of the whole tree, so another run on this machine waits.
    """
    secrets = trixie.outside(Path("/run/secrets"))
    where = conninfo_to_dict(server.dsn())
    with trixie.outside(Path("/run/secrets.lock")).open("w") as turn:
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
                "POSTGRES_DB": "steth",
                "PGHOST": "127.0.0.1",
                "PGPORT": str(where["port"]),
                "PGPASSWORD": str(where["password"]),
            }
            yield lambda: subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        finally:
            shutil.rmtree(secrets)


class Installed:
    """What docker/prepare made, with the addresses of the server that stands for the container's."""

    def __init__(self, *, server: Timescale, prepared: Path, tmp_path: Path) -> None:
        self._where = conninfo_to_dict(server.dsn())
        self._prepared = prepared
        self._config = tmp_path / "owner.toml"
        with psycopg.connect(server.dsn(), autocommit=True) as connection:
            connection.execute("CREATE DATABASE steth")

    def dsn(self, service: str, role: str) -> str:
        settings = tomllib.loads((self._prepared / f"{service}.toml").read_text(encoding="utf-8"))
        return make_conninfo(settings[f"dsn_{role}"], host="127.0.0.1", port=self._where["port"])

    def steth(self, *arguments: str) -> Completed:
        self._config.write_text(f"dsn_owner = {json.dumps(self.dsn('owner', 'owner'))}\n", encoding="utf-8")
        command = [sys.executable, "-m", "steth", *arguments, "--config", str(self._config)]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    def logins(self) -> list[str]:
        """Who each service is to the database."""
        found = []
        for service, role in (("ingest", "ingest"), ("jobs", "jobs"), ("api", "api")):
            with psycopg.connect(self.dsn(service, role)) as connection:
                [(name,)] = connection.execute("SELECT current_user").fetchall()
                found.append(name)
        return found


@pytest.fixture
def installed(server: Timescale, prepared: Path, tmp_path: Path) -> Installed:
    return Installed(server=server, prepared=prepared, tmp_path=tmp_path)


def test_from_an_empty_database_to_the_first_account(
    trixie: Tree, server: Timescale, prepared: Path, installed: Installed
) -> None:
    with database_container(trixie, server, prepared) as script:
        password = trixie.outside(Path("/run/secrets/owner_password"))
        password.chmod(0o600)  # a password that can't be read is no empty one
        refused = script()
        assert (refused.returncode != 0, "owner_password" in refused.stderr) == (True, True)
        password.chmod(0o644)
        done = script()
        assert done.returncode == 0, done.stderr
    for _ in range(2):  # each later start of the stack runs it again
        migrated = installed.steth("migrate")
        assert migrated.returncode == 0, migrated.stderr
    first = installed.steth("account", "add", "chief", "--role", "staff")
    assert first.returncode == 0, first.stderr
    assert len(first.stdout.strip()) >= 16
    for arguments, said in (
        (("account", "add", "chief", "--role", "staff"), "already"),
        (("account", "add", "other", "--role", "equipment"), "--org"),
        (("account", "add", "other", "--role", "equipment", "--org", "99"), "is no hospital"),
        (("account", "disable", "chief"), "the last active account of the role staff"),
        (("account", "reset", "nobody"), "no account nobody"),
    ):
        refused = installed.steth(*arguments)
        assert (refused.returncode, len(refused.stderr.splitlines())) == (2, 1)
        assert said in refused.stderr
    assert installed.logins() == ["steth_ingest", "steth_jobs", "steth_api"]
    with psycopg.connect(installed.dsn("owner", "owner")) as connection:
        row = connection.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user").fetchone()
        assert row == (False,)
        hypertables = connection.execute("SELECT hypertable_name FROM timescaledb_information.hypertables").fetchall()
        assert ("reading",) in hypertables


def test_an_installation_of_version_8_gets_the_role_that_is_new(
    trixie: Tree, server: Timescale, prepared: Path, installed: Installed, tmp_path: Path
) -> None:
    """docs/deploy.md, Upgrade: what is told there, on what version 8 left."""
    folder = tmp_path / "migrations"
    folder.mkdir()
    for path in MIGRATIONS.glob("000[1-8]_*.sql"):
        shutil.copy(path, folder)
    with database_container(trixie, server, prepared) as script:
        assert script().returncode == 0
    superuser = server.dsn("steth")
    migrate(superuser, folder=folder)
    with psycopg.connect(superuser, autocommit=True) as connection:
        connection.execute("DROP ROLE steth_jobs")
    for path in (prepared / "db" / "jobs_password", prepared / "jobs" / "audit.key", prepared / "audit.pub"):
        path.unlink()
    (prepared / "jobs").rename(prepared / "alerts")
    jobs = prepared / "jobs.toml"
    (prepared / "heads").rmdir()
    shutil.rmtree(prepared / "proxy")
    alerts = jobs.rename(prepared / "alerts.toml")
    new = ("dsn_", "audit_")
    others = [line for line in alerts.read_text(encoding="utf-8").splitlines() if not line.startswith(new)]
    owner = (prepared / "owner.toml").read_text(encoding="utf-8").strip()
    former = [owner.replace("owner", "ingest"), owner, "keep_raw_days = 200", *others]
    alerts.write_text("\n".join(former) + "\n", encoding="utf-8")

    refused = installed.steth("migrate")
    assert (refused.returncode, len(refused.stderr.splitlines())) == (2, 1)
    assert "docs/deploy.md, Upgrade" in refused.stderr
    stale = tmp_path / "steth"
    stale.write_text("#!/bin/sh\necho No such command: audit. >&2\nexit 2\n", encoding="utf-8")
    stale.chmod(0o755)
    cut = run(prepared.parents[1], "--upgrade", steth=stale)
    assert (cut.returncode, "make setup" in cut.stderr, "No such command" in cut.stderr) == (2, True, True)
    lists = (prepared / "broker" / "steth-ca.crl").rename(tmp_path / "steth-ca.crl")
    former_list = run(prepared.parents[1], "--upgrade")
    assert (former_list.returncode, "has no steth-ca.crl" in former_list.stderr) == (2, True)
    lists.rename(prepared / "broker" / "steth-ca.crl")
    text = jobs.read_text(encoding="utf-8")
    jobs.write_text(text[: text.index("audit_key")], encoding="utf-8")  # cut off before they were written
    made = []
    for _ in range(2):  # again does no harm
        done = run(prepared.parents[1], "--upgrade")
        assert done.returncode == 0, done.stderr
        assert "secrets/proxy: put the console's server.crt and server.key there" in done.stdout
        made.append((jobs.read_bytes(), (prepared / "db" / "jobs_password").read_bytes()))
    assert made[0] == made[1]
    audit = ['audit_key = "/run/steth/audit.key"', 'audit_heads = "/heads/heads.jsonl"']
    assert not alerts.exists()
    assert jobs.read_text(encoding="utf-8").splitlines()[1:] == ["keep_raw_days = 200", *others, *audit]
    assert ((prepared / "heads").stat().st_uid, (prepared / "audit.pub").read_bytes() != b"") == (10001, True)
    keys = (jobs, 10001), (prepared / "jobs" / "audit.key", 10001), (prepared / "db" / "jobs_password", 70)
    for path, user in keys:
        assert (stat.S_IMODE(path.stat().st_mode), path.stat().st_uid) == (0o600, user)
    with database_container(trixie, server, prepared) as script:
        done = script()
        assert done.returncode == 0, done.stderr
    migrated = installed.steth("migrate")
    assert migrated.returncode == 0, migrated.stderr
    assert installed.logins() == ["steth_ingest", "steth_jobs", "steth_api"]
