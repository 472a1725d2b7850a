"""The simulated market with faults, as a server: `python -m bench.faulty_market EVENTS SHARE PARTS`; prints its URL.

SHARE of the requests meet a fault; all kinds in the given parts are equally frequent (`PARTS` of the simulator's
faults). `/seen` reports what arrived: the most requests in any second and in any minute, and how many met each fault.
"""

import sys
from bisect import bisect_left
from collections import Counter

from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send

from bench.served import serve
from tickettape.marketplaces.simulator import Market, build_app
from tickettape.marketplaces.simulator.faults import PARTS, Faulty, evenly


def main() -> None:
    """Print the URL, then serve."""
    events, share = int(sys.argv[1]), float(sys.argv[2])
    kinds = [fault for part in sys.argv[3].split(",") for fault in PARTS[part]]
    market = Faulty(
        build_app(Market(events=events)), dict.fromkeys(kinds, share / len(kinds)), latency=evenly(0.05, 0.2)
    )

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] == "/seen":
            moments = [one.at for one in market.asked]
            seen = {
                "requests": len(moments),
                "most in a second": _most(moments, 1.0),
                "most in a minute": _most(moments, 60.0),
                "faults": Counter(one.fault.name for one in market.asked if one.fault),
            }
            await JSONResponse(seen)(scope, receive, send)
        else:
            await market(scope, receive, send)

    serve(app)


def _most(moments: list[float], seconds: float) -> int:
    return max((bisect_left(moments, moment + seconds) - number for number, moment in enumerate(moments)), default=0)


if __name__ == "__main__":
    main()
