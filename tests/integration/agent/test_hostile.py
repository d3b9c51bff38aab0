"""What may come down from a broker that anybody could write to: counted, ignored, and the way up goes on."""

import random
from pathlib import Path

import pytest
import trustme

from agent.config.shapes import Server as ServerSection
from agent.uplink.endpoint import endpoint as as_configured
from agent.uplink.link import Endpoint
from agent.uplink.uplink import Uplink
from tests.fixtures.mosquitto import Mosquitto
from tests.fixtures.trixie import Tree
from tests.integration.agent.rig import Rig, fault
from wire.codec import encode
from wire.commands import Ack, Announce, Command
from wire.topics import Down, Lane, down

HOSTILE = [
    b"",
    b"\x00",
    b"{}",
    b"null",
    b"[" * 200_000,
    b'{"lane":"live","epoch":"' + b"x" * 1000 + b'","seq":1,"now":1}',
    b'{"lane":"live","epoch":"","seq":-1,"now":1}',
    b'{"lane":"live","epoch":"","seq":1e400,"now":1}',
    b'{"lane":"side","epoch":"","seq":1,"now":1}',
    b"\xff\xfe" * 50,
    b'{"id":"c0000000000000000","issued":1,"expires":1,"do":{"t":"format-disk"}}',
    random.Random(7).randbytes(5000),
]


async def test_hostile_bytes_from_above_are_counted_and_ignored(mosquitto: Mosquitto, tmp_path: Path) -> None:
    async with Rig(folder=tmp_path, port=mosquitto.port) as rig:
        await rig.put(live=[fault("A")])
        await rig.emptied()
        before = rig.uplink.counters.ignored
        for body in HOSTILE:
            for what in Down:
                await rig.server.publish(down(rig.device, what), body)
        expected = before + len(HOSTILE) * len(Down)
        await rig.server.until(lambda: rig.uplink.counters.ignored == expected, "every one counted")
        await rig.put(live=[fault("B")])
        await rig.emptied()
        assert rig.codes() == ["A", "B"]
        assert not rig.commands
        assert rig.uplink.counters.connections == 1


async def test_forged_acknowledgements_delete_nothing_that_they_do_not_prove(
    mosquitto: Mosquitto, tmp_path: Path
) -> None:
    async with Rig(folder=tmp_path, port=mosquitto.port) as rig:
        rig.server.deaf.add(Lane.LIVE)
        await rig.put(live=[fault("A")])
        await rig.server.until(lambda: rig.server.arrived, "A on the wire")
        epoch = rig.outbox.state.epoch
        for forged in (
            Ack(lane=Lane.LIVE, epoch="f0re1gnep0ch", seq=1, digest="0" * 32, now=1),
            Ack(lane=Lane.LIVE, epoch="", seq=1, digest="0" * 32, now=1, back=1),
            Ack(lane=Lane.LIVE, epoch="", seq=0, now=1, hello=True),
            Ack(lane=Lane.LIVE, epoch=epoch, seq=0, now=1, back=10**15),
        ):
            await rig.server.publish(down(rig.device, Down.ACK), encode(forged))
        await rig.server.publish(
            down(rig.device, Down.ACK), encode(Ack(lane=Lane.LIVE, epoch=epoch, seq=1, digest="1" * 32, now=1))
        )
        rig.server.deaf.clear()
        await rig.server.until(lambda: rig.outbox.state.epoch != epoch, "a new epoch, for that digest is not ours")
        await rig.emptied()
        assert rig.codes() == ["A"]


async def test_what_is_retained_on_the_way_down_means_nothing(mosquitto: Mosquitto, tmp_path: Path) -> None:
    async with Rig(folder=tmp_path, port=mosquitto.port) as rig:
        await rig.server.until(lambda: rig.uplink.ready, "a session")
        await rig.go_down()
        command = Command(id="c0000000000000000", issued=1, expires=4_000_000_000_000, do=Announce())
        await rig.server.publish(down(rig.device, Down.COMMAND), encode(command), retain=True)
        before = rig.uplink.counters.ignored
        rig.go_up()
        await rig.server.until(lambda: rig.uplink.counters.ignored == before + 1, "the retained command ignored")
        await rig.server.publish(down(rig.device, Down.COMMAND), b"", retain=True)
        assert not rig.commands


@pytest.fixture
def authority() -> trustme.CA:
    return trustme.CA()


def endpoint(*, broker: Mosquitto, folder: Path, trusted: trustme.CA, certified: trustme.CA, device: str) -> Endpoint:
    """As the agent makes it of a configuration."""
    assert broker.tls_port is not None
    certificate = certified.issue_cert(device, common_name=device)
    (folder / "ca.pem").write_bytes(trusted.cert_pem.bytes())
    (folder / "device.pem").write_bytes(b"".join(pem.bytes() for pem in certificate.cert_chain_pems))
    (folder / "device.key").write_bytes(certificate.private_key_pem.bytes())
    section = ServerSection(ca=str(folder / "ca.pem"), cert=str(folder / "device.pem"), key=str(folder / "device.key"))
    return as_configured(section, f"mqtts://localhost:{broker.tls_port}", device)


async def test_it_speaks_mutual_tls(trixie: Tree, authority: trustme.CA, tmp_path: Path) -> None:
    with Mosquitto(tree=trixie, authority=authority) as broker:
        rig = Rig(folder=tmp_path, port=broker.port)
        rig.endpoint = endpoint(
            broker=broker, folder=tmp_path, trusted=authority, certified=authority, device=rig.device
        )
        async with rig:
            await rig.put(live=[fault("A")])
            await rig.emptied()
            assert rig.codes() == ["A"]


@pytest.mark.parametrize("wrong", ["server", "client"])
async def test_a_certificate_of_another_authority_ends_the_connection(
    trixie: Tree, authority: trustme.CA, tmp_path: Path, wrong: str
) -> None:
    other = trustme.CA()
    with Mosquitto(tree=trixie, authority=authority) as broker:
        rig = Rig(folder=tmp_path, port=broker.port)
        rig.endpoint = endpoint(
            broker=broker,
            folder=tmp_path,
            trusted=other if wrong == "server" else authority,
            certified=other if wrong == "client" else authority,
            device=rig.device,
        )
        asked = 0

        def counting() -> Endpoint:
            nonlocal asked
            asked += 1
            return rig.endpoint

        async with rig:
            await rig.go_down()
            rig.uplink = Uplink(
                identity=rig.uplink._identity,
                endpoint=counting,
                outbox=rig.outbox,
                clock=rig.clock,
                now=rig.clock_now,
                command=rig.commands.append,
            )
            await rig.put(live=[fault("A")])
            rig.go_up()
            await rig.server.until(lambda: asked >= 2, "a second try")
            assert not rig.uplink.ready
            assert not rig.server.births
            assert rig.outbox.state.live.reports == 1
