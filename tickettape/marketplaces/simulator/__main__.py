"""Serve the simulated market over real HTTP: `python -m tickettape.marketplaces.simulator`."""

import argparse
from collections.abc import Sequence

import uvicorn
from starlette.types import ASGIApp

from tickettape.marketplaces.simulator.app import build_app, wall_clock
from tickettape.marketplaces.simulator.first_hand import FedMarket
from tickettape.marketplaces.simulator.formats import SIMULATED_FORMATS
from tickettape.marketplaces.simulator.market import CHANGE_SHARE


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse the command line and serve until stopped."""
    parser = argparse.ArgumentParser(
        prog="python -m tickettape.marketplaces.simulator",
        description="A simulated ticket market, in the format of one of the marketplaces.",
    )
    parser.add_argument(
        "--format",
        choices=["vividseats", *SIMULATED_FORMATS],
        default="vividseats",
        help="the format of its answers (default: %(default)s)",
    )
    # Bound to this machine: nobody else should take made-up prices for real ones.
    parser.add_argument("--host", default="127.0.0.1", help="address to bind (default: %(default)s)")
    parser.add_argument("--port", type=int, default=8001, help="port (default: %(default)s)")
    parser.add_argument("--events", type=int, default=24, help="how many (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="another seed, another market")
    parser.add_argument(
        "--change-share",
        type=float,
        default=CHANGE_SHARE,
        help="share of listings that change per 10 minutes (default: %(default)s)",
    )
    chosen = parser.parse_args(arguments)
    market = FedMarket(chosen.seed, chosen.events, chosen.change_share)
    app: ASGIApp = build_app(market)
    if chosen.format in SIMULATED_FORMATS:
        app = SIMULATED_FORMATS[chosen.format].build_app(market, wall_clock)
    uvicorn.run(app, host=chosen.host, port=chosen.port, log_level="info")


if __name__ == "__main__":
    main()
