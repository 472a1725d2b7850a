// The sections of a venue as a picture. By keyboard it is a list box: arrow keys go on, Enter chooses.

import { drawn, html } from "../../shared/dom.js";
import { arcsOf, FAN, middleOf, NEAREST, shapeOf } from "./layout.js";

const LEAST = 16,
  MOST = 62,
  WIDEST = 720,
  EDGE = 34,
  SMALL = 24,
  ROOMY = 38;
// pixels: the depth of an arc, the width of the picture and its place's edge; below and above which depth names change
const KEYS = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };

export class SectionMap {
  /** `choose(section)` is called with the name of a section that somebody chose. */
  constructor(place, choose) {
    this.place = place;
    this.choose = choose;
    this.arcs = [];
    new ResizeObserver(() => this.last && this.show(...this.last)).observe(place.parentElement);
    place.addEventListener("click", ({ target }) => this.#press(target.closest("[role=option]")));
    place.addEventListener("keydown", (event) => this.#key(event));
    place.addEventListener("focusin", ({ target }) => this.#rove(target.closest("[role=option]")));
  }

  /**
   * Show sections, or what has changed of them. `say(section)` gives {name, look, lines}: what is read out, the name of
   * a style, and what is written in the shape. `chosen` is the name of a section or null.
   */
  show(sections, say, chosen = null) {
    this.last = [sections, say, chosen];
    const width = Math.min(WIDEST, this.place.parentElement.clientWidth - EDGE);
    const plan = JSON.stringify([
      width,
      sections.map((one) => [one.section, one.distance_to_stage_meters, one.view_quality_score]),
    ]);
    if (plan !== this.plan) this.#draw(sections, width);
    this.plan = plan;
    const known = new Map(sections.map((one) => [one.section, one]));
    for (const { shape, text, name } of this.arcs.flat()) {
      const { name: words, look, lines } = say(known.get(name));
      shape.setAttribute("aria-label", words);
      shape.setAttribute("class", look);
      shape.setAttribute("aria-selected", String(name === chosen));
      text.setAttribute("class", look);
      [...text.children].forEach((line, number) => {
        line.textContent = lines[number] ?? "";
      });
    }
    const shapes = this.arcs.flat();
    this.#rove(shapes.find((one) => one.name === (chosen ?? this.reached))?.shape ?? shapes[0]?.shape);
  }

  #draw(sections, width) {
    const arcs = arcsOf(sections),
      far = NEAREST + arcs.length;
    const half = Math.min(FAN / 2, Math.max(...arcs.map((arc) => arc.at(-1)?.to ?? 0)));
    const wide = 2 * far * Math.sin(Math.min(half, Math.PI / 2)),
      above = Math.max(0, -far * Math.cos(half));
    const unit = Math.max(LEAST, Math.min(MOST, width / wide));
    const size = { width: wide * unit + 8, height: (far + above) * unit + 16 };
    const top = -above * unit - 8;
    const roomy = unit > ROOMY;
    const svg = drawn(
      "svg",
      {
        role: "listbox",
        "aria-label": "Sections",
        viewBox: `${-size.width / 2} ${top} ${size.width} ${size.height}`,
        width: Math.round(size.width),
        height: Math.round(size.height),
      },
      drawn(
        "g",
        { class: "stage", "aria-hidden": "true" },
        drawn("rect", { x: -unit * 1.1, y: -6, width: unit * 2.2, height: unit * 0.8, rx: 6 }),
        Object.assign(drawn("text", { y: unit * 0.4 - 6, class: unit < SMALL ? "small" : "" }), {
          textContent: "Stage",
        }),
      ),
    );
    const names = drawn("g", { "aria-hidden": "true" }); // apart, because each shape has a name of its own to be read out
    this.arcs = arcs.map((arc) =>
      arc.map((one) => {
        const [x, y] = middleOf(one, unit),
          angle = (one.from + one.to) / 2;
        const turn =
          unit < SMALL
            ? { transform: `rotate(${(-angle * 180) / Math.PI} ${x} ${y})`, class: "small name" }
            : { class: "name" };
        const shape = drawn("g", { role: "option", tabindex: -1 }, drawn("path", { d: shapeOf(one, unit) }));
        const text = drawn(
          "g",
          {},
          drawn("text", { x, y: roomy ? y - 8 : y, ...turn }),
          ...(roomy ? [drawn("text", { x, y: y + 10, class: "more" })] : []),
        );
        svg.append(shape);
        names.append(text);
        return { shape, text, name: one.section.section, angle };
      }),
    );
    svg.append(names);
    const scroll = html("div", { className: "map-scroll" }, svg);
    this.place.replaceChildren(scroll);
    scroll.scrollLeft = (scroll.scrollWidth - scroll.clientWidth) / 2;
  }

  #press(shape) {
    const found = this.arcs.flat().find((one) => one.shape === shape);
    if (found) this.choose(found.name);
  }

  /** Only one section is a stop of the Tab key. */
  #rove(shape) {
    if (!shape) return;
    for (const one of this.arcs.flat()) {
      one.shape.setAttribute("tabindex", one.shape === shape ? 0 : -1);
      if (one.shape === shape) this.reached = one.name;
    }
  }

  #key(event) {
    const shape = event.target.closest("[role=option]");
    if (event.key === "Enter" || event.key === " ") this.#press(shape);
    else if (event.key in KEYS) this.#go(shape, ...KEYS[event.key]);
    else return;
    event.preventDefault();
  }

  #go(shape, arcs, places) {
    const number = this.arcs.findIndex((arc) => arc.some((one) => one.shape === shape));
    const arc = this.arcs[number],
      place = arc.findIndex((one) => one.shape === shape);
    const next = arcs ? nearest(this.arcs[number + arcs], arc[place].angle) : arc[place + places];
    next?.shape.focus();
  }
}

function nearest(arc, angle) {
  return arc?.toSorted((a, b) => Math.abs(a.angle - angle) - Math.abs(b.angle - angle))[0];
}
