"""How long anything of ours waits for the database: the same for each way of connecting to it."""

from typing import Any

CONNECT_TIMEOUT_SECONDS = 10

KEEPALIVES: dict[str, Any] = {
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
}
"""Of libpq: a server that is gone without a word, or a network that drops packets, is noticed in half a minute."""

LONGEST_STATEMENT = "6h"
"""As long as Dagster lets a run take. Said by each connection, because what a role has for a time-out, made for people
who ask questions, must not stop the rollups."""
