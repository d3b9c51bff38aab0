"""The demo's staff, by the real API: what it does with the tickets of its own devices, and what it leaves alone."""

import asyncio

import httpx

from sim.staff import Staff, StaffConfig
from tests.integration.api.world import World

WALK = ["accepted", "on-site", "to-verify", "closed"]


class Here(httpx.BaseTransport):
    """Requests of another thread, answered by the app in the test's loop."""

    def __init__(self, here: World) -> None:
        self._here = here
        self._loop = asyncio.get_running_loop()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        work = self._here.http.request(
            request.method, request.url, content=request.read(), headers=list(request.headers.multi_items())
        )
        answer = asyncio.run_coroutine_threadsafe(work, self._loop).result(30)
        return httpx.Response(
            answer.status_code, content=answer.content, headers={"ETag": answer.headers.get("etag", "")}
        )


class Demo:
    """The staff of hospital A, at work as long as one likes."""

    def __init__(self, here: World, *, token: str | None = None) -> None:
        self.here = here
        self.mended: list[str] = []
        config = StaffConfig(
            api="http://steth.example",
            token=token or here.tokens["engineer"],
            desk=here.tokens["noc"],
            devices={here.a.device: "dr-1"},
        )
        self.staff = Staff(config=config, mend={"dr-1": lambda: self.mended.append("dr-1")})
        self.client = httpx.Client(
            base_url="http://steth.example/api/v1",
            headers={"Authorization": f"Bearer {config.token}"},
            transport=Here(here),
        )
        self.now_s = 0.0

    async def works(self, seconds: float) -> None:
        for _ in range(int(seconds / 5)):
            self.now_s += 5
            await asyncio.to_thread(self.staff.work, self.client, now_s=self.now_s)

    async def status(self, number: str) -> str:
        return str((await self.here.ask("GET", f"/tickets/{number}")).json()["status"])


def over(here: World) -> None:
    here.look("UPDATE alert SET condition = 'ok', cleared_at = now() RETURNING 1")


async def test_it_takes_mends_and_closes_once_the_alerts_are_over(here: World) -> None:
    demo = Demo(here)
    await demo.works(30)
    assert await demo.status(here.a.ticket) == "new", "a newcomer sees it first"
    await demo.works(600)
    assert await demo.status(here.a.ticket) == "to-verify", "what lasts is not closed"
    assert demo.mended == ["dr-1"]
    over(here)
    await demo.works(10)
    assert await demo.status(here.a.ticket) == "closed"
    events = (await here.ask("GET", f"/tickets/{here.a.ticket}")).json()["events"]
    assert [(event["event"], event["actor"]) for event in events[1:]] == [
        *((event, "engineer") for event in ("take", "arrive", "mend")),
        ("verify", "noc"),
    ]


async def test_other_hospitals_tickets_are_left_alone(here: World) -> None:
    over(here)
    await Demo(here).works(600)
    assert await Demo(here).status(here.b.ticket) == "new"


async def test_who_is_quicker_goes_before_it(here: World) -> None:
    demo = Demo(here)
    answer = await here.ask(
        "POST", f"/tickets/{here.a.ticket}/transition", json={"event": "take"}, headers={"If-Match": '"1"'}
    )
    version = answer.headers["etag"]
    await here.ask(
        "POST", f"/tickets/{here.a.ticket}/transition", json={"event": "need-parts"}, headers={"If-Match": version}
    )
    over(here)
    await demo.works(600)
    assert await demo.status(here.a.ticket) == "awaiting-parts", "parts that somebody ordered are waited for"
