"""What can be held of images and compose where no container engine is: linters, schemas, and that all is there.

The images themselves are built where an engine is (docs/deploy.md); here their Dockerfiles are read.
"""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from steth.settings import Settings
from tests.fixtures.parts import missing

ROOT: Final = Path(__file__).resolve().parents[3]
DOCKER: Final = ROOT / "docker"
IMAGES: Final = sorted(DOCKER.glob("*.Dockerfile"))
COMPOSE: Final[dict[str, Any]] = yaml.safe_load((DOCKER / "compose.yaml").read_text(encoding="utf-8"))
SERVICES: Final[dict[str, dict[str, Any]]] = COMPOSE["services"]
PROJECT: Final = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PACKAGES: Final[list[str]] = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
OURS: Final = {"migrate", "ingest", "jobs", "api"}


def copied(image: Path) -> list[str]:
    """What a Dockerfile copies of the repository into its last stage."""
    last = image.read_text(encoding="utf-8").rpartition("\nFROM ")[2]
    return re.findall(r"^COPY (?!--)(\S+) \./\S+$", last, re.MULTILINE)


def test_the_database_s_log_quotes_no_row_that_failed() -> None:
    assert "log_error_verbosity=terse" in SERVICES["db"]["command"]


@pytest.mark.parametrize("image", IMAGES, ids=lambda path: path.name)
def test_a_dockerfile_has_nothing_that_hadolint_finds(image: Path) -> None:
    if not (linter := shutil.which("hadolint", path=Path(sys.executable).parent)):
        missing("hadolint", get="its wheel is for Linux on x86-64")
    found = subprocess.run([linter, str(image)], capture_output=True, text=True, check=False)
    assert (found.returncode, found.stdout) == (0, "")


@pytest.mark.parametrize("image", IMAGES, ids=lambda path: path.name)
def test_an_image_is_from_the_lock_by_hashes_pinned_and_not_of_root(image: Path) -> None:
    text = image.read_text(encoding="utf-8")
    for base in re.findall(r"^FROM (\S+)", text, re.MULTILINE):
        assert re.search(r":\d+\.\d+\.\d+", base), f"{base} is not pinned"
    assert re.search(
        r"pip .*install --require-hashes --only-binary :all: --requirement /build/(server|agent)\.lock", text
    )
    assert re.findall(r"^USER (\S+)$", text, re.MULTILINE) == ["10001:10001"]
    assert "HEALTHCHECK" in text
    assert "ENTRYPOINT [" in text, "the shell form would not pass signals on"


@pytest.mark.parametrize(("image", "module"), [("server", "steth"), ("agent", "agent")])
def test_what_an_image_copies_is_all_that_its_process_imports(tmp_path: Path, image: str, module: str) -> None:
    rooms = copied(DOCKER / f"{image}.Dockerfile")
    for room in rooms:
        shutil.copytree(ROOT / room, tmp_path / room, ignore=shutil.ignore_patterns("__pycache__"))
    others = {*PACKAGES, "bench", "tests"} - set(rooms)
    script = f"""
import importlib, pkgutil, sys
sys.path = [{str(tmp_path)!r}, *(p for p in sys.path if p not in ({str(ROOT)!r}, ""))]
sys.meta_path = [finder for finder in sys.meta_path if "editable" not in repr(finder)]
for room in {rooms!r}:
    package = importlib.import_module(room)
    assert package.__file__.startswith({str(tmp_path)!r}), package.__file__
    for found in pkgutil.walk_packages(package.__path__, room + "."):
        if not found.name.endswith("__main__") and (room != "agent" or {module!r} == "agent"):
            importlib.import_module(found.name)
assert not {others!r} & {{name.partition(".")[0] for name in sys.modules}}
assert importlib.util.find_spec({module!r} + ".__main__")
"""
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("lock", "rooms"),
    [
        ("server", ("wire", "catalog", "store", "ingest", "jobs", "desk", "remote", "api", "steth")),
        ("agent", ("wire", "catalog", "agent")),
    ],
)
def test_the_lock_of_an_image_has_every_package_that_its_rooms_name(lock: str, rooms: tuple[str, ...]) -> None:
    locked = set(re.findall(r"^([a-z0-9-]+)==", (ROOT / "requirements" / f"{lock}.lock").read_text(), re.MULTILINE))
    names = {
        "yaml": "pyyaml",
        "re2": "google-re2",
        "argon2": "argon2-cffi",
        "serial": "pyserial",
        "socks": "pysocks",
        "paho": "paho-mqtt",
    }
    used = {
        name
        for room in rooms
        for path in (ROOT / room).rglob("*.py")
        for name in re.findall(
            r"^\s*(?:import|from) ([a-z_0-9]+)(?:[. ]|$)", path.read_text(encoding="utf-8"), re.MULTILINE
        )
        if name not in sys.stdlib_module_names and name not in PACKAGES
    }
    known = {path.name for path in Path(sys.prefix).glob("lib/python*/site-packages/*") if path.is_dir()}
    lacking = {name for name in used & known if names.get(name, name).replace("_", "-") not in locked}
    assert not lacking


def test_images_have_the_versions_that_are_tested_by_their_hashes() -> None:
    pinned = re.compile(r"^([a-z0-9._-]+)==(\S+?)(?: ;.*)? \\\n    --hash=sha256:[0-9a-f]{64}", re.MULTILINE)
    texts = {name: (ROOT / "requirements" / f"{name}.lock").read_text() for name in ("all", "server")}
    locked = {name: set(pinned.findall(text)) for name, text in texts.items()}
    assert len(locked["server"]) == sum(line[:1].isalnum() for line in texts["server"].splitlines())
    assert locked["server"] < locked["all"], "run `make lock`"


def test_the_command_that_pins_digests_reaches_every_image(tmp_path: Path) -> None:
    """As docs/deploy.md has it, with an engine that answers for each image of a registry."""
    page = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")
    (block,) = (
        each for each in re.findall(r"^```sh\n(.*?)^```$", page, re.MULTILINE | re.DOTALL) if "imagetools" in each
    )
    shutil.copytree(DOCKER, tmp_path / "docker", ignore=shutil.ignore_patterns("secrets*"))
    (tmp_path / "bin").mkdir()
    engine = tmp_path / "bin" / "docker"
    engine.write_text('#!/bin/sh\nprintf sha256:; printf %s "$4" | sha256sum | cut -c1-64\n')
    engine.chmod(0o755)
    path = f"{tmp_path / 'bin'}:{os.environ['PATH']}"
    for _ in range(2):  # once more changes nothing
        subprocess.run(["bash", "-euo", "pipefail", "-c", block], cwd=tmp_path, env={"PATH": path}, check=True)
    pinned = re.compile(r":v?\d+\.\d+\.\d+[a-z0-9.-]*@sha256:[0-9a-f]{64}\Z")
    services = yaml.safe_load((tmp_path / "docker" / "compose.yaml").read_text(encoding="utf-8"))["services"]
    images = [service["image"] for name, service in services.items() if "build" not in service]
    images += [
        base
        for image in IMAGES
        for base in re.findall(r"^FROM (\S+)", (tmp_path / "docker" / image.name).read_text(), re.MULTILINE)
    ]
    assert len(images) == len(SERVICES) - len(OURS) + 5
    assert [image for image in images if not pinned.search(image)] == []
    assert " AS packages\n" in (tmp_path / "docker" / "server.Dockerfile").read_text(), "and nothing else"


def test_secrets_never_reach_a_build() -> None:
    rules = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and not line.startswith("#")]
    assert rules[0] == "*"
    assert not any(rule.startswith("!docker") for rule in rules)


def test_every_room_is_let_into_the_build() -> None:
    let_in = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    for image in IMAGES:
        assert set(copied(image)) <= let_in
        for source in re.findall(r"^COPY (requirements|console|docs)/?(\S*) ", image.read_text(), re.MULTILINE):
            assert any("/".join(source).strip("/").startswith(part) for part in let_in), source


# compose --------------------------------------------------------------------------------------------------------------


def test_compose_is_of_the_compose_specification() -> None:
    checker = Path(sys.executable).parent / "check-jsonschema"
    done = subprocess.run(
        [checker, "--builtin-schema", "vendor.compose-spec", DOCKER / "compose.yaml"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def test_compose_refers_to_nothing_that_is_not_there() -> None:
    for name, service in SERVICES.items():
        assert set(service.get("depends_on", {})) <= set(SERVICES), name
        assert set(service.get("networks", {})) <= set(COMPOSE["networks"]), name
        assert set(service.get("secrets", [])) <= set(COMPOSE["secrets"]), name
        for volume in service.get("volumes", []):
            source = volume.partition(":")[0]
            if source.startswith("./secrets"):
                continue
            assert (DOCKER / source).exists() if source.startswith(".") else source in COMPOSE["volumes"], volume
    used = {secret for service in SERVICES.values() for secret in service.get("secrets", [])}
    assert used == set(COMPOSE["secrets"]), "a secret that nobody reads"


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_a_service_has_no_more_rights_than_it_needs(name: str) -> None:
    service = SERVICES[name]
    assert "privileged" not in service
    assert re.search(r":v?\d+\.\d+\.\d+|:\$\{STETH_VERSION:-\d+\.\d+\.\d+\}", service["image"]), "pinned by tag"
    assert service.get("healthcheck") or name in OURS, "its image has none"
    for variable, value in service.get("environment", {}).items():
        assert "PASSWORD" not in variable or variable.endswith("_FILE"), f"{variable}={value}"
    if name == "db":  # its image begins as root and steps down
        return
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert name not in OURS or service["ulimits"] == {"core": 0}
    assert name in OURS or service["user"] != "0"


def test_what_is_published() -> None:
    published = {port for service in SERVICES.values() for port in service.get("ports", [])}
    assert published == {
        "8883:8883",
        "${STETH_WEBSOCKET_PORT:-443}:8443",
        "${STETH_CONSOLE_PORT:-8444}:8443",
        "127.0.0.1:3000:3000",
    }
    assert COMPOSE["networks"]["inside"] == {"internal": True}
    for name in ("db", "ingest", "prometheus"):
        assert SERVICES[name]["networks"] == ["inside"]


def test_the_door_reaches_what_it_leads_to() -> None:
    text = (DOCKER / "proxy" / "nginx.conf").read_text(encoding="utf-8")
    listening = re.findall(r"^listener (\d+)$", (DOCKER / "mosquitto" / "mosquitto.conf").read_text(), re.MULTILINE)
    led = {(name, port) for name, port in re.findall(r" (\w+):(\d+);", text)}
    assert led == {("api", "8420"), ("mosquitto", "8883"), ("mosquitto", "8443")}
    assert {port for name, port in led if name == "mosquitto"} <= set(listening)
    for name, _ in led:
        assert set(SERVICES[name]["networks"]) & set(SERVICES["proxy"]["networks"]), name
        assert name in SERVICES["proxy"]["depends_on"], "it gives 443 up before the proxy takes it"


def test_the_api_is_reached_by_the_proxy_alone_and_takes_its_word_alone() -> None:
    api, proxy = SERVICES["api"], SERVICES["proxy"]
    (door,) = COMPOSE["networks"]["door"]["ipam"]["config"]
    places = [service["networks"]["door"]["ipv4_address"] for service in (api, proxy)]
    assert all(ip_address(place) in list(ip_network(door["subnet"]).hosts())[1:] for place in places), (
        "not the gateway's"
    )
    assert COMPOSE["networks"]["door"]["internal"] is True
    assert [name for name, service in SERVICES.items() if "door" in service.get("networks", ())] == ["api", "proxy"]
    assert (set(api["networks"]), set(proxy["networks"])) == ({"inside", "door"}, {"outside", "door"})
    trusted = Settings(proxies=api["environment"]["STETH_PROXIES"]).proxy_networks()
    assert list(map(str, trusted)) == [f"{places[1]}/32"]
    assert "FORWARDED_ALLOW_IPS" not in (DOCKER / "compose.yaml").read_text(encoding="utf-8")


def test_each_part_is_there_and_two_ingest_processes() -> None:
    assert set(SERVICES) == {"db", "mosquitto", "proxy", "prometheus", "grafana", *OURS}
    assert SERVICES["ingest"]["deploy"]["replicas"] == 2
    version = tuple(map(int, SERVICES["mosquitto"]["image"].partition("@")[0].partition(":")[2].split(".")))
    assert version >= (2, 0, 21), "older ones ignore receive-maximum when acknowledgements come in batches"
    assert all(f":-{PROJECT['project']['version']}}}" in SERVICES[name]["image"] for name in OURS)


def test_the_broker_starts_with_its_lists_or_says_which_is_missing(tmp_path: Path) -> None:
    (script,) = SERVICES["mosquitto"]["command"]
    script = (
        script.replace("$$", "$").replace("/mosquitto/", f"{tmp_path}/").replace("exec mosquitto", "exec echo started")
    )
    for folder, file, text in (("config", "acl", "a"), ("certs", "revoked.acl", "b"), ("run", "", "")):
        (tmp_path / folder).mkdir()
        if file:
            (tmp_path / folder / file).write_text(text)

    def start() -> tuple[str, str]:
        done = subprocess.run(["/bin/sh", "-ec", script], capture_output=True, text=True, check=False)
        return done.stdout, done.stderr

    assert start() == ("", "secrets/broker/steth-ca.crl is missing: docs/deploy.md, Upgrade\n")
    (tmp_path / "certs" / "steth-ca.crl").touch()
    assert start()[0].startswith("started -c ")
    assert (tmp_path / "run" / "acl").read_text() == "ab"


def test_mosquitto_never_has_settings_per_listener() -> None:
    lines = [
        line.split()
        for line in (DOCKER / "mosquitto" / "mosquitto.conf").read_text(encoding="utf-8").splitlines()
        if line and not line.startswith("#")
    ]
    assert "per_listener_settings" not in {line[0] for line in lines}
    listeners = [line for line in lines if line[0] == "listener"]
    lists = [line[1].rpartition("/")[2] for line in lines if line[0] == "crlfile"]
    assert lists == ["device-ca.crl", "steth-ca.crl"], "the WebSocket's none: with one a SIGHUP may be the broker's end"
    for needed in (["require_certificate", "true"], ["use_identity_as_username", "true"], ["tls_version", "tlsv1.2"]):
        assert lines.count(needed) == len(listeners) == 3
