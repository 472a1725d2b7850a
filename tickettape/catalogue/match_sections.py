"""Say which sections of two sources are one, within one venue. Pure.

Zones are never compared: each source draws its own. Nothing is guessed: a section without a partner stays alone.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Literal

Rule = Literal["exact", "last number"]
_PREFIX = re.compile(r"^\s*(?:SECTION|SEC)\b\.?\s*")
_BEHIND = re.compile(r"\b(?:ROW|SEATS?)\b.*$")
_RINGS = re.compile(r"\b(?:SUITES?|LOGE|COURTSIDE|BOX(?:ES)?|FLOOR|PIT|PARKING|LOT|STANDING|SRO|GA)\b")
"""Words that outrank a number: "Loge Suites 106" is not section 106."""


def match_sections(left: Iterable[str], right: Iterable[str]) -> dict[tuple[str, str], Rule]:
    """The pairs of section names that are one section, with the rule. The names are those of one venue.

    First what is written alike, then by the last token with a digit. Each rule pairs only where it finds one on each
    side; a name without a digit is paired as it is or not at all.
    """
    found: dict[tuple[str, str], Rule] = {}
    lefts, rights = dict.fromkeys(left), dict.fromkeys(right)
    rules: tuple[tuple[Rule, Callable[[str], str | None]], ...] = (("exact", _written), ("last number", _last_number))
    for rule, key_of in rules:
        others_by_key = _by_key(rights, key_of)
        for key, ones in _by_key(lefts, key_of).items():
            others = others_by_key.get(key, [])
            if len(ones) == len(others) == 1:
                found[ones[0], others[0]] = rule
        for one, other in found:
            lefts.pop(one, None)
            rights.pop(other, None)
    return found


def _by_key(names: Iterable[str], key_of: Callable[[str], str | None]) -> dict[str, list[str]]:
    found: defaultdict[str, list[str]] = defaultdict(list)
    for name in names:
        key = key_of(name)
        if key:
            found[key].append(name)
    return found


def _plain(name: str) -> str:
    return _BEHIND.sub("", _PREFIX.sub("", name.upper())).strip()


def _written(name: str) -> str:
    """The name in upper case, letters and digits only."""
    return re.sub(r"[^A-Z0-9]", "", _plain(name))


def _last_number(name: str) -> str | None:
    """The last token with a digit, with its letters: "106CT" is not "106". None if a word outranks it."""
    plain = _plain(name)
    tokens = [token for token in re.findall(r"[A-Z0-9]+", plain) if any(one.isdigit() for one in token)]
    return None if not tokens or _RINGS.search(plain) else tokens[-1]
