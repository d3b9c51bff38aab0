"""The door as it is deployed: docker/proxy/nginx.conf on a real nginx but for folders and ports; API and broker."""

import os
import re
import shutil
import ssl
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx
import pytest

from tests.fixtures.deployed import DeployedBroker
from tests.fixtures.parts import missing
from tests.fixtures.ports import free_port, listening, wait_until
from tests.fixtures.postgres import Cluster, Database
from tests.fixtures.trixie import Daemon, Tree

CONFIG: Final = Path(__file__).resolve().parents[3] / "docker" / "proxy" / "nginx.conf"
CALLER: Final = "127.0.0.5"
"""Nobody else calls from there; nginx itself reaches the API from 127.0.0.1."""
USER: Final = "www-data"
OF_ADDRESS: Final = 20
"""Requests at once of one address."""
PLACES: Final = OF_ADDRESS + 5
"""Its connections."""
_STREAMS: Final = Path("/usr/lib/nginx/modules/ngx_stream_module.so")


@dataclass(frozen=True, kw_only=True)
class Answer:
    """`head`: its lines, the first with the version of HTTP."""

    head: list[str]
    body: str

    @property
    def status(self) -> int:
        return int(self.head[0].split()[1])


@dataclass(frozen=True, kw_only=True)
class Door:
    """nginx, and what stands behind it. `directory`: its own, with its certificate; `authority`: in the tree."""

    tree: Tree
    directory: Path
    authority: Path
    port: int
    api: str
    broker: DeployedBroker
    database: Database

    def curl(self, path: str, *more: str) -> list[str]:
        """A request as a browser's, by HTTP/2."""
        asked = ["curl", "--silent", "--show-error", "--http2", "--path-as-is", "--max-time", "60"]
        asked += ["--cacert", str(self.authority), "--interface", CALLER, *more, f"https://127.0.0.1:{self.port}{path}"]
        return self.tree.command(*asked, user=USER)

    def ask(self, path: str, *more: str) -> Answer:
        done = subprocess.run(self.curl(path, "--include", *more), capture_output=True, text=True, check=True)
        head, _, body = done.stdout.partition("\n\n")
        return Answer(head=head.splitlines(), body=body)

    def listeners(self) -> float:
        """Live streams, as the API counts them."""
        text = httpx.get(f"{self.api}/metrics", trust_env=False).text
        (found,) = re.findall(r"^steth_api_stream_clients (\S+)$", text, re.MULTILINE)
        return float(found)

    def show(self, certificates: Path) -> None:
        """Put a certificate and its key in place of those that nginx shows to browsers."""
        for name in ("server.key", "server.crt"):
            shutil.copy(certificates / name, self.directory)
            shutil.chown(self.directory / name, *self.tree.ids(USER))


def announcing(*protocols: str) -> ssl.SSLContext:
    """Trusts everybody; announces these protocols (ALPN)."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if protocols:
        context.set_alpn_protocols(list(protocols))
    return context


def as_tried(*, inside: Path, ports: Sequence[tuple[str, str]]) -> str:
    """The configuration with its folders in the tree, and each of `ports`, as written there, put in another's place."""
    text = CONFIG.read_text(encoding="utf-8").replace("/tmp/", f"{inside}/").replace("/etc/nginx/certs/", f"{inside}/")
    for old, new in (
        *ports,
        ("  resolver 127.0.0.11 valid=10s;\n", ""),  # Docker's; addresses need none
        ("preread_timeout 10s;", "preread_timeout 1s;"),
        ("client_header_timeout 10s;", "client_header_timeout 1s;"),
        ("limit_conn callers 1000;", f"limit_conn callers {OF_ADDRESS};"),
        ("limit_conn places 2000;", f"limit_conn places {PLACES};"),
    ):
        assert old in text, f"docker/proxy/nginx.conf has no {old}"
        text = text.replace(old, new)
    return f"load_module {_STREAMS};\n{text}"


def steth(folder: Path, *arguments: str, settings: dict[str, str]) -> list[str]:
    config = folder / f"{arguments[0]}.toml"
    config.write_text("".join(f'{key} = "{value}"\n' for key, value in settings.items()), encoding="utf-8")
    config.chmod(0o600)
    return [sys.executable, "-m", "steth", *arguments, "--config", str(config)]


@pytest.fixture(scope="session")
def door(
    trixie: Tree,
    certificates: Path,
    deployed: DeployedBroker,
    plain_cluster: Cluster,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Door]:
    if not all(trixie.outside(part).exists() for part in (Path("/usr/sbin/nginx"), Path("/usr/bin/curl"), _STREAMS)):
        missing("nginx with streams and curl in the Debian 13 tree", get="sudo make test-deps")
    folder = tmp_path_factory.mktemp("proxy")
    database = plain_cluster.create()

    behind, port = free_port(), free_port()
    settings = {"dsn_api": database.api, "http": f"127.0.0.1:{behind}", "proxies": "127.0.0.1"}
    environment = {key: value for key, value in os.environ.items() if not key.startswith("STETH_")}
    api = subprocess.Popen(steth(folder, "api", settings=settings), env=environment)

    inside = trixie.make_directory(user=USER)
    directory = trixie.outside(inside)
    ports = [
        ("127.0.0.1:8445", f"127.0.0.1:{free_port()}"),
        ("127.0.0.1:8446", f"127.0.0.1:{free_port()}"),
        ("127.0.0.1:8447", f"127.0.0.1:{free_port()}"),
        ("listen 8443 ", f"listen 127.0.0.1:{port} "),
        ("mosquitto:8883;", f"127.0.0.1:{deployed.ports['devices']};"),
        ("mosquitto:8443;", f"127.0.0.1:{deployed.ports['websocket']};"),
        ("server api:8420;", f"server 127.0.0.1:{behind};"),
    ]
    (directory / "nginx.conf").write_text(as_tried(inside=inside, ports=ports), encoding="utf-8")
    shutil.copy(certificates / "ca" / "steth-ca.crt", directory / "ca.crt")
    for path in directory.iterdir():
        shutil.chown(path, *trixie.ids(USER))
    nginx = Daemon(
        tree=trixie,
        user=USER,
        command=["/usr/sbin/nginx", "-e", "stderr", "-c", f"{inside}/nginx.conf"],
        log=folder / "nginx.log",
        ready=lambda: listening(port),
    )
    made = Door(
        tree=trixie,
        directory=directory,
        authority=inside / "ca.crt",
        port=port,
        api=f"http://127.0.0.1:{behind}",
        broker=deployed,
        database=database,
    )
    made.show(certificates / "proxy")
    try:
        wait_until(lambda: listening(behind), what="the start of steth api", seconds=30)
        nginx.start()
        yield made
        assert api.poll() is None
        assert (folder / "nginx.log").read_text(encoding="utf-8") == "", "nothing that was asked is written anywhere"
    finally:
        nginx.kill()
        wait_until(lambda: not listening(port), what="the end of nginx and its workers")
        api.terminate()
        api.wait(30)
        shutil.rmtree(directory, ignore_errors=True)
        plain_cluster.drop(database.name)
