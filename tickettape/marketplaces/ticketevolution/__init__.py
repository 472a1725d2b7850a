"""Ticket Evolution: `client` asks with signed requests, the two `read_` modules read. docs/sources says what it is."""

from tickettape.marketplaces.ticketevolution.client import TicketEvolution
from tickettape.marketplaces.ticketevolution.wire_format import PRICE_BASES

__all__ = ["PRICE_BASES", "TicketEvolution"]
