// What is seen, to keep: the table as CSV, the API's rows as Parquet, the drawing as a picture.

import { addressOf, askFile } from "../shared/api.js";
import { html } from "../shared/dom.js";
import { remarkOf } from "./series.js";

const PARQUET = "application/vnd.apache.parquet", PIXELS = 2; // of the picture, for each of the page
const FORMULA = /^[=+\-@\t\r\n]/; // what spreadsheets would run
const DRAWN = ["fill", "stroke", "stroke-width", "stroke-dasharray", "stroke-linejoin", "stroke-linecap", "opacity",
  "font-family", "font-size", "text-anchor", "font-weight"];

/** The links and buttons that export a chart. `view` has `source`: [path, parameters] of the API's rows. */
export function exportsOf({ title, note, svg }, view) {
  const name = `${view.title} ${title}`;
  return [
    csv(title, `${name}.csv`, () => csvOf(view)),
    ...(view.source ? [parquet(title, `${name}.parquet`, ...view.source)] : []),
    button(title, "PNG", async () =>
      save(await picture(svg, [view.title, `${title}. ${note.textContent}`]), `${name}.png`)),
  ];
}

const button = (title, kind, onclick) =>
  html("button", { type: "button", textContent: kind, ariaLabel: `${title} as ${kind}`, onclick });

/** A button that saves what is shown as CSV. `lines()` writes it. */
export const csv = (title, name, lines) =>
  button(title, "CSV", () => save(new Blob([lines()], { type: "text/csv" }), name));

/** A link to the API's rows as Parquet. The key goes with it as a header, so a click asks by itself. */
export function parquet(title, name, path, parameters) {
  const link = html("a", {
    href: addressOf(path, parameters), textContent: "Parquet", ariaLabel: `${title} as Parquet`,
    onclick: async (event) => {
      event.preventDefault();
      try {
        save(await askFile(path, parameters, PARQUET), name);
      } catch (failure) {
        link.after(html("span", { role: "alert", textContent: failure.message }));
      }
    },
  });
  return link;
}

/** A chart's points as CSV: instants in UTC, numbers as they are. */
function csvOf({ points, lines }) {
  return linesOf([["timestamp", ...lines.map(({ name }) => name), "remark"], ...points.map((point) => [
    new Date(point.at).toISOString(), ...point.values.map((value) => value ?? ""),
    remarkOf(point),
  ])]);
}

/** Rows as lines of CSV. An apostrophe goes before a text that a spreadsheet would run, as in the API. */
export function linesOf(rows) {
  const cell = (value) => {
    const text = typeof value === "string" && FORMULA.test(value) ? `'${value}` : String(value ?? "");
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  return rows.map((row) => `${row.map(cell).join(",")}\r\n`).join("");
}

/** Give the reader a file. */
function save(blob, name) {
  const href = URL.createObjectURL(blob);
  html("a", { href, download: name.replace(/[\\/:*?"<>|]+/g, " ").replace(/\s+/g, " ") }).click();
  setTimeout(() => URL.revokeObjectURL(href), 10_000);
}

/** An SVG of the page as a PNG, with lines of text above it, in the page's colours. */
async function picture(svg, texts) {
  const { width, height } = svg.getBoundingClientRect(), head = 14 + 20 * texts.length;
  const copy = svg.cloneNode(true), page = getComputedStyle(svg.closest("figure"));
  const originals = svg.querySelectorAll("*");
  copy.querySelectorAll("*").forEach((one, n) => {
    const style = getComputedStyle(originals[n]);
    for (const property of DRAWN) one.setAttribute(property, style.getPropertyValue(property));
  });
  const size = { width, height, viewBox: `0 0 ${width} ${height}` };
  for (const [attribute, value] of Object.entries({ xmlns: "http://www.w3.org/2000/svg", ...size }))
    copy.setAttribute(attribute, value);
  const image = new Image();
  image.src = `data:image/svg+xml,${encodeURIComponent(new XMLSerializer().serializeToString(copy))}`;
  await image.decode();
  const canvas = html("canvas", { width: width * PIXELS, height: (height + head) * PIXELS });
  const brush = canvas.getContext("2d");
  brush.scale(PIXELS, PIXELS);
  brush.fillStyle = page.backgroundColor;
  brush.fillRect(0, 0, width, height + head);
  brush.fillStyle = page.color;
  texts.forEach((text, n) => {
    brush.font = n ? "12px system-ui, sans-serif" : "600 14px system-ui, sans-serif";
    brush.fillText(text, 10, 22 + 20 * n, width - 20);
  });
  brush.drawImage(image, 0, head, width, height);
  return new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
}
