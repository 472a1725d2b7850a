"""What the service says that it did in a minute."""

from datetime import UTC, datetime

from tickettape.api_schema import ADD_SERVICE_MINUTES, LATENCY_BOUNDS
from tickettape.database import Connection


def did(connection: Connection, *, requests: int = 0, errors: int = 0, slow: int = 0, bucket: int = 0) -> None:
    counts = [0] * (len(LATENCY_BOUNDS) + 1)
    counts[bucket] = requests
    minute = datetime.now(UTC).replace(second=0, microsecond=0)
    row = {"route": "/r", "requests": requests, "refused": 0, "errors": errors, "slow_statements": slow}
    connection.execute(ADD_SERVICE_MINUTES, row | {"minute": minute, "seconds": 1.0, "latency_counts": counts})
