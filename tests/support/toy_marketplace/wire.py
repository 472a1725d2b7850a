"""What Billetterie sends, as typed structs, and what it means."""

from datetime import UTC, datetime

import msgspec

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
    offres: list[Offer] = []


SPECTACLE = msgspec.json.Decoder(Spectacle)
SPECTACLES = msgspec.json.Decoder(list[Spectacle])


def read_inventory(body: bytes, code: str) -> Inventory:
    """Everything that an answer says. Raises Missing where it knows no such show, Refused where it is another."""
    try:
        show = SPECTACLE.decode(body)
    except msgspec.MsgspecError as error:
        raise Refused(f"The offers of {code} are not in the expected format: {error}") from None
    if show.code != code:
        raise Refused(f"The offers of {code} were requested, but those of {show.code} came")
    if show.titre == "":
        raise Missing(f"{code} is not known any more")
    zones = list(dict.fromkeys(offer.categorie for offer in show.offres))
    sections = list(dict.fromkeys((offer.categorie, offer.bloc) for offer in show.offres))
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
        for offer in show.offres
    ]
    return Inventory(
        external_id=code,
        status="ok" if listings else "empty",
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
