// One chart: lines over time as SVG, a legend that reads a moment out, and a table of the same numbers.

import { drawn, html } from "../shared/dom.js";

const HEIGHT = 220, TOP = 8, RIGHT = 14, BOTTOM = 24;
const HOUR = 3_600_000, DAY = 24 * HOUR, MONDAY = 4 * DAY; // the first Monday after the epoch
const TIME_STEPS = [...[1, 3, 6, 12].map((n) => n * HOUR), ...[1, 2, 7, 14, 28, 91, 364].map((n) => n * DAY)];
const SHAPES = ["M-4 0a4 4 0 1 0 8 0a4 4 0 1 0-8 0Z", "M-3.5-3.5h7v7h-7Z", "M0-5 5 4H-5Z"]; // not by colour alone

const inUTC = (options) => new Intl.DateTimeFormat("en-GB", { timeZone: "UTC", ...options });
const asHour = inUTC({ hour: "2-digit", minute: "2-digit" });
const asDay = inUTC({ day: "numeric", month: "short" });
const asDate = inUTC({ weekday: "short", day: "numeric", month: "short", year: "numeric" });

/** A moment in words: its day, and its hour where hours are shown. */
export const inWords = (at, step) => asDate.format(at) + (step < DAY ? `, ${asHour.format(at)} UTC` : "");

/** A figure with a chart in it. `names` are its lines', `format` writes a value, `band` fills the first to the last. */
export class Chart {
  #points = [];
  #step = HOUR;
  #at = null; // the point that someone reads; null: nobody does
  #x = () => 0;
  #y = () => 0;

  constructor(figure, { title, names, format, fromZero = false, band = false }) {
    Object.assign(this, { figure, names, format, fromZero, band });
    this.title = title;
    this.note = html("p", { className: "note" });
    this.when = html("p", { className: "when" });
    this.values = names.map(() => html("b"));
    this.svg = drawn("svg", { role: "slider", tabindex: 0, "aria-label": title, "aria-valuemin": 0 });
    this.keys = html("p", { className: "keys" });
    this.table = html("table");
    figure.replaceChildren(
      html("figcaption", {}, html("h3", { textContent: title }), this.note),
      html("div", { className: "readout" }, this.when, html("ul", {}, ...names.map((name, n) =>
        html("li", {}, drawn("svg", { viewBox: "-6 -6 12 12", class: `line-${n}`, "aria-hidden": true },
          drawn("path", { d: SHAPES[n], class: "shape" })), `${name} `, this.values[n])))),
      this.svg,
      this.keys,
      html("details", {}, html("summary", { textContent: `${title} as a table` }),
        html("div", { className: "scroll", tabIndex: 0, role: "region", ariaLabel: `${title}, table` }, this.table)),
    );
    this.svg.addEventListener("pointermove", (event) => this.#pointAt(event));
    this.svg.addEventListener("pointerdown", (event) => this.#pointAt(event));
    this.svg.addEventListener("pointerleave", () => this.#read(null));
    this.svg.addEventListener("blur", () => this.#read(null));
    this.svg.addEventListener("keydown", (event) => this.#key(event));
    new ResizeObserver(() => this.#draw()).observe(figure);
  }

  /** Show points {at, observed, soldOut, values}, evenly `step` ms apart, with a note under the title. */
  show(points, step, note) {
    this.#points = points;
    this.#step = step;
    this.note.textContent = note;
    this.#draw();
    this.#tabulate();
  }

  #draw() {
    const width = this.svg.getBoundingClientRect().width, points = this.#points;
    if (!points.length || !width) return;
    const first = points[0].at, last = points.at(-1).at;
    const known = points.flatMap((point) => point.values.filter((value) => value !== null));
    const levels = known.length ? levelsOf(this.fromZero ? 0 : Math.min(...known), Math.max(...known)) : [];
    const [low, high] = [levels[0] ?? 0, levels.at(-1) ?? 1];
    const labels = levels.map((level) => this.format(level, levels[1] - levels[0]));
    const left = 10 + 7.5 * Math.max(4, ...labels.map((label) => label.length)), wide = width - left - RIGHT;
    this.#x = (at) => left + ((at - first + this.#step / 2) / (last - first + this.#step)) * wide;
    this.#y = (value) => HEIGHT - BOTTOM - ((value - low) / (high - low)) * (HEIGHT - TOP - BOTTOM);
    this.svg.setAttribute("viewBox", `0 0 ${width} ${HEIGHT}`);
    this.svg.setAttribute("aria-valuemax", points.length - 1);
    const unobserved = runsOf(points, (point) => !point.observed), soldOut = runsOf(points, (point) => point.soldOut);
    const bottom = HEIGHT - BOTTOM;
    this.svg.replaceChildren(
      drawn("defs", {}, drawn("pattern",
        { id: `${this.figure.id}-hatch`, width: 6, height: 6, patternUnits: "userSpaceOnUse", class: "hatch" },
        drawn("path", { d: "M0 6 6 0" }))),
      ...unobserved.map((run) => this.#block(run, "unobserved", { fill: `url(#${this.figure.id}-hatch)` })),
      ...soldOut.map((run) => this.#block(run, "sold-out", {})),
      ...levels.map((level, n) => drawn("g", { class: "level" },
        drawn("path", { d: `M${left} ${this.#y(level)}h${wide}` }),
        drawn("text", { x: left - 6, y: this.#y(level) + 4 }, labels[n]))),
      ...momentsOf(first, last, wide / 64).map(([at, label]) => drawn("g", { class: "moment" },
        drawn("path", { d: `M${this.#x(at)} ${bottom}v4` }), drawn("text", { x: this.#x(at), y: HEIGHT - 6 }, label))),
      ...(this.band ? runsOf(points, (p) => p.values[0] !== null && p.values.at(-1) !== null) : []).map((run) =>
        drawn("path", { class: "band", d: `M${[...run.map((p) => this.#place(p, 0)),
          ...run.toReversed().map((p) => this.#place(p, -1))].join("L")}Z` })),
      ...this.names.flatMap((_, n) => {
        const runs = runsOf(points, (p) => p.values[n] !== null).map((run) => run.map((p) => this.#place(p, n)));
        const alone = runs.filter((run) => run.length === 1); // between two gaps: no line, so a dot
        return [
          drawn("path", { class: `line line-${n}`, d: runs.map((run) => `M${run.join("L")}`).join("") }),
          drawn("path", { class: `dots line-${n}`, d: alone.map((run) => `M${run}h0`).join("") }),
        ];
      }),
      this.cursor = drawn("g", { class: "cursor" }),
    );
    this.keys.replaceChildren(
      ...(unobserved.length ? [html("span", { className: "unobserved", textContent: "not observed" })] : []),
      ...(soldOut.length ? [html("span", { className: "sold-out", textContent: "sold out" })] : []));
    this.#read(this.#at);
  }

  #place(point, n) {
    return `${this.#x(point.at).toFixed(1)} ${this.#y(point.values.at(n)).toFixed(1)}`;
  }

  #block(run, name, more) {
    const from = this.#x(run[0].at - this.#step / 2), to = this.#x(run.at(-1).at + this.#step / 2);
    return drawn("rect", { class: name, x: from, y: TOP, width: to - from, height: HEIGHT - TOP - BOTTOM, ...more });
  }

  /** Read a point out, in the legend and to screen readers: the one that someone chose, or the last observed. */
  #read(index) {
    this.#at = index;
    const last = this.#points.length - 1;
    const shown = Math.min(last, index ?? Math.max(0, this.#points.findLastIndex((point) => point.observed)));
    const point = this.#points[shown];
    if (!point) return;
    const words = this.#words(point), when = inWords(point.at, this.#step);
    this.when.textContent = when + (point.observed ? (point.soldOut ? ": sold out" : "") : ": not observed");
    this.values.forEach((value, n) => (value.textContent = words[n]));
    this.svg.setAttribute("aria-valuenow", shown);
    this.svg.setAttribute("aria-valuetext",
      `${this.when.textContent}; ${this.names.map((name, n) => `${name} ${words[n]}`).join(", ")}`);
    const x = this.#x(point.at);
    this.cursor.replaceChildren(
      ...(index === null ? [] : [drawn("path", { class: "now", d: `M${x} ${TOP}V${HEIGHT - BOTTOM}` })]),
      ...point.values.flatMap((value, n) => value === null ? [] :
        [drawn("path", { class: `shape line-${n}`, d: SHAPES[n], transform: `translate(${x} ${this.#y(value)})` })]));
  }

  #words(point) {
    return point.values.map((value) => (value === null ? "–" : this.format(value)));
  }

  #pointAt(event) {
    const x = event.clientX - this.svg.getBoundingClientRect().left;
    const distances = this.#points.map((point) => Math.abs(this.#x(point.at) - x));
    this.#read(distances.indexOf(Math.min(...distances)));
  }

  #key(event) {
    const last = this.#points.length - 1, at = Number(this.svg.getAttribute("aria-valuenow"));
    const to = { ArrowLeft: at - 1, ArrowDown: at - 1, ArrowRight: at + 1, ArrowUp: at + 1, Home: 0, End: last,
      PageUp: at + 24, PageDown: at - 24 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    this.#read(Math.min(last, Math.max(0, to)));
  }

  #tabulate() {
    const cell = (name, textContent, more = {}) => html(name, { textContent, ...more });
    this.table.replaceChildren(
      html("caption", { textContent: `${this.title}. ${this.note.textContent}` }),
      html("thead", {}, html("tr", {}, ...[this.#step < DAY ? "Hour" : "Day (UTC)", ...this.names, "Remark"]
        .map((name) => cell("th", name, { scope: "col" })))),
      html("tbody", {}, ...this.#points.map((point) => html("tr", {},
        cell("th", inWords(point.at, this.#step), { scope: "row" }),
        ...this.#words(point).map((words) => cell("td", words)),
        cell("td", point.observed ? (point.soldOut ? "sold out" : "") : "not observed")))));
  }
}

/** Round levels that hold low and high between the first and the last. */
function levelsOf(low, high) {
  const rough = (high - low || Math.max(1, high / 10)) / 4, power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 5, 10].find((factor) => factor * power >= rough);
  const levels = [];
  const first = Math.floor(low / step);
  for (let n = first; n === first || levels.at(-1) < high; n++) levels.push(n * step);
  return levels.length > 1 ? levels : [...levels, levels[0] + step];
}

/** Round moments between first and last, at most so many, with their labels. */
function momentsOf(first, last, most) {
  const step = TIME_STEPS.find((one) => (last - first) / one <= most) ?? TIME_STEPS.at(-1);
  const origin = step >= 7 * DAY ? MONDAY : 0, moments = [];
  for (let at = origin + Math.ceil((first - origin) / step) * step; at <= last; at += step)
    moments.push([at, (at % DAY ? asHour : asDay).format(at)]);
  return moments;
}

/** The unbroken runs of points that fit. */
function runsOf(points, fits) {
  const runs = [];
  let run = null;
  for (const point of points) {
    if (!fits(point)) run = null;
    else if (run) run.push(point);
    else runs.push((run = [point]));
  }
  return runs;
}
