"""The box office: the primary market. Tiers sold by quantity, seats that are held, payments, the waitlist.

The rules are in the database (schema box_office), so that they hold whoever writes; this room calls them.
"""

from tickettape.box_office.access import check_permissions, grant_roles
from tickettape.box_office.configured_providers import providers_of
from tickettape.box_office.events import add_seats, add_tier, create_event, parse_price, read_seats, set_status
from tickettape.box_office.payments import give_back_requested, refund
from tickettape.box_office.refusals import RefusedError
from tickettape.box_office.sales import discrepancies, sales
from tickettape.box_office.sample_data import add_sample_events
from tickettape.box_office.upkeep import tidy
from tickettape.box_office.users import erase_again, erase_user, forget_old

__all__ = [
    "RefusedError",
    "add_sample_events",
    "add_seats",
    "add_tier",
    "check_permissions",
    "create_event",
    "discrepancies",
    "erase_again",
    "erase_user",
    "forget_old",
    "give_back_requested",
    "grant_roles",
    "parse_price",
    "providers_of",
    "read_seats",
    "refund",
    "sales",
    "set_status",
    "tidy",
]
