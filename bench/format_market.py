"""The simulated market in one format, as a server: `python -m bench.format_market FORMAT EVENTS SHORTEST LONGEST`.

It prints its URL. A request takes SHORTEST to LONGEST seconds. While it is blocking (`/block`, until `/unblock`), each
one is answered 403. `/seen` reports what arrived: how many requests, and the most in any second and in any minute.

On a busy machine this process stalls, and then sees at once what arrived during the stall. So it notes when it was last
awake, and counts only requests that certainly arrived within one second or minute.
"""

import asyncio
import random
import sys
import time
from bisect import bisect_right

from starlette.responses import JSONResponse, PlainTextResponse
from starlette.types import Receive, Scope, Send

from bench.served import serve
from tickettape.marketplaces.simulator import SIMULATED_FORMATS, Market, build_app
from tickettape.marketplaces.simulator.app import wall_clock

AWAKE_SECONDS = 0.005


def main() -> None:
    """Print the URL, then serve."""
    name, events, shortest, longest = sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), float(sys.argv[4])
    market = Market(events=events)
    served = SIMULATED_FORMATS[name].build_app(market, wall_clock) if name in SIMULATED_FORMATS else build_app(market)
    asked: list[tuple[float, float]] = []  # when it arrived: not before, not after
    awake, blocking = time.monotonic(), False

    async def stay_awake() -> None:
        nonlocal awake
        now = time.monotonic()
        while True:
            # a turn late: what arrived before a turn is handed to the application after it
            awake, now = now, time.monotonic()
            await asyncio.sleep(AWAKE_SECONDS)

    tasks: list[asyncio.Task[None]] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        nonlocal blocking
        if scope["type"] != "http":
            return
        if not tasks:
            tasks.append(asyncio.create_task(stay_awake()))
        if scope["path"] == "/seen":
            seen = {
                "requests": len(asked),
                "most in a second": most_certainly(asked, 1.0),
                "most in a minute": most_certainly(asked, 60.0),
            }
            await JSONResponse(seen)(scope, receive, send)
        elif scope["path"] in ("/block", "/unblock"):
            blocking = scope["path"] == "/block"
            await PlainTextResponse("ok")(scope, receive, send)
        else:
            asked.append((awake, time.monotonic()))
            await asyncio.sleep(random.uniform(shortest, longest))  # noqa: S311
            if blocking:
                await PlainTextResponse("Forbidden", 403)(scope, receive, send)
            else:
                await served(scope, receive, send)

    serve(app)


def most_certainly(arrivals: list[tuple[float, float]], seconds: float) -> int:
    """Most requests that arrived within any time of this length, whenever in its span each of them arrived."""
    ends = [latest for _, latest in arrivals]  # in order, as are the beginnings
    return max(
        (bisect_right(ends, earliest + seconds) - number for number, (earliest, _) in enumerate(arrivals)), default=0
    )


if __name__ == "__main__":
    main()
