"""A worker as a process: `python -m bench.scraping_shard URL REQUESTS_PER_SECOND REQUESTS_PER_MINUTE`.

For each tick that it reads, a line, it captures its part and prints the CPU seconds it took and its memory in MB.
It asks by the shared budget, as a run does.
"""

import resource
import sys
from datetime import datetime

import psutil
import stamina

from tickettape.database import Warehouse
from tickettape.marketplaces.breaker import BreakerPolicy
from tickettape.marketplaces.rate_limiter import Rate, RateLimits, rate_per_second
from tickettape.marketplaces.shared_rate_limiter import SharedRateLimiter
from tickettape.marketplaces.simulator import ServedSimulator
from tickettape.observations import capture_tick


def main() -> None:
    """Say that it is ready; capture tick by tick until there is no more."""
    url, second, minute = sys.argv[1:]
    stamina.instrumentation.set_on_retry_hooks([])  # it would say each retry where the figures are expected
    warehouse = Warehouse()
    rules = RateLimits((rate_per_second(float(second)), Rate(int(minute), 60.0)), BreakerPolicy())
    turns = SharedRateLimiter(warehouse.connect_to, "simulator", rules)
    with warehouse.connection() as connection:
        _say("ready")
        for line in sys.stdin:
            before = _cpu()
            client = ServedSimulator(url, "bench", limiter=turns)
            capture_tick(connection, client, datetime.fromisoformat(line.strip()), None, "bench", "one plan")
            _say(f"{_cpu() - before} {psutil.Process().memory_info().rss / 1e6}")


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
