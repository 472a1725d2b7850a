"""The version of what is known of an event."""

from serving.database import Database


async def version_of(database: Database, key: bytes, event_id: object) -> str | None:
    """A version that changes whenever a response about the event may change; None if the key may not see the event."""
    cursor = await database.ask(key, "select api.data_version(%(event_id)s::uuid)", {"event_id": event_id})
    (version,) = await cursor.fetchone() or (None,)
    return version
