"""The live stream, as server-sent events."""

from functools import partial
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Header, Query, Request, Response

from api.feed.client import EventStream
from api.feed.hub import Hub
from api.feed.shapes import STREAMED
from api.http.context import Asked
from api.http.documented import problems
from api.http.language import InWords
from api.http.problems import ProblemCode
from api.http.rights import PREFIX
from api.http.route import Route

router = APIRouter(prefix=PREFIX, route_class=Route, tags=["stream"])
_STREAM: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "Events without end. `data` is JSON: an object of `x-events` by the event's name.",
        "content": {
            "text/event-stream": {
                "schema": {"type": "string"},
                "x-events": {
                    name: {"$ref": f"#/components/schemas/{shape if isinstance(shape, str) else shape.__name__}"}
                    for name, shape in STREAMED.items()
                },
            }
        },
    }
}


@router.get("/stream", responses={**problems(ProblemCode.TOO_MANY), **_STREAM}, response_class=Response)
async def stream(
    asked: Asked,
    words: InWords,
    request: Request,
    devices: Annotated[
        Literal["all", "changes"],
        Query(
            description="all: first every device, and `seen` whenever one is heard, which at ten thousand devices is 4 "
            "MB and then a MB a minute; changes: those alone that become otherwise. Load the list of devices after "
            "each `hello` then, also where `resumed` is true."
        ),
    ] = "all",
    last_event_id: Annotated[
        str | None,
        Header(max_length=80, description="`id` of the last event that was received; a browser sends it by itself."),
    ] = None,
) -> Response:
    """Devices, alerts and tickets as they change, and a beat that says whether all of it is current.

    After `hello` with `resumed` false, and after `reset`, load the lists: what changes from then on is sent. `alert`
    and `ticket` hold the thing as it is now: put it in the place of what is known of it. With `Last-Event-ID` the
    stream goes on where it ended, unless that is too long ago. Nothing is skipped, whatever commits late.

    An account has at most 20 streams: one more ends its oldest, at most every 5 s; else 429. A hospital's or a dealer's
    accounts have at most 200 together.
    """
    hub: Hub = request.app.state.hub
    account = asked.account
    join = partial(
        hub.join,
        account=account.id,
        org=account.org,
        kind=account.role.kind,
        lang=words.lang,
        token_id=account.token_id,
        last=last_event_id,
        whole=devices == "all",
    )
    return EventStream(join=join, reload=hub.reload, leave=hub.leave, now_ms=hub.now_ms)
