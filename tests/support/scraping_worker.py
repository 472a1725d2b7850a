"""One worker on a tick, as a process of its own: `python -m tests.support.scraping_worker TICK RUN_ID PLAN`.

It does what a run of the asset `captures` does, without Dagster's start. It prints the monotonic moment at which each
request is sent: a marketplace on a busy machine notices them late, and several at once.
"""

import logging
import sys
import time
from datetime import datetime

from tickettape.database import Warehouse
from tickettape.marketplaces import open_marketplace
from tickettape.observations import capture_tick
from tickettape.settings import settings


class Sent(logging.Handler):
    """Prints when the HTTP library begins to send a request."""

    def emit(self, record: logging.LogRecord) -> None:
        """See logging.Handler."""
        if record.getMessage().startswith("send_request_headers.started"):
            sys.stdout.write(f"sent {time.monotonic()}\n")


if __name__ == "__main__":
    http = logging.getLogger("httpcore.http11")
    http.setLevel(logging.DEBUG)
    http.propagate = False
    http.addHandler(Sent())
    tick, run_id, plan = sys.argv[1:]
    with Warehouse().connection() as connection:
        counts = capture_tick(
            connection, open_marketplace(settings()), datetime.fromisoformat(tick), None, run_id, plan
        )
    sys.stdout.write(f"{dict(counts)}\n")
