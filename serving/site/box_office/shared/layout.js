// Where sections stand: in arcs around the stage, the nearest in the first. Pure functions of what is known of them.
//
// Lengths are in units of an arc's depth. Angles are in radians, clockwise, and 0 points away from the stage.

export const FAN = (200 * Math.PI) / 180; // the angle of a full arc
export const NEAREST = 1.6; // from the stage to the first arc
const WIDTH = 1.5; // of a section, where there is no reason for another
const NARROW = (70 * Math.PI) / 180; // the widest that a single section is

const natural = new Intl.Collator("en", { numeric: true });

/** Compare names as people sort them: S2 before S10. */
export const byName = (a, b) => natural.compare(a, b);

/**
 * The arcs of a plan: lists of {section, from, to, near, far}, from the left.
 *
 * `sections` have a name, and may have distance_to_stage_meters and view_quality_score.
 */
export function arcsOf(sections) {
  const far = Infinity;
  const nearest = sections.toSorted(
    (a, b) =>
      compare(a.distance_to_stage_meters ?? far, b.distance_to_stage_meters ?? far) ||
      (b.view_quality_score ?? 0) - (a.view_quality_score ?? 0) ||
      byName(a.section, b.section),
  );
  const sizes = sizesOf(nearest.length);
  let taken = 0;
  return sizes.map((size, number) => {
    const arc = nearest.slice(taken, (taken += size)).sort((a, b) => byName(a.section, b.section));
    const angle = Math.min(FAN, size * NARROW),
      near = NEAREST + number;
    return arc.map((section, place) => ({
      section,
      near,
      far: near + 1,
      from: (place / size - 0.5) * angle,
      to: ((place + 1) / size - 0.5) * angle,
    }));
  });
}

/** How many sections each arc has: as many arcs as it takes, and the farther ones, which are longer, have more. */
function sizesOf(count) {
  const fits = [];
  for (let room = 0; room < count; room += fits.at(-1))
    fits.push(Math.floor((FAN * (NEAREST + fits.length + 0.5)) / WIDTH));
  const room = fits.reduce((sum, one) => sum + one, 0);
  let placed = 0,
    seen = 0;
  return fits
    .map((one) => {
      seen += one;
      const size = Math.round((count * seen) / room) - placed;
      placed += size;
      return size;
    })
    .filter(Boolean);
}

/** The path of a section's shape, with its corners a little inside, so that neighbours do not touch. `unit`: pixels. */
export function shapeOf({ from, to, near, far }, unit, gap = 1.5) {
  const [inner, outer] = [near * unit + gap, far * unit - gap];
  const corner = (radius, angle, side) => point(radius, angle + (side * gap) / radius);
  const [a, b, c, d] = [corner(outer, from, 1), corner(outer, to, -1), corner(inner, to, -1), corner(inner, from, 1)];
  return `M${a}A${outer} ${outer} 0 0 0 ${b}L${c}A${inner} ${inner} 0 0 1 ${d}Z`;
}

/** The middle of a section, in pixels. */
export const middleOf = ({ from, to, near, far }, unit) => point(((near + far) / 2) * unit, (from + to) / 2);

/** From the left: the stage is above, at 0, 0. */
function point(radius, angle) {
  return [round(radius * Math.sin(angle)), round(radius * Math.cos(angle))];
}

const round = (value) => Math.round(value * 10) / 10;
const compare = (a, b) => (a === b ? 0 : a < b ? -1 : 1);

/** Levels of prices for their colours, 0 to 4, and the lowest price of each: the same number of prices in each level. */
export function levelsOf(prices) {
  const known = [...new Set(prices.filter((price) => price !== null))].sort((a, b) => a - b);
  const levels = Math.min(5, known.length);
  const starts = Array.from({ length: levels }, (_, level) => known[Math.ceil((level * known.length) / levels)]);
  const levelOf = (price) => (price === null ? null : starts.findLastIndex((start) => price >= start));
  return { starts, levelOf };
}
