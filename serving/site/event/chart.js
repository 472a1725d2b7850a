// One chart: a drawing over time that is read out by pointer and keyboard, a table of the same numbers, and exports.

import { drawn, html } from "../shared/dom.js";
import { DAY, NOTHING } from "../shared/words.js";
import { exportsOf } from "./exports.js";
import { SHAPES } from "./marks.js";
import { daysBefore, momentsOf, runsOf } from "./scales.js";
import { remarkOf } from "./series.js";
import { keepingFocus } from "./steady.js";

const RIGHT = 14;

/**
 * A figure with a chart in it. `drawing` is one of marks.js, `format` writes a value, `level` is the heading's, and
 * `hint` stands below. With `mark(at, done)` a reader can mark a point, by dragging or with Enter: `at` is its end. Null
 * takes the mark away.
 */
export class Chart {
  #view = null;
  #at = null; // the point that someone reads; null: nobody does
  #x = () => 0;
  #drawing = null;
  #marking = false;
  #width = 0; // of the drawing; 0: it is not shown
  #overlay = () => []; // elements above the lines

  constructor(figure, { title, format, drawing, level = 3, mark = null, hint = "" }) {
    Object.assign(this, { figure, title, format, drawing, mark, hint });
    this.note = html("p", { className: "note" });
    this.when = html("p", { className: "when" });
    this.legend = html("ul");
    this.svg = drawn("svg", { role: "slider", tabindex: 0, "aria-label": title, "aria-valuemin": 0 });
    this.keys = html("p", { className: "keys" });
    this.table = html("table");
    this.exports = html("p", { className: "exports" });
    const help = html("p", { className: "hint", id: `${figure.id}-hint`, textContent: hint, hidden: !hint });
    if (hint) this.svg.setAttribute("aria-describedby", help.id);
    figure.replaceChildren(
      html("figcaption", {}, html(`h${level}`, { textContent: title }), this.note),
      html("div", { className: "readout" }, this.when, this.legend),
      this.svg,
      this.keys,
      help,
      html("div", { className: "foot" },
        this.details = html("details", {}, html("summary", { textContent: "Table", ariaLabel: `${title} as a table` }),
          html("div", { className: "scroll", tabIndex: 0, role: "region", ariaLabel: `${title}, table` }, this.table)),
        this.exports),
    );
    this.svg.addEventListener("pointermove", (event) => this.#pointAt(event));
    this.svg.addEventListener("pointerdown", (event) => this.#pointDown(event));
    this.svg.addEventListener("pointerup", () => this.#pointUp());
    this.svg.addEventListener("pointercancel", () => this.#pointUp());
    this.svg.addEventListener("pointerleave", () => this.#marking || this.#read(null));
    this.svg.addEventListener("blur", () => this.#read(null));
    this.svg.addEventListener("keydown", (event) => this.#key(event));
    // a thousand cells that few look at: they are made when they are
    this.details.addEventListener("toggle", () => this.details.open && this.#tabulate());
    new ResizeObserver(([{ contentRect: { width } }]) => {
      if (width === this.#width) return;
      this.#width = width;
      this.#draw();
    }).observe(figure);
  }

  /**
   * Show points {at, observed, soldOut, values}, `step` ms apart, which `lines` [{name, style}] name, with a note under
   * the title. `clock` is the venue's. `event`: the moment of the event, where days before it are shown. `marked`: a
   * moment that is marked, or null. `source`: the API's address of the rows.
   */
  show(view) {
    this.#view = { ...view, name: this.figure.id, format: this.format };
    this.note.textContent = view.note;
    this.#drawing = this.drawing(this.#view);
    this.values = view.lines.map(() => html("b"));
    this.legend.replaceChildren(...view.lines.map(({ name, style }, n) =>
      html("li", {}, drawn("svg", { viewBox: "-6 -6 12 12", class: `line-${style}`, "aria-hidden": true },
        drawn("path", { d: SHAPES[style], class: "shape" })), `${name} `, this.values[n])));
    this.figure.dataset.drawn = "";
    this.figure.removeAttribute("data-says");
    if (this.details.open) this.#tabulate();
    keepingFocus(this.exports, () => this.exports.replaceChildren(...exportsOf(this, this.#view)));
    this.#draw();
  }

  /** Show why there is no drawing. */
  say(words) {
    this.#view = null;
    this.note.textContent = words;
    this.figure.dataset.says = "";
    delete this.figure.dataset.drawn;
    this.table.replaceChildren();
  }

  /** Draw more above the lines: `overlay({x, left, right, level, valueAt})` answers with elements of SVG. */
  set overlay(overlay) {
    this.#overlay = overlay;
    this.#draw();
  }

  /** Mark a moment; null: none. */
  set marked(at) {
    if (!this.#view || this.#view.marked === at) return;
    this.#view.marked = at;
    this.#read(this.#at);
  }

  #draw() {
    const width = this.#width, view = this.#view;
    if (!view?.points.length || !width) return;
    const { points, step, clock } = view, { height, top, bottom, left, draw, cut } = this.#drawing;
    const first = points[0].at, last = points.at(-1).at, right = width - RIGHT;
    this.#x = (at) => left + ((at - first + step / 2) / (last - first + step)) * (right - left);
    this.svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    this.svg.setAttribute("height", height);
    this.svg.setAttribute("aria-valuemax", points.length - 1);
    const unobserved = runsOf(points, (point) => point.observed === false);
    const soldOut = runsOf(points, (point) => point.soldOut);
    const most = (right - left) / 54;
    const moments = view.event ? daysBefore(first, last, most, view.event) : momentsOf(first, last, most, step, clock);
    this.svg.replaceChildren(
      drawn("defs", {}, drawn("pattern",
        { id: `${view.name}-hatch`, width: 6, height: 6, patternUnits: "userSpaceOnUse", class: "hatch" },
        drawn("path", { d: "M0 6 6 0" }))),
      ...unobserved.map((run) => this.#block(run, "unobserved", { fill: `url(#${view.name}-hatch)` })),
      ...soldOut.map((run) => this.#block(run, "sold-out", {})),
      ...moments.map(([at, label]) => drawn("g", { class: "moment" },
        drawn("path", { d: `M${this.#x(at)} ${bottom}v4` }), drawn("text", { x: this.#x(at), y: height - 6 }, label))),
      ...draw(this.#x, right),
      this.cursor = drawn("g", { class: "cursor" }),
      ...this.#overlay({ ...this.#drawing, x: this.#x, right }),
    );
    this.keys.replaceChildren(
      ...(unobserved.length ? [html("span", { className: "unobserved", textContent: "not observed" })] : []),
      ...(soldOut.length ? [html("span", { className: "sold-out", textContent: "sold out" })] : []),
      ...cut.map(({ line, highest }) => html("span",
        { className: "off", textContent: `off the scale: ${view.lines[line].name}, up to ${this.format(highest)}` })));
    this.#read(this.#at);
  }

  #block(run, name, more) {
    const { step } = this.#view, { top, bottom } = this.#drawing;
    const from = this.#x(run[0].at - step / 2), to = this.#x(run.at(-1).at + step / 2);
    return drawn("rect", { class: name, x: from, y: top, width: to - from, height: bottom - top, ...more });
  }

  /** Read a point out, in the legend and to screen readers: the chosen one, the marked, or the last seen. */
  #read(index) {
    this.#at = index;
    const { points, clock, step, lines, event, marked } = this.#view ?? {};
    if (!points?.length) return;
    const held = marked ? points.findLastIndex((one) => one.at <= marked && marked < one.at + step) : -1;
    const rest = held < 0 ? points.findLastIndex((one) => one.observed) : held;
    const shown = Math.min(points.length - 1, index ?? Math.max(0, rest));
    const point = points[shown], words = this.#words(point), remark = remarkOf(point);
    this.when.textContent = clock.inWords(point.at, step) + (event ? `, ${daysTo(point.at, event)}` : "")
      + (remark && `: ${remark}`);
    this.when.title = clock.inUTC(point.at);
    this.values.forEach((value, n) => (value.textContent = words[n]));
    this.svg.setAttribute("aria-valuenow", shown);
    this.svg.setAttribute("aria-valuetext",
      `${this.when.textContent}; ${lines.map(({ name }, n) => `${name} ${words[n]}`).join(", ")}`);
    if (!this.cursor) return;
    const { top, bottom, place } = this.#drawing, x = this.#x(point.at);
    const upright = (at, name) => drawn("path", { class: name, d: `M${at} ${top}V${bottom}` });
    this.cursor.replaceChildren(
      ...(held < 0 ? [] : [upright(this.#x(points[held].at), "marked")]),
      ...(index === null || index === held ? [] : [upright(x, "now")]),
      ...point.values.flatMap((value, n) => {
        const found = value === null ? null : place(value, n);
        return found ? [drawn("path", { class: `shape line-${lines[n].style}`, d: SHAPES[lines[n].style],
          transform: `translate(${x} ${found[1]})` })] : [];
      }));
  }

  #words(point) {
    return point.values.map((value) => (value === null ? NOTHING : this.format(value)));
  }

  #nearest(x) {
    const distances = this.#view.points.map((point) => Math.abs(this.#x(point.at) - x));
    return distances.indexOf(Math.min(...distances));
  }

  #pointAt(event) {
    if (!this.#view) return;
    this.#read(this.#nearest(event.clientX - this.svg.getBoundingClientRect().left));
    if (this.#marking) this.#mark(false);
  }

  #pointDown(event) {
    if (this.mark && event.button === 0) {
      this.svg.setPointerCapture(event.pointerId);
      this.#marking = true;
    }
    this.#pointAt(event);
  }

  #pointUp() {
    if (!this.#marking) return;
    this.#marking = false;
    this.#mark(true);
  }

  #mark(done) {
    const point = this.#view?.points[this.#at];
    if (!point) return;
    this.#view.marked = point.at;
    this.#read(this.#at);
    this.mark(Math.min(point.at + this.#view.step - 1_000, Date.now()), done);
  }

  #key(event) {
    if (!this.#view || event.ctrlKey || event.metaKey || event.altKey) return;
    const last = this.#view.points.length - 1, at = Number(this.svg.getAttribute("aria-valuenow"));
    if (this.mark && ["Enter", " ", "Escape"].includes(event.key)) {
      event.preventDefault();
      if (event.key === "Escape") return this.mark(null, true);
      this.#at ??= at;
      return this.#mark(true);
    }
    const to = { ArrowLeft: at - 1, ArrowDown: at - 1, ArrowRight: at + 1, ArrowUp: at + 1, Home: 0, End: last,
      PageUp: at + 24, PageDown: at - 24 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    this.#read(Math.min(last, Math.max(0, to)));
  }

  #tabulate() {
    if (!this.#view) return;
    const { points, lines, step, clock, event, note } = this.#view;
    const cell = (name, textContent, more = {}) => html(name, { textContent, ...more });
    const heads = [step < DAY ? "Hour" : "Day (UTC)", ...(event ? ["Days to the event"] : []),
      ...lines.map(({ name }) => name), "Remark"];
    this.table.replaceChildren(
      html("caption", { textContent: `${this.title}. ${note}` }),
      html("thead", {}, html("tr", {}, ...heads.map((name) => cell("th", name, { scope: "col" })))),
      html("tbody", {}, ...points.map((point) => html("tr", {},
        cell("th", clock.inWords(point.at, step), { scope: "row", title: clock.inUTC(point.at) }),
        ...(event ? [cell("td", ((event - point.at) / DAY).toFixed(1))] : []),
        ...this.#words(point).map((words) => cell("td", words)),
        cell("td", remarkOf(point))))));
  }
}

const daysTo = (at, event) => {
  const days = (event - at) / DAY;
  return days < 0 ? `${(-days).toFixed(1)} days after` : `${days.toFixed(1)} days before`;
};
