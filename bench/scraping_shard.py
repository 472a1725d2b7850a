"""One shard's worker as a process: `python -m bench.scraping_shard URL TICK`; waits for a line, prints its CPU seconds.

It asks by the shared budget, as a run does.
"""

import resource
import sys
from datetime import datetime

from orchestration.capturing import capture_tick
from orchestration.marketplaces.turns import Rate, Rules, per_second
from orchestration.marketplaces.vividseats import VividSeats
from orchestration.resources import Warehouse
from orchestration.shared_turns import SharedTurns


def main() -> None:
    """Say that it is ready, wait for a word, capture, say what it took."""
    url, tick = sys.argv[1:]
    warehouse = Warehouse()
    turns = SharedTurns(warehouse.connect_to, "simulator", Rules((per_second(1000), Rate(60_000, 60.0))))
    with warehouse.connection() as connection:
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        sys.stdin.readline()
        before = _cpu()
        client = VividSeats(url, "bench", source="simulator", turns=turns)
        capture_tick(connection, client, datetime.fromisoformat(tick), None, "bench", "one plan")
        sys.stdout.write(f"{_cpu() - before}\n")


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
