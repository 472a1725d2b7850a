"""One worker on a tick, as a process of its own: `python -m tests.scraping_worker TICK RUN_ID PLAN`.

It does what a run of the asset `captures` does, without Dagster's start.
"""

import sys
from datetime import datetime

from orchestration.capturing import capture_tick
from orchestration.resources import Warehouse, marketplace_of
from orchestration.settings import settings

if __name__ == "__main__":
    tick, run_id, plan = sys.argv[1:]
    with Warehouse().connection() as connection:
        counts = capture_tick(connection, marketplace_of(settings()), datetime.fromisoformat(tick), None, run_id, plan)
    sys.stdout.write(f"{dict(counts)}\n")
