"""A server of ready-made answers: `python -m bench.ready_made EVENTS LEAST MOST`; prints its URL.

The bodies are made once, before it serves: those of a first tick, and those ten minutes later, when a tenth of the
listings has changed, for every tick after it. Each answer waits for between LEAST and MOST seconds.
"""

import asyncio
import random
import sys
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs

from starlette.types import Receive, Scope, Send

from bench.served import serve
from tickettape.marketplaces.http_client import SIMULATOR_TIME_HEADER
from tickettape.marketplaces.simulator import Market, answers

FIRST_TICK = datetime(2026, 11, 3, tzinfo=UTC)
TICK = timedelta(minutes=10)
CHANGE_SHARE = 0.1
HEADERS = [(b"content-type", b"application/json"), (b"x-tickettape-simulator", b"1")]


def main() -> None:
    """Make the bodies, say where, serve."""
    events, least, most = int(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3])
    market = Market(events=events, change_share=CHANGE_SHARE)
    first, later = (
        {str(one.production_id): answers.listings(market, one, at) for one in market.productions(FIRST_TICK)}
        for at in (FIRST_TICK, FIRST_TICK + TICK)
    )
    draw = random.Random(1)  # noqa: S311 - no secret

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        at = datetime.fromisoformat(dict(scope["headers"])[SIMULATOR_TIME_HEADER.encode()].decode())
        body = (later if at > FIRST_TICK else first)[parse_qs(scope["query_string"].decode())["productionId"][0]]
        await asyncio.sleep(draw.uniform(least, most))
        length = (b"content-length", str(len(body)).encode())
        await send({"type": "http.response.start", "status": 200, "headers": [*HEADERS, length]})
        await send({"type": "http.response.body", "body": body})

    serve(app)


if __name__ == "__main__":
    main()
