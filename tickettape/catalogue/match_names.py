"""Compare the names of events and of venues of two sources. Pure.

Too much cleaning destroys: a number, or the visiting side, may be the only difference between two events.
"""

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

_BRACKETS = re.compile(r"\([^()]*\)|\[[^\[\]]*\]")
_NUMBERED = re.compile(r"\b(?:game|session|match|night|day|round|week|part|show)\b", re.IGNORECASE)
_TOUR = re.compile(r"\s*(?::|\s[-–—])\s.*\btour\b.*$|:\s*.*\btour\b.*$", re.IGNORECASE)
_EVENING = re.compile(r"^(?:an\s+)?(?:evening|night)\s+with\s+", re.IGNORECASE)
_SIDES = re.compile(r"\s+(at|@|vs?\.?)\s+", re.IGNORECASE)
_NUMBER_WORDS = {
    name: str(number)
    for number, name in enumerate(("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"), 1)
}
_FILLERS = {"the", "and", "with", "live", "concert", "show", "feat", "featuring", "presents"}
ENOUGH = 0.5  # of the shorter name's words, where two names are no games


@dataclass(frozen=True, slots=True)
class EventName:
    """What of a name tells one event from another. `visitor` and `home` are empty if it names no two sides.

    `ordered`: whether it says which side is the visiting one ("A at B" does, "B vs. A" is only a custom).
    """

    words: frozenset[str]
    numbers: tuple[str, ...]
    visitor: frozenset[str]
    home: frozenset[str]
    ordered: bool


@lru_cache(maxsize=65_536)
def parse_name(name: str) -> EventName:
    """The parts of an event's name that count."""
    text = _plain(name)
    bracketed = " ".join(one for one in _BRACKETS.findall(text) if _NUMBERED.search(one))
    text = _TOUR.sub("", _EVENING.sub("", _BRACKETS.sub(" ", text).strip()))
    before, separator, after = (*_SIDES.split(text, maxsplit=1), "", "")[:3]
    numbers = tuple(sorted(_numbers(f"{text} {bracketed}")))
    if not separator or not after:
        return EventName(_words(text), numbers, frozenset(), frozenset(), ordered=False)
    first, second = _words(before.rpartition(":")[2]), _words(re.split(r"\s[-–—]\s|:", after)[0])
    ordered = separator.lower() in ("at", "@")
    return EventName(_words(text), numbers, first if ordered else second, second if ordered else first, ordered)


def names_agree(left: str, right: str) -> bool:
    """Whether two names can be those of one event: the same numbers, the same sides, or enough words in common."""
    one, other = parse_name(left), parse_name(right)
    if one.numbers != other.numbers:
        return False
    if bool(one.home) != bool(other.home):
        return False
    if one.home:
        same = _covers(one.visitor, other.visitor) and _covers(one.home, other.home)
        swapped = _covers(one.visitor, other.home) and _covers(one.home, other.visitor)
        return same or (swapped and not (one.ordered and other.ordered))
    return overlap(one.words, other.words) >= ENOUGH


def overlap(left: frozenset[str], right: frozenset[str]) -> float:
    """The share of the shorter name's words that the other has too."""
    shorter = min(len(left), len(right))
    return len(left & right) / shorter if shorter else 0.0


@lru_cache(maxsize=16_384)
def venue_key(name: str) -> str:
    """A venue's name without a leading "the": its letters and digits. No word is taken out of it."""
    return re.sub(r"[^a-z0-9]", "", re.sub(r"^the\s+", "", _plain(name)))


def city_key(city: str) -> str:
    """A city's name without what follows a comma ("Las Vegas, NV")."""
    return re.sub(r"[^a-z0-9]", "", _plain(city).partition(",")[0])


def _plain(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(one for one in decomposed if not unicodedata.combining(one)).strip()


def _words(text: str) -> frozenset[str]:
    found = re.findall(r"[a-z0-9']+", text)
    long = frozenset(one for one in found if len(one) > 2 and one not in _FILLERS and not one.isdigit())
    return long or frozenset(found)  # "U2", "The Who"


def _numbers(text: str) -> list[str]:
    words = re.findall(r"[a-z0-9]+", text)
    digits = [str(int(one)) for one in words if one.isascii() and one.isdigit()]
    # a number as a word counts only after what is numbered: "Night Two", but not "Six"
    return digits + [
        _NUMBER_WORDS[one] for before, one in pairwise(words) if one in _NUMBER_WORDS and _NUMBERED.fullmatch(before)
    ]


def _covers(left: frozenset[str], right: frozenset[str]) -> bool:
    """Whether one side's name is in the other's: "Ducks" and "Anaheim Ducks", but not two clubs of one town."""
    return bool(left and right) and (left <= right or right <= left)
