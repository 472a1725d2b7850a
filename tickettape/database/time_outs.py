"""Time-outs of database connections, the same for every library that connects."""

from typing import Any

CONNECT_TIMEOUT_SECONDS = 10

KEEPALIVES: dict[str, Any] = {
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
}
"""Options of libpq, with which a vanished server or a network that drops packets is noticed within half a minute."""

LONGEST_STATEMENT = "6h"
"""The same as Dagster's limit for a run. Every connection sets it: the database role may have a time-out for people's
queries, which must not stop the rollups."""
