// The price alert of an event: a limit that is typed, or dragged on the get-in chart. What it would have told in the
// last 30 days is drawn and counted before it is saved.

import { ask, send } from "../shared/api.js";
import { drawn, html } from "../shared/dom.js";
import { previewInWords } from "../shared/previews.js";
import { money } from "../shared/words.js";

const PREVIEW_PAUSE_MS = 400; // after the last change: a preview reads a month of captures

/** The conditions, with the field of a rule that their number is for. */
const CONDITIONS = {
  below: ["At most", "price", "Per ticket"],
  below_median: ["Below its 7-day median", "percent", "By percent"],
  cheapest: ["The cheapest", "days", "In days"],
  fell: ["Fell in a day", "percent", "By percent"],
  rose: ["Rose in a day", "percent", "By percent"],
  back: ["For sale again", null, ""],
  few: ["Few tickets left", "few", "At most"],
};

/** Make the form in `place`, with its limit on `chart`. Answers {show(view)}, where a view is the page's. */
export function makeAlert(place, chart) {
  const option = (value, textContent) => html("option", { value, textContent });
  const about = html("select", { id: "alert-about" });
  const condition = html("select", { id: "alert-condition" },
    ...Object.entries(CONDITIONS).map(([name, [words]]) => option(name, words)));
  const number = html("input", { id: "alert-number", type: "number", min: "0.01", step: "0.01", required: true });
  const numberLabel = html("label", { htmlFor: number.id });
  const numberField = html("div", {}, numberLabel, number);
  const zone = html("select", { id: "alert-zone" });
  const destination = html("select", { id: "alert-destination" });
  const note = html("p", { className: "note" });
  const told = html("p", { id: "alert-preview", role: "status" });
  const failed = html("p", { role: "alert" });
  const field = (label, control) =>
    html("div", {}, html("label", { htmlFor: control.id, textContent: label }), control);
  const form = html("form", { ariaLabel: "New price alert" },
    field("About", about), field("Tell me when the price is", condition), numberField, field("In", zone), field("Send it to", destination),
    html("button", { textContent: "Save the alert" }));
  place.replaceChildren(
    html("h2", { id: "alert-title", textContent: "Price alert" }), note, form, told, failed,
    html("p", { className: "note" }, html("a", { href: "../alerts", textContent: "Your alerts and destinations" })));
  let view = null, found = null, waiting = null, asking = new AbortController();

  const price = () => (condition.value === "below" && number.valueAsNumber > 0 ? number.valueAsNumber : null);

  /** What the rule is about, as a rule says it. */
  function scope() {
    const { event } = view;
    if (about.value === "performer") return { scope: "performer", about: event.performer_id ?? event.performer_name };
    return about.value === "venue" ? { scope: "venue", about: event.venue } : { event_id: view.id };
  }

  function rule() {
    const said = { ...scope(), tickets: view.tickets, basis: view.basis, condition: condition.value,
      destination_id: destination.value || null, zones: zone.value ? [zone.value] : [],
      time_zone: Intl.DateTimeFormat().resolvedOptions().timeZone };
    const name = CONDITIONS[condition.value][1];
    return name ? { ...said, [name]: number.valueAsNumber } : said;
  }

  function overlay({ x, left, right, level, valueAt }) {
    if (price() === null || !view) return [];
    const y = level(price());
    const handle = drawn("path", { class: "handle", d: `M${left} ${y}H${right}` });
    handle.addEventListener("pointerdown", (event) => drag(event, valueAt));
    // the chart reads points out where the pointer is; on the limit it is dragged
    for (const name of ["pointermove", "pointerup"]) handle.addEventListener(name, (event) => event.stopPropagation());
    const marks = (found?.data ?? []).filter((one) => one.price !== null && one.event_id === view.id).flatMap((one) => {
      const place = x(Date.parse(one.timestamp));
      return place < left || place > right ? []
        : [drawn("circle", { class: "would-tell", cx: place, cy: level(one.price), r: 4 })];
    });
    return [...marks, drawn("g", { class: "limit" }, drawn("path", { d: `M${left} ${y}H${right}` }),
      drawn("text", { x: right, y: y - 5 }, `Alert: ${money(price(), view.currency)}`), handle)];
  }

  function drag(event, valueAt) {
    event.preventDefault();
    event.stopPropagation();
    const { svg } = chart;
    const follow = (moved) => {
      const { top } = svg.getBoundingClientRect();
      number.value = Math.max(1, Math.round(valueAt(moved.clientY - top)));
      changed();
    };
    const end = () => {
      removeEventListener("pointermove", follow);
      removeEventListener("pointerup", end);
      removeEventListener("pointercancel", end);
    };
    addEventListener("pointermove", follow);
    addEventListener("pointerup", end);
    addEventListener("pointercancel", end);
  }

  function changed() {
    failed.textContent = "";
    chart.overlay = overlay;
    clearTimeout(waiting);
    asking.abort();
    if (view && form.checkValidity()) waiting = setTimeout(preview, PREVIEW_PAUSE_MS);
    else told.textContent = "";
  }

  async function preview() {
    asking = new AbortController();
    const { signal } = asking;
    told.textContent = "Trying it on the last 30 days …";
    try {
      found = await send("POST", "alerts/preview", rule(), signal);
      told.textContent = previewInWords(found, (instant) => view.clock.shortly(instant, 0), view.id);
      chart.overlay = overlay;
    } catch (failure) {
      if (signal.aborted) return;
      told.textContent = "";
      failed.textContent = failure.message;
    }
  }

  function label() {
    const [, name, words] = CONDITIONS[condition.value];
    numberField.hidden = !name;
    number.required = Boolean(name);
    number.disabled = !name;
    number.step = name === "price" ? "0.01" : "1";
    number.min = name === "price" ? "0.01" : "1";
    numberLabel.textContent = name === "price" ? `${words}${view?.currency ? `, ${view.currency}` : ""}` : words;
  }

  condition.addEventListener("change", () => {
    number.value = "";
    found = null;
    label();
    changed();
  });
  number.addEventListener("input", changed);
  zone.addEventListener("change", changed);
  about.addEventListener("change", changed);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    failed.textContent = "";
    try {
      const saved = await send("POST", "alerts", rule());
      told.textContent = `Saved: ${saved.name}. ${destination.value ? "" : "It tells in its history and feed. "}`
        + "It is evaluated at each new capture.";
    } catch (failure) {
      failed.textContent = failure.message;
    }
  });

  async function fillDestinations() {
    const chosen = destination.value;
    const { data } = await ask("alerts/destinations");
    destination.replaceChildren(option("", "history and feed only"),
      ...data.filter((one) => one.verified_at).map((one) => option(one.destination_id, one.name)));
    destination.value = chosen || destination.lastElementChild.value;
  }

  return {
    /** Show what the page shows: its event, its number of tickets and its kind of prices. */
    show(shown) {
      const first = view === null;
      view = shown;
      note.textContent = `For ${view.tickets === 1 ? "1 ticket" : `${view.tickets} tickets together`}, with prices `
        + `${view.basis === "all_in" ? "with all fees" : "before fees"}, as chosen above. A price must stand at two `
        + "captures in a row.";
      const wanted = about.value, { event } = view;
      about.replaceChildren(option("", "this event"),
        ...(event.performer_name ? [option("performer", `all events of ${event.performer_name}`)] : []),
        ...(event.venue !== "unknown" ? [option("venue", `all events at ${event.venue}`)] : []));
      about.value = wanted; // an event's own performer and venue: the page is of one event
      const chosen = zone.value;
      zone.replaceChildren(option("", "all zones"), ...view.zones.map((one) => option(one.zone, one.display_name)));
      zone.value = view.zones.some((one) => one.zone === chosen) ? chosen : "";
      label();
      if (first) fillDestinations().catch((failure) => (failed.textContent = failure.message));
      if (number.value || !CONDITIONS[condition.value][1]) changed();
    },
  };
}
