"""What Billetterie sends, as typed structs, and what it means."""

from datetime import UTC, datetime

import msgspec

from tickettape.marketplaces.one_by_one import UNREADABLE, decode_entries, decode_json, most_are
from tickettape.marketplaces.protocol import Inventory, Listing, MarketplaceEvent, Missing, Refused, Section, Zone


class Offer(msgspec.Struct):
    """One offer: `bloc` is a block of seats in a `categorie`; `prix` is euros a seat, before fees."""

    numero: str
    categorie: str
    bloc: str
    places: int
    prix: float


class Spectacle(msgspec.Struct):
    """One show with what is for sale at it."""

    code: str
    titre: str
    debut: datetime
    offres: list[msgspec.Raw] = []


SPECTACLE = msgspec.json.Decoder(Spectacle)
SPECTACLES = msgspec.json.Decoder(list[msgspec.Raw])
OFFER = msgspec.json.Decoder(Offer)


def read_inventory(body: bytes, code: str) -> Inventory:
    """Everything that an answer says. Raises Missing where it knows no such show, Refused where it is another."""
    try:
        show = decode_json(SPECTACLE, body)
    except UNREADABLE as error:
        raise Refused(f"The offers of {code} are not in the expected format: {error}") from None
    if show.code != code:
        raise Refused(f"The offers of {code} were requested, but those of {show.code} came")
    if show.titre == "":
        raise Missing(f"{code} is not known any more")
    offers, unreadable = decode_entries(OFFER, show.offres)
    left_out = [f"An offer of {code} cannot be read: {error}." for _, error in unreadable]
    if most_are(len(left_out), len(show.offres)):
        raise Refused(f"The offers of {code} cannot be read, most of them: {left_out[0]}")
    zones = list(dict.fromkeys(offer.categorie for offer in offers))
    sections = list(dict.fromkeys((offer.categorie, offer.bloc) for offer in offers))
    listings = [
        Listing(
            listing_id=offer.numero,
            zone_id=offer.categorie,
            section_id=offer.bloc,
            row="",
            quantity=offer.places,
            price_cents=round(offer.prix * 100),
            all_in_price_cents=None,
            buyable=tuple(range(1, offer.places + 1)),
            deal_score=None,
        )
        for offer in offers
    ]
    # it states no totals: where something was left out, nobody can say that the rest is all
    contradictions = [f"{len(left_out)} offers were left out."] if left_out else []
    return Inventory(
        external_id=code,
        status="partial" if contradictions else "ok" if listings else "empty",
        currency="EUR",
        listings=listings,
        zones=[Zone(name, name, order, None) for order, name in enumerate(zones)],
        sections=[Section(bloc, categorie, bloc, None) for categorie, bloc in sections],
        stated_listings=None,
        stated_tickets=None,
        counted_listings=len(listings),
        counted_tickets=sum(listing.quantity for listing in listings),
        stated_zone_tickets=None,
        stated_section_tickets=None,
        contradictions=contradictions,
        left_out=left_out,
    )


def read_event(show: Spectacle) -> MarketplaceEvent:
    """One event of the catalogue."""
    return MarketplaceEvent(
        external_id=show.code,
        name=show.titre,
        venue="Salle Pleyel",
        city="Paris",
        state=None,
        country="FR",
        venue_time_zone="Europe/Paris",
        date=show.debut.astimezone(UTC),
        category=None,
        performer_id=None,
        performer_name=None,
        image_url=None,
    )


def read_fields(body: bytes) -> set[str]:
    """The names of an answer's fields."""
    try:
        answer = msgspec.json.decode(body)
    except msgspec.MsgspecError:
        return set()
    return set(answer) if isinstance(answer, dict) else set()
