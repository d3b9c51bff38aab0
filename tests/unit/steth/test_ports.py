"""Who holds a port of a run: one run, from the choice to its end, and a child of it beside."""

import socket
import subprocess
import sys

import pytest

from steth.ports import Ports
from tests.fixtures.ports import free_port

HOLDS = """
import sys
from steth.ports import Ports
with Ports() as ports:
    print(ports.take(int(sys.argv[1])), flush=True)
    sys.stdin.read()
"""


def bind(port: int, *, reuse: bool) -> socket.socket:
    made = socket.socket()
    if reuse:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        made.bind(("127.0.0.1", port))
    except OSError:
        made.close()
        raise
    return made


def test_ports_are_distinct_and_nobody_elses() -> None:
    with Ports() as ports, Ports() as others:
        made = [each.new() for each in (ports, others) for _ in range(20)]
        assert len(set(made)) == 40
        assert not others.take(made[0])
        with pytest.raises(OSError, match="in use"):
            bind(made[0], reuse=False)


def test_a_child_listens_on_a_held_port_and_again_after_it_died() -> None:
    with Ports() as ports:
        port = ports.new()
        for _ in range(2):
            with bind(port, reuse=True) as child:
                child.listen()
                with socket.create_connection(("127.0.0.1", port), 5):
                    child.accept()[0].close()
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port), 5)


def test_where_somebody_listens_nothing_is_held() -> None:
    with bind(0, reuse=True) as taken, Ports() as ports:
        taken.listen()
        port = taken.getsockname()[1]
        assert not ports.take(port)
        assert ports.kept(port) != port
        taken.close()
        assert ports.kept(port) == port


def test_another_run_holds_it_until_it_is_killed() -> None:
    port = free_port()
    other = subprocess.Popen([sys.executable, "-c", HOLDS, str(port)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert other.stdout is not None
        assert other.stdout.readline() == b"True\n"
        with Ports() as ports:
            assert not ports.take(port)
            other.kill()
            other.wait()
            assert ports.take(port)
    finally:
        other.kill()
        other.communicate()
