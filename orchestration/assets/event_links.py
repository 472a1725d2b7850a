"""Event links: which events of several marketplaces are one, decided apart from the ticks."""

from datetime import UTC, datetime

import dagster as dg

from tickettape.catalogue import match_sources
from tickettape.database import Warehouse


@dg.asset(group_name="upkeep", kinds={"postgres"})
def event_links(warehouse: dg.ResourceParam[Warehouse]) -> dg.MaterializeResult[None]:
    """Link what is one event at several marketplaces, by cautious rules. What a person decided is left alone.

    Not part of a tick: prices do not depend on links, and a person who matches by hand may hold the links' lock.
    """
    with warehouse.connection() as connection:
        made = match_sources(connection, datetime.now(UTC))
    return dg.MaterializeResult(metadata={"links made or ended": made.total(), **made})
