// What the axes of a chart hold. Pure functions of numbers, without the page.

import { DAY, HOUR } from "../shared/words.js";

// A change of 4% is then a tenth of the axis, and does not look like a crash.
const LEAST_SPAN = 0.4; // of the highest value
const MOST_AWAY = 5; // a line whose values are so many times those of the lines before it would flatten them
const TIME_STEPS = [...[1, 3, 6, 12].map((n) => n * HOUR), ...[1, 2, 7, 14, 28, 91, 364].map((n) => n * DAY)];

/**
 * The range of an axis for lines, each an array of numbers, the most important first.
 *
 * A few extreme values do not decide it, nor does a line far above those before it, unless it is `kept(line)`. What
 * lies above is cut off, and named in `cut`: [{line, highest}]. With `fromZero` the range begins at 0.
 */
export function rangeOf(lines, { fromZero = false, kept = () => false } = {}) {
  let low = fromZero ? 0 : Infinity, high = -Infinity;
  for (const [line, values] of lines.entries()) {
    if (!values.length) continue;
    const top = topOf(values);
    low = Math.min(low, ...values);
    if (high <= 0 || top <= MOST_AWAY * high || kept(line)) high = Math.max(high, top);
  }
  if (high === -Infinity) return { low: 0, high: 1, cut: [] };
  const cut = lines.flatMap((values, line) => {
    const highest = Math.max(...values);
    return highest > high ? [{ line, highest }] : [];
  });
  low = Math.min(low, high);
  const missing = fromZero ? 0 : LEAST_SPAN * high - (high - low);
  if (missing > 0) {
    low = Math.max(0, low - missing / 2);
    high = Math.max(high, low + LEAST_SPAN * high);
  }
  return { low, high, cut };
}

/** The highest of the values, or what most of them stay under where the highest is far away from all others. */
function topOf(values) {
  const sorted = values.toSorted((a, b) => a - b);
  const usual = sorted[Math.floor(0.95 * (sorted.length - 1))];
  const spread = Math.max(usual - sorted[Math.floor(0.05 * (sorted.length - 1))], usual / 5);
  const highest = sorted.at(-1);
  return highest > usual + 4 * spread && sorted.length > 3 ? usual + spread : highest;
}

/** Round levels that hold low and high between the first and the last. */
export function levelsOf(low, high, most = 4) {
  const rough = (high - low || Math.max(1, high / 10)) / most, power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 2.5, 5, 10].find((factor) => factor * power >= rough * 0.999);
  const levels = [];
  for (let n = Math.floor(low / step + 1e-9); levels.length < 2 || levels.at(-1) < high * (1 - 1e-9); n++)
    levels.push(n * step);
  return levels;
}

/** Round moments at the venue between first and last, at most so many, with their labels. */
export function momentsOf(first, last, most, step, clock) {
  const every = TIME_STEPS.find((one) => one >= step && (last - first) / one <= most) ?? TIME_STEPS.at(-1);
  const since = (at) => (step < DAY ? clock.sinceMonday(at) : at - 4 * DAY);
  const moments = [];
  for (let at = first; at <= last; at += step) {
    if (since(at) % every) continue;
    const label = step >= DAY ? clock.labels.day : since(at) % DAY ? clock.labels.hour : clock.labels.date;
    moments.push([at, label.format(at)]);
  }
  return moments;
}

/** Round numbers of days before the event between first and last, at most so many, with their labels. */
export function daysBefore(first, last, most, event) {
  const every = TIME_STEPS.find((one) => one >= DAY && (last - first) / one <= most)
    ?? TIME_STEPS.at(-1), moments = [];
  for (let at = event - Math.floor((event - first) / every) * every; at <= last; at += every)
    moments.push([at, at === event ? "event" : `${Math.round((event - at) / DAY)} d`]);
  return moments;
}

/** The unbroken runs of points that fit. */
export function runsOf(points, fits) {
  const runs = [];
  let run = null;
  for (const point of points) {
    if (!fits(point)) run = null;
    else if (run) run.push(point);
    else runs.push((run = [point]));
  }
  return runs;
}
