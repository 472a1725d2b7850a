"""The box office: the primary market. Tiers sold by quantity, seats that are held, payments, the waitlist.

The rules are in the database (schema box_office), so that they hold whoever writes; this room calls them.
"""

from tickettape.box_office.access import check_permissions, grant_roles
from tickettape.box_office.chores import (
    is_in_use,
    reprice_events,
    summary_is_due,
    upkeep_is_due,
)
from tickettape.box_office.configured_providers import providers_of
from tickettape.box_office.events import (
    WrongLinesError,
    add_seats,
    add_tier,
    create_event,
    parse_price,
    parse_seats,
    read_seats,
    set_status,
)
from tickettape.box_office.notices import UNSUBSCRIBE, send_notices, unsubscribe_page
from tickettape.box_office.passwords import check_password, hash_password
from tickettape.box_office.payments import (
    Begun,
    Payment,
    Providers,
    carry_out,
    give_back_requested,
    receive,
    refund,
)
from tickettape.box_office.providers import BadSignatureError, Charge, ProviderError
from tickettape.box_office.refusals import RefusedError
from tickettape.box_office.reporting import (
    link_zone,
    place_zones,
    promoters,
    set_sales_public,
    set_sales_tenant,
    unlink_zone,
)
from tickettape.box_office.sales import Discrepancy, discrepancies, sales
from tickettape.box_office.sample_data import add_sample_events, close_demo, open_demo
from tickettape.box_office.simulated_provider import Told, told_to
from tickettape.box_office.simulated_sales import (
    DEMO_PROMOTER,
    compared,
    sell_simulated_event,
    simulated_event,
)
from tickettape.box_office.upkeep import tidy
from tickettape.box_office.users import erase_again, erase_user, forget_old, make_promoter, normal_email

__all__ = [
    "DEMO_PROMOTER",
    "UNSUBSCRIBE",
    "BadSignatureError",
    "Begun",
    "Charge",
    "Discrepancy",
    "Payment",
    "ProviderError",
    "Providers",
    "RefusedError",
    "Told",
    "WrongLinesError",
    "add_sample_events",
    "add_seats",
    "add_tier",
    "carry_out",
    "check_password",
    "check_permissions",
    "close_demo",
    "compared",
    "create_event",
    "discrepancies",
    "erase_again",
    "erase_user",
    "forget_old",
    "give_back_requested",
    "grant_roles",
    "hash_password",
    "is_in_use",
    "link_zone",
    "make_promoter",
    "normal_email",
    "open_demo",
    "parse_price",
    "parse_seats",
    "place_zones",
    "promoters",
    "providers_of",
    "read_seats",
    "receive",
    "refund",
    "reprice_events",
    "sales",
    "sell_simulated_event",
    "send_notices",
    "set_sales_public",
    "set_sales_tenant",
    "set_status",
    "simulated_event",
    "summary_is_due",
    "tidy",
    "told_to",
    "unlink_zone",
    "unsubscribe_page",
    "upkeep_is_due",
]
