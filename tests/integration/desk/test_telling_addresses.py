from desk.telling.channels import Channels
from desk.telling.targets import Bounds
from desk.telling.watch import look
from desk.telling.way import Way
from tests.fixtures.postgres import Database
from tests.integration.desk.arrange import NOW, Hospital, connect, rows
from tests.integration.desk.listeners import HERE, webhook
from tests.integration.desk.tellers import open_tickets, round_, teller


async def test_no_secret_of_an_address_is_kept_with_the_error(database: Database) -> None:
    hospital = Hospital.make(database)
    with webhook() as hook:
        hook.status = 500
        hospital.recipient(hook.address())
        await open_tickets(database, hospital)
        async with teller(database, Channels(way=HERE)) as made:
            await round_(made, NOW)
    assert rows(database, "SELECT state, error, error_params FROM telling") == [
        ("waiting", "telling.status", {"status": 500})
    ]


async def test_whom_nothing_may_be_sent_to_is_failing_from_the_start(database: Database) -> None:
    """What a former version stored is not lost, and not found out by the first ticket."""
    hospital = Hospital.make(database)
    for address in ("forms://s3cret/x", "jsons://a.example/?verify=no", "json://127.0.0.1:5432/", "dingtalk://good"):
        hospital.recipient(address)
    async with teller(database, Channels(way=Way(Bounds()))) as made:
        await round_(made, NOW)
        fares = "SELECT address, error, failing_since IS NOT NULL, active FROM recipient ORDER BY id"
        assert rows(database, fares) == [
            ("forms://s3cret/x", "telling.address_not_allowed", True, True),
            ("jsons://a.example/?verify=no", "telling.address_not_allowed", True, True),
            ("json://127.0.0.1:5432/", "telling.target", True, True),
            ("dingtalk://good", "", False, True),
        ]
        rows(database, "UPDATE recipient SET active = false WHERE address = 'dingtalk://good'")
        async with await connect(database.jobs) as connection:
            watch = await look(connection, NOW + 301_000)
    assert [(each.name, each.why) for each in watch.untold] == [("First", "failing")]
