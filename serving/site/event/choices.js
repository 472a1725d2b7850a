// The fields of the page: what the reader chooses, and what they show of it.

import { at, html } from "../shared/dom.js";

/** Call `choose({name: value})` when a reader changes a field. */
export function watchFields(choose) {
  for (const name of ["zone", "with", "axis", "tickets", "basis", "from", "to"])
    at(name).addEventListener("change", ({ target }) => choose({ [name]: target.value }));
  at("days").addEventListener("change", ({ target }) => {
    if (target.value === "dates") choose({ from: at("from").value, to: at("to").value });
    else choose({ days: target.value, from: null, to: null });
  });
  at("filters").addEventListener("submit", (event) => event.preventDefault());
}

/** Fill the fields with what is shown. */
export function fillFields({ event, zones, labels, zone, other, tickets, basis, range, axis, versus, where }) {
  const named = (one) => labels.get(one.zone) + (one.available || !event.last_ok_at ? "" : " (sold out)");
  const options = (select, list, chosen) =>
    select.replaceChildren(...list.map(([value, text]) => new Option(text, value, false, value === chosen)));
  const all = zones.map((one) => [one.zone, named(one)]);
  options(at("zone"), all, zone?.zone);
  options(at("with"), [["", "No other zone"], ...all.filter(([name]) => name !== zone?.zone)], other?.zone ?? "");
  options(at("where"), [["", "All zones"], ...all], where ?? "");
  at("zone").disabled = !zone;
  at("with").disabled = zones.length < 2;
  for (const [name, value] of [["tickets", String(tickets)], ["basis", basis]])
    at(name).querySelector(`[value="${value}"]`).checked = true;
  at("days").value = range.days;
  at("from").value = range.from;
  at("to").value = range.to;
  for (const one of document.querySelectorAll("#filters .dates")) one.hidden = range.days !== "dates";
  at("axis-choice").hidden = !(event.date && (versus || axis));
  at("axis").value = axis ?? "";
  at("zone-title").textContent = zone ? labels.get(zone.zone) : "One zone";
}

/** Figures in words: [name, value, remark]. */
export function showFigures(figures) {
  at("figures").replaceChildren(...figures.map(([name, value, remark, tone]) => html("div", {},
    html("dt", { textContent: name }), html("dd", {}, html("b", { textContent: value }),
      html("span", { textContent: remark ?? "", className: tone ?? "soft" })))));
}
