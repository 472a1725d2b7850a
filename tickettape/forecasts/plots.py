"""Two plots of a backtest as SVG, written by hand: no library is needed for some marks and lines."""

from collections.abc import Mapping, Sequence
from html import escape

WIDTH, HEIGHT = 640, 320
LEFT, RIGHT, TOP, BOTTOM = 60, 610, 40, 270
COLOURS = ("#1b6ca8", "#b3541e", "#3f7d20", "#6b4c9a", "#8a6d00")


def dots(
    title: str, axis: str, categories: Sequence[str], values: Mapping[str, Sequence[float | None]], *, reference: float
) -> str:
    """A plot with a dot for each category and series, as an SVG document. `reference`: a dashed line to compare with.

    `values`: series -> a value for each category; None: no dot.
    """
    known = [value for row in values.values() for value in row if value is not None] + [reference]
    low, high = min(known), max(known)
    room = max((high - low) * 0.15, 0.02)
    low, high = low - room, high + room

    def place(value: float) -> float:
        return BOTTOM - (value - low) / (high - low) * (BOTTOM - TOP)

    step = (RIGHT - LEFT) / max(len(categories), 1)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" font-family="sans-serif" '
        f'font-size="12"><title>{escape(title)}</title><rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        f'<text x="{LEFT}" y="20" font-size="14" font-weight="bold">{escape(title)}</text>',
        f'<text x="{LEFT}" y="{HEIGHT - 8}" fill="#555">{escape(axis)}</text>',
    ]
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        line = low + share * (high - low)
        parts.append(
            f'<path d="M{LEFT} {place(line):.1f}H{RIGHT}" stroke="#ddd"/>'
            f'<text x="{LEFT - 6}" y="{place(line) + 4:.1f}" text-anchor="end">{line:.2f}</text>'
        )
    parts.append(
        f'<path d="M{LEFT} {place(reference):.1f}H{RIGHT}" stroke="#333" stroke-dasharray="5 4"/>'
        f'<text x="{RIGHT}" y="{place(reference) - 4:.1f}" text-anchor="end" fill="#333">{reference:g}</text>'
    )
    for number, category in enumerate(categories):
        middle = LEFT + (number + 0.5) * step
        parts.append(f'<text x="{middle:.1f}" y="{BOTTOM + 16}" text-anchor="middle">{escape(category)}</text>')
        for place_in_group, (series, row) in enumerate(values.items()):
            found = row[number]
            if found is not None:
                x = middle + (place_in_group - (len(values) - 1) / 2) * 12
                colour = COLOURS[place_in_group % len(COLOURS)]
                parts.append(
                    f'<circle cx="{x:.1f}" cy="{place(found):.1f}" r="5" fill="{colour}">'
                    f"<title>{escape(series)}, {escape(category)}: {found:.3f}</title></circle>"
                )
    for number, series in enumerate(values):
        x = LEFT + number * 110
        parts.append(
            f'<circle cx="{x + 5}" cy="31" r="4" fill="{COLOURS[number % len(COLOURS)]}"/>'
            f'<text x="{x + 13}" y="35">{escape(series)}</text>'
        )
    return "".join([*parts, "</svg>\n"])
