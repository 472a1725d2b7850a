"""The history of every listing, as a chain of deltas with a keyframe a day.

`deltas` is the format and its arithmetic (pure), `latest_state` the cache that the next observation is compared with,
`rows` the form in the database, `history` writes and reads it, `states` reads what stood.
"""

from tickettape.listing_history.deltas import Offer, Prices, Stand
from tickettape.listing_history.history import (
    LateObservations,
    ListingHistoryWriter,
    OfferTermsKeys,
    listings_shown_at,
    lock_listing_history,
    observation_at,
    store_voided_observation,
    voided_observation,
    write_observation,
)
from tickettape.listing_history.latest_state import RawObservation
from tickettape.listing_history.rows import LISTING_COLUMNS, microseconds
from tickettape.listing_history.states import STATES_QUERY, NewestStates, newest_states, states_between, states_of

__all__ = [
    "LISTING_COLUMNS",
    "STATES_QUERY",
    "LateObservations",
    "ListingHistoryWriter",
    "NewestStates",
    "Offer",
    "OfferTermsKeys",
    "Prices",
    "RawObservation",
    "Stand",
    "listings_shown_at",
    "lock_listing_history",
    "microseconds",
    "newest_states",
    "observation_at",
    "states_between",
    "states_of",
    "store_voided_observation",
    "voided_observation",
    "write_observation",
]
