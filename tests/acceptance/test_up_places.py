"""`steth up` where machines are odd: letters of a folder, locales, shared memory, ports, a disk that is full."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import tomllib
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from steth.up import ADMIN
from tests.chaos.programs import scrape
from tests.fixtures.disk import small_disk
from tests.fixtures.parts import missing
from tests.fixtures.ports import free_port, wait_until
from tests.fixtures.up import Up, running

MB = 1024 * 1024
NAME = "数据 a'b\"c"


@pytest.fixture(scope="session")
def locales(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a GB 18030 locale, made by glibc's own compiler."""
    folder = tmp_path_factory.mktemp("locales")
    try:
        subprocess.run(
            ["localedef", "-i", "zh_CN", "-f", "GB18030", str(folder / "zh_CN.GB18030")],
            capture_output=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError) as error:
        missing("the locale zh_CN.GB18030", get=f"apt-get install locales ({error})")
    return folder


@pytest.fixture
def tmp_data(tmp_path: Path) -> Iterator[Path]:
    """Where the run lives; in the end no process works there any more."""
    yield tmp_path
    assert not working_in(tmp_path)


def working_in(folder: Path) -> list[psutil.Process]:
    return [p for p in psutil.process_iter(["cwd"]) if (p.info["cwd"] or "").startswith(f"{folder}/")]


def up_for(seconds: int, folder: Path, *wrapped: str, **environment: str) -> str:
    """What a run says that ends by itself, without devices."""
    command: list[str | bytes] = [*wrapped, sys.executable, "-m", "steth", "up", "--data", os.fsencode(folder)]
    command += ["--http", str(free_port()), "--devices", "0", "--seconds", str(seconds)]
    done = subprocess.run(command, capture_output=True, env={**os.environ, **environment}, timeout=90, check=False)
    assert done.returncode == 0, done.stderr + done.stdout
    return done.stdout.decode("gb18030" if "GB18030" in environment.get("LC_ALL", "") else "utf-8", "replace")


def test_a_chinese_folder_under_gb_18030(tmp_data: Path, locales: Path) -> None:
    """The agent's outbox, the logs that it reads and the database all lie there, by the letters of that locale. A proxy
    of the environment is for the world outside."""
    folder, said = os.fsencode(tmp_data) + b"/" + NAME.encode("gb18030"), tmp_data / "said"
    command: list[str | bytes] = [sys.executable, "-m", "steth", "up", "--data", folder, "--http", str(free_port())]
    with said.open("wb") as output:
        up = subprocess.Popen(
            [*command, "--devices", "1"],
            stdout=output,
            stderr=output,
            env={**os.environ, "LC_ALL": "zh_CN.GB18030", "LOCPATH": str(locales), "http_proxy": "http://127.0.0.1:9"},
        )
    try:
        wait_until(lambda: b" TICKET WX" in said.read_bytes(), what="a fault of the log as a ticket", seconds=90)
    finally:
        up.send_signal(signal.SIGINT)
        assert up.wait(60) == 0, said.read_bytes()
    assert NAME.encode("gb18030") in said.read_bytes()
    assert b"Traceback" not in said.read_bytes()


def test_a_chinese_folder_without_locale_shared_memory_or_a_terminal_that_shows_it(tmp_data: Path) -> None:
    nowhere = "mount -t tmpfs none /dev/shm -o ro"
    if subprocess.run(["unshare", "-m", "sh", "-c", nowhere], capture_output=True, check=False).returncode:
        missing("a mount namespace", get="run as root where mounting is allowed")
    wrapped = ("unshare", "-m", "sh", "-c", f'{nowhere} && exec "$@"', "sh")
    said = up_for(1, tmp_data / NAME, *wrapped, LC_ALL="C", PYTHONIOENCODING="ascii")
    assert f"user {ADMIN}" in said
    assert "\\u6570\\u636e" in said


def test_a_child_that_ends_while_others_start_is_named(tmp_data: Path) -> None:
    """Not the one that waited for it in vain, a minute and a half later."""
    folder = tmp_data / "data"
    command = [sys.executable, "-m", "steth", "up", "--data", str(folder), "--http", str(free_port())]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as up:

        def child(name: str) -> list[psutil.Process]:
            with contextlib.suppress(psutil.Error):
                return [p for p in working_in(tmp_data) if ["-m", "steth", name] == p.cmdline()[1:4]]
            return []

        try:
            wait_until(lambda: child("jobs") != [], what="the services' start", seconds=30)
            child("broker")[0].kill()
            said, _ = up.communicate(timeout=30)
        finally:
            up.kill()
    assert up.returncode == 2, said
    assert "broker ended at once" in said


def test_two_at_once_and_one_that_is_killed(tmp_path: Path) -> None:
    """Each has ports of its own, and of a killed one nothing is left, though nobody starts it again."""
    folders = [tmp_path / name / "data" for name in ("a", "b")]
    for folder in folders:
        folder.parent.mkdir()
    before = set(Path("/dev/shm").iterdir())
    with (
        running(folders[0], free_port(), "--devices", "1") as one,
        running(folders[1], free_port(), "--devices", "1") as two,
    ):
        starting = threading.Thread(target=one.ready)
        starting.start()
        two.ready()
        starting.join()
        ours = [ports_of(up) for up in (one, two)]
        assert ours[0].isdisjoint(ours[1])
        one.process.kill()
        one.process.wait()
        wait_until(lambda: not working_in(tmp_path / "a"), what="the end of its children and its database", seconds=30)
        assert two.process.poll() is None
        with contextlib.ExitStack() as others:  # who come meanwhile, and take its ports
            for port in ours[0]:
                with contextlib.suppress(OSError):  # somebody was there already
                    others.enter_context(socket.create_server(("127.0.0.1", port)))
            with running(folders[0], free_port(), "--devices", "1") as again:
                again.output.write_text("")
                again.ready()
                again.until(lambda: "1/1 devices heard" in said(again))
                assert ports_of(again).isdisjoint(ours[0])
    assert not working_in(tmp_path)
    assert {path for path in Path("/dev/shm").iterdir() if "PostgreSQL" in path.name} <= before


def ports_of(up: Up) -> set[int]:
    processes = psutil.Process(up.process.pid).children(recursive=True)
    found = [each.net_connections("tcp4") for each in processes]
    return {one.laddr.port for each in found for one in each if one.status == psutil.CONN_LISTEN}


def test_the_same_port_asked_twice_is_one_line(tmp_path: Path) -> None:
    http = str(free_port())
    command = [sys.executable, "-m", "steth", "up", "--http", http, "--mqtt", http, "--data", str(tmp_path / "data")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert done.stderr.strip() == f"steth: port {http} is in use on 127.0.0.1: choose another with --mqtt"
    assert not working_in(tmp_path)


@pytest.mark.alone
def test_a_full_disk_is_said_within_five_seconds_and_when_it_is_over(tmp_path: Path) -> None:
    with small_disk(tmp_path, 500 * MB) as disk:
        (tmp_path / "x").mkdir()
        with running(tmp_path / "x" / "data", free_port()) as up:
            up.ready()
            up.until(lambda: "4/4 devices heard" in said(up))
            disk.fill()
            wait_until(lambda: "THE DATABASE CAN'T STORE" in said(up), what="saying it", seconds=5)
            before = waiting(up)

            def taken_although_full() -> bool:
                disk.fill()  # others take whatever becomes free
                return waiting(up) >= before + 3

            up.until(taken_although_full)
            disk.make_room()
            up.until(lambda: "the database stores again" in said(up))
            up.until(lambda: up.get("/tickets")["items"])
            assert said(up).count("THE DATABASE CAN'T STORE") == 1
            assert " ended (" not in said(up), "nobody ends for that"


def waiting(up: Up) -> float:
    """Reports that the agent has taken from the equipment and not got rid of."""
    config = tomllib.loads((up.folder / "agent.toml").read_text(encoding="utf-8"))
    samples = scrape(config["agent"]["health"])
    return sum(value for name, value in samples.items() if name.startswith("steth_agent_outbox_reports"))


def said(up: Up) -> str:
    return up.output.read_text(encoding="utf-8")
