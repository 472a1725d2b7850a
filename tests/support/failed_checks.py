"""What a failed check says to the person who reads it."""

from typing import Any


def tells_what_to_do(description: Any) -> bool:
    """Whether one line says what failed, then where the rows are, then what to do about it."""
    said = str(description)
    wrong, found, what_next = said.partition(" Rows: ")
    return "\n" not in said and bool(wrong) and bool(found) and "`tickettape " in what_next
