"""Quarantine: what was refused, with its reason and its payload, so that nothing is lost."""

from datetime import datetime

import zstandard

from orchestration.warehouse import Connection


def put(
    connection: Connection,
    *,
    source: str,
    external_id: str | None,
    tick: datetime | None,
    reason: str,
    payload: bytes | None,
    run_id: str | None,
) -> None:
    """Keep what was refused. The same refusal of the same event and tick is kept once."""
    connection.execute(
        """insert into market.quarantine (source, external_id, tick, reason, payload_zstd, run_id)
           select %(source)s, %(external_id)s, %(tick)s, %(reason)s, %(payload)s, %(run_id)s
           where not exists (
               select from market.quarantine
               where source = %(source)s and external_id is not distinct from %(external_id)s
                   and tick is not distinct from %(tick)s and reason = %(reason)s and replayed_at is null)""",
        {
            "source": source,
            "external_id": external_id,
            "tick": tick,
            "reason": reason,
            "payload": zstandard.ZstdCompressor().compress(payload) if payload is not None else None,
            "run_id": run_id,
        },
    )
