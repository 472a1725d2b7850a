"""What invented buyers bought at the box office: the first step of its summary, on the simulator alone."""

from datetime import UTC, datetime

import dagster as dg

from orchestration.asset_pages import BOX_OFFICE
from orchestration.simulated_sales import GROUP, sales_of, sold_market
from tickettape.box_office import sell_simulated_event
from tickettape.database import Warehouse, yield_to_live_work
from tickettape.marketplaces import Marketplaces
from tickettape.settings import Settings


@dg.asset(key=BOX_OFFICE.key, group_name=GROUP, kinds={"postgres"})
def simulated_sales(
    warehouse: dg.ResourceParam[Warehouse],
    settings: dg.ResourceParam[Settings],
    marketplaces: dg.ResourceParam[Marketplaces],
) -> dg.MaterializeResult[None]:
    """What the box office sells, at face value. Of the demo's event, invented buyers buy what the simulator says.

    Whatever people buy is here too: nothing has to run for it.
    """
    watched = sold_market(settings, marketplaces)
    if watched is None:
        return dg.MaterializeResult(metadata={"tickets bought": 0})
    with warehouse.connection() as connection:
        yield_to_live_work(connection)
        tickets = sell_simulated_event(connection, sales_of(watched), datetime.now(UTC))
    return dg.MaterializeResult(metadata={"tickets bought": tickets})
