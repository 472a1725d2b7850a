"""Read prices and counts as spreadsheets and libraries write them: `1,250.00`, `$85`, `19.990000000000002`. Pure.

Commas between thousands and the errors of binary fractions are removed. Digits that were rounded away are not guessed.
"""

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from string import ascii_uppercase
from typing import Any

from tickettape.imports.columns import Mended
from tickettape.marketplaces import HIGHEST_COUNT, HIGHEST_PRICE_CENTS

_CENT = Decimal("0.01")
_SIGNS = {"US$": "USD", "C$": "CAD", "CA$": "CAD", "A$": "AUD", "$": "$", "€": "EUR", "£": "GBP", "¥": "JPY"}
_SIGN = "|".join([*(re.escape(sign) for sign in _SIGNS), "[A-Z]{3}"])
_AMOUNT = re.compile(
    rf"(?P<before>{_SIGN})?\s?(?P<whole>[0-9]{{1,15}}|[0-9]{{1,3}}(?:,[0-9]{{3}}){{1,4}})?(?P<part>\.[0-9]*)?"
    rf"\s?(?P<after>{_SIGN})?"
)
_PLAIN_PRICE = re.compile(r"\$?\s?([0-9]{1,10})(?:\.([0-9]{1,2})0*)?")
_WHOLE = re.compile(r"([0-9]{1,12}|[0-9]{1,3}(?:,[0-9]{3}){1,3})(?:\.0*)?")
_SCIENTIFIC = re.compile(r"[+-]?[0-9]+(?:[.,][0-9]*)?[Ee][+-]?[0-9]+")
_DECIMAL_COMMA = re.compile(r"[0-9]{1,3}(?:\.[0-9]{3})+,[0-9]+|[0-9]+,(?:[0-9]{1,2}|[0-9]{4,})")

ROUNDED = "is a number that was rounded where it was saved: show it without an E, and save it again"
THOUSANDS = "had commas between thousands"
BINARY_FRACTION = "were written with the error of a binary fraction"


def read_cents(value: Any) -> int | Mended:
    """The exact cents of a listing's price. Raises ValueError with the reason."""
    if isinstance(value, str):
        plain = _PLAIN_PRICE.fullmatch(value)
        if plain is not None:
            return _of_a_listing(int(plain[1]) * 100 + int((plain[2] or "0").ljust(2, "0")))
        match = _AMOUNT.fullmatch(value)
        amount = None if match is None else _amount(match)
        if match is None or amount is None or _sign(match) not in (None, "$"):
            raise ValueError(_no_number(value, "is not a number with at most two decimals"))
        cents = int(amount.quantize(_CENT, ROUND_HALF_UP) * 100)
        if amount * 100 != cents:
            if len(match["part"]) < _FEWEST_DECIMALS or abs(amount * 100 - cents) > _A_HUNDREDTH_CENT:
                raise ValueError("is not a number with at most two decimals")
            return Mended(_of_a_listing(cents), BINARY_FRACTION, f"{cents / 100:.2f}")
        read = _of_a_listing(cents)
        return Mended(read, THOUSANDS, f"{cents / 100:.2f}") if "," in value else read
    if not isinstance(value, float | int | Decimal) or isinstance(value, bool) or not math.isfinite(value):
        raise ValueError("is not a number")
    cents = round(value * 100)
    if abs(float(value * 100) - cents) > _A_HUNDREDTH_CENT:
        raise ValueError("has more than two decimals")
    return _of_a_listing(cents)


_A_HUNDREDTH_CENT = 0.01  # the largest error of a binary fraction of dollars
_FEWEST_DECIMALS = 8  # with the point: a binary fraction has at least so many, a person writes fewer


def read_price(value: Any) -> tuple[int, str | None] | Mended | None:
    """The cents of a range's price, rounded half up, and its currency sign; None if they are 0. Raises ValueError."""
    sign = None
    if isinstance(value, str):
        match = _AMOUNT.fullmatch(value)
        found = None if match is None else _amount(match)
        if match is None or found is None:
            raise ValueError(_no_number(value, "is not a number with a decimal point"))
        sign, amount = _sign(match), found
    else:
        try:
            # by its text: 1.005 is rounded as it is written, not as its binary fraction
            amount = Decimal(str(value))
        except InvalidOperation:
            raise ValueError("is not a number") from None
        if isinstance(value, bool) or not amount.is_finite():
            raise ValueError("is not a number")
    if amount < 0:
        raise ValueError("is below 0")
    if amount * 100 > HIGHEST_PRICE_CENTS:
        raise ValueError(f"is above {HIGHEST_PRICE_CENTS / 100:,.2f}")
    cents = int(amount.quantize(_CENT, ROUND_HALF_UP) * 100)
    if not cents:
        return None
    commas = isinstance(value, str) and "," in value
    return Mended((cents, sign), THOUSANDS, f"{cents / 100:.2f}") if commas else (cents, sign)


def read_count(value: Any, highest: int = HIGHEST_COUNT) -> int | Mended:
    """A number of listings or tickets. Raises ValueError with the reason."""
    text = str(value)
    match = _WHOLE.fullmatch(text)
    if match is None:
        raise ValueError(_no_number(text, "is not a whole number"))
    count = int(match[1].replace(",", ""))
    if count > highest:
        raise ValueError(f"is above {highest:,}")
    return Mended(count, THOUSANDS) if "," in text else count


def _amount(match: re.Match[str]) -> Decimal | None:
    if match["whole"] is None and match["part"] in (None, "."):
        return None
    return Decimal((match["whole"] or "0").replace(",", "") + (match["part"] or "").rstrip("."))


def _sign(match: re.Match[str]) -> str | None:
    signs = {_SIGNS.get(one, one) for one in (match["before"], match["after"]) if one}
    if len(signs) > 1:
        raise ValueError("names two currencies")
    return signs.pop() if signs else None


def _of_a_listing(cents: int) -> int:
    if cents <= 0:
        raise ValueError("is not above 0")
    if cents > HIGHEST_PRICE_CENTS:
        raise ValueError(f"is above {HIGHEST_PRICE_CENTS / 100:,.2f}")
    return cents


def _no_number(text: str, otherwise: str) -> str:
    if _SCIENTIFIC.fullmatch(text):
        return ROUNDED
    if _DECIMAL_COMMA.search(text):
        return f"{otherwise}: it has a decimal comma"
    return otherwise


@dataclass
class DecimalMarks:
    """Finds out whether a column has decimal points or decimal commas: `1.250` is 1.25 with points, 1250 with commas.

    Other columns prove nothing: a spreadsheet writes numbers in its own way, but leaves text as it was.
    """

    name: str
    point: bool = False
    commas: int = 0
    _unclear: list[tuple[int, str]] = field(default_factory=list)
    _unclear_commas: list[tuple[int, str]] = field(default_factory=list)

    def add(self, given: Sequence[Any], line_of: Iterable[int]) -> None:
        """Check the distinct values of a batch; `line_of`: a line of each."""
        for value, line in zip(given, line_of, strict=True):
            if not isinstance(value, str) or (self.point and "," not in value):
                continue
            digits = value.strip(_SIGN_LETTERS)
            if _POINT.fullmatch(digits):
                self.point = True
            elif _POINT.fullmatch(digits.translate(_SWAPPED)):
                self.commas += 1
            elif len(self._unclear) < _EXAMPLES and _UNCLEAR.fullmatch(digits):
                self._unclear.append((line, value))
            elif len(self._unclear_commas) < _EXAMPLES and _UNCLEAR.fullmatch(digits.translate(_SWAPPED)):
                self._unclear_commas.append((line, value))

    def refusal(self) -> str | None:
        """Why the file is refused: some of its numbers can be read in two ways. None if it is not."""
        commas = self.commas >= _FEWEST or (self.commas and not self.point)
        unclear = (self._unclear if commas or not self.point else []) + (self._unclear_commas if commas else [])
        if not unclear:
            return None
        first, rest = re.split("[.,]", unclear[0][1].strip(_SIGN_LETTERS))
        lines = "; ".join(f"line {line:,}: {text}" for line, text in unclear)
        return (
            f"Some numbers of its column {self.name} are two numbers, {first}{rest} or {first}.{rest}: {lines}. "
            "Save it with a decimal point, two decimals, and nothing between thousands."
        )


_EXAMPLES = 3
_SIGN_LETTERS = f"$€£¥ {ascii_uppercase}"
_FEWEST = 3  # fewer are typing errors, and refused row by row
_SWAPPED = str.maketrans(".,", ",.")
_POINT = re.compile(
    r"[0-9]*\.(?:[0-9]{1,2}|[0-9]{4,})|(?:0|[0-9]{4,})?\.[0-9]{3}"
    r"|[0-9]{1,3}(?:,[0-9]{3})+\.[0-9]+|[0-9]{1,3}(?:,[0-9]{3}){2,}"
)
_UNCLEAR = re.compile(r"[1-9][0-9]{0,2}\.[0-9]{3}")
