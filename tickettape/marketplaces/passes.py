"""Recognise passes for parking and shuttles, which catalogues list like events but which have no seats. Pure."""

import re

_WORDS = r"(?:[\w.&'/-]+\s+){0,4}"
_CARS = r"(?:parking|valet|park\s*(?:and|&|n)\s*ride)(?:\s+(?:pass|passes|lots?|garages?|spots?|only|tickets?))*"
_NAMES = (
    rf"^{_WORDS}{_CARS}\s*[:–—|(-]",  # "VIP Parking - …", "Parking Passes Only: …"
    rf"[:–—|(-]\s*{_WORDS}{_CARS}\s*\)?$",  # "Bulls at Pacers - Parking"
    rf"^{_WORDS}(?:parking|valet|shuttle|camping|rv)\s+(?:bus\s+)?pass(?:es)?\b",  # "Shuttle Pass Rolling Loud"
    r"^shuttle(?:\s+(?:bus|service|tickets?))*\s*:",
    r"^parking$",
)
_INCLUDED = r"\b(?:incl\w*|with|free|no|plus|and|\+)\s+(?:\w+\s+)?parking\b"
_VENUES = (
    r"\bparking(?:\s+(?:lots?|garages?|structures?|ramps?|decks?|areas?|passes))?(?:\s+[\w-]{1,3})?\s*(?:\(.*\))?$",
    r"^parking(?:\s+(?:lots?|garages?|passes))?\s*(?:[:–—|(-]|(?:at|of|for)\b)",
)
_NAME, _VENUE = (re.compile("|".join(patterns), re.IGNORECASE) for patterns in (_NAMES, _VENUES))
_WITH_PARKING = re.compile(_INCLUDED, re.IGNORECASE)


def is_pass(name: str, venue: str | None) -> bool:
    """Whether an entry of the catalogue is a pass, by its name or because its venue is a car park.

    The word "tailgate" does not make it one: "Texas Tailgaters" is a show. Nor does a word inside a name, as in "No
    Parking on the Dance Floor".
    """
    if _WITH_PARKING.search(name):
        return False
    return bool(_NAME.search(name.strip()) or (venue and _VENUE.search(venue.strip())))
