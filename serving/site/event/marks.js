// What a chart draws: lines with a band, or a lane of bars for each name. Each drawing answers where its values are.

import { drawn } from "../shared/dom.js";
import { levelsOf, rangeOf, runsOf } from "./scales.js";

const LEVEL_LETTER = 7.5; // the width of a digit of the axis
const LANE = 46, LANE_GAP = 24;

/** Shapes beside colours, by the style of a line. */
export const SHAPES = {
  0: "M-4 0a4 4 0 1 0 8 0a4 4 0 1 0-8 0Z", 1: "M-3.5-3.5h7v7h-7Z", 2: "M0-5 5 4H-5Z", 3: "M0-5 4.5 0 0 5-4.5 0Z",
  versus: "M-4-1.5h8v3h-8Z",
};

/** Lines over time. `band`: the styles of two lines, between which it is filled. */
export function linesWith({ fromZero = false, band = null, height = 220 } = {}) {
  return (view) => {
    const { points, lines, format } = view, top = 10, bottom = height - 24;
    const known = (n) => points.map((point) => point.values[n]).filter((value) => value !== null);
    const { low, high, cut } = rangeOf(lines.map((_, n) => known(n)),
      { fromZero, kept: (n) => lines[n].style === "versus" });
    const levels = levelsOf(low, high), [from, to] = [levels[0], levels.at(-1)];
    const labels = levels.map((level) => format(level, levels[1] - levels[0]));
    const left = 10 + LEVEL_LETTER * Math.max(4, ...labels.map((label) => label.length));
    const y = (value) => bottom - ((value - from) / (to - from)) * (bottom - top);

    function draw(x, right) {
      const place = (point, n) => `${x(point.at).toFixed(1)} ${y(point.values[n]).toFixed(1)}`;
      const clip = `${view.name}-inside`;
      const between = (band ?? []).map((style) => lines.findIndex((line) => line.style === style));
      const within = between.length && !between.includes(-1)
        ? runsOf(points, (p) => between.every((n) => p.values[n] !== null)) : [];
      const names = cut.map(({ line, highest }) => `${lines[line].name}, up to ${format(highest)}`);
      return [
        drawn("clipPath", { id: clip },
          drawn("rect", { x: left, y: top - 2, width: right - left, height: bottom - top + 4 })),
        ...levels.map((level, n) => drawn("g", { class: "level" },
          drawn("path", { d: `M${left} ${y(level)}H${right}` }),
          drawn("text", { x: left - 6, y: y(level) + 4 }, labels[n]))),
        drawn("g", { "clip-path": `url(#${clip})` },
          ...within.map((run) => drawn("path", { class: "band", d: `M${[...run.map((p) => place(p, between[0])),
            ...run.toReversed().map((p) => place(p, between[1]))].join("L")}Z` })),
          ...lines.flatMap(({ style }, n) => {
            const runs = runsOf(points, (p) => p.values[n] !== null).map((run) => run.map((p) => place(p, n)));
            const alone = runs.filter((run) => run.length === 1); // between two gaps: no line, so a dot
            return [
              drawn("path", { class: `line line-${style}`, d: runs.map((run) => `M${run.join("L")}`).join("") }),
              drawn("path", { class: `dots line-${style}`, d: alone.map((run) => `M${run}h0`).join("") }),
            ];
          })),
        ...names.map((name, n) =>
          drawn("text", { class: "cut", x: right, y: top + 10 + 16 * n }, `▲ off the scale: ${name}`)),
      ];
    }

    // y of a value that may lie outside, at the edge then; and the value at a height
    const level = (value) => Math.min(bottom, Math.max(top, y(value)));
    const valueAt = (height) => from + ((bottom - height) / (bottom - top)) * (to - from);
    return { height, top, bottom, left, draw, cut, level, valueAt,
      place: (value, n) => (value > to ? null : [n, y(value)]) };
  };
}

/** A lane of bars for each line, from 0, each with a scale of its own: many are repriced where few are sold. */
export function lanes(view) {
  const { points, lines, format } = view, top = 4;
  const height = top + lines.length * (LANE + LANE_GAP) + 22, bottom = height - 22;
  const most = lines.map((_, n) => levelsOf(0, Math.max(1, ...points.map((point) => point.values[n] ?? 0)), 1).at(-1));
  const left = 10 + LEVEL_LETTER * Math.max(4, ...most.map((value) => format(value).length));
  const base = (n) => top + (n + 1) * (LANE + LANE_GAP);
  const y = (value, n) => base(n) - (value / most[n]) * LANE;

  function draw(x, right) {
    const wide = Math.max(1, (x(points[0].at + view.step) - x(points[0].at)) * 0.8);
    const bar = ({ at, values }, n) =>
      `M${(x(at) - wide / 2).toFixed(1)} ${base(n)}V${y(values[n], n).toFixed(1)}h${wide.toFixed(1)}V${base(n)}Z`;
    return lines.flatMap(({ name, style }, n) => [
      drawn("g", { class: "level" },
        drawn("path", { d: `M${left} ${base(n)}H${right}` }), drawn("text", { x: left - 6, y: base(n) + 3 }, "0"),
        drawn("path", { d: `M${left} ${base(n) - LANE}H${right}`, class: "upper" }),
        drawn("text", { x: left - 6, y: base(n) - LANE + 4 }, format(most[n]))),
      drawn("text", { class: "lane", x: left, y: base(n) - LANE - 6 }, name),
      drawn("path", { class: `bars line-${style}`,
        d: points.filter((point) => point.values[n] > 0).map((point) => bar(point, n)).join("") }),
    ]);
  }

  return { height, top, bottom, left, draw, cut: [], place: (value, n) => [n, y(value, n)] };
}
