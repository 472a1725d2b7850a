// The form that edits a rule: its number, and how it tells.

import { html } from "../shared/dom.js";

const NUMBERS = { below: ["price", "At most, per ticket"], below_median: ["percent", "Percent below its median"],
  fell: ["percent", "Percent"], rose: ["percent", "Percent"], cheapest: ["days", "Days"], few: ["few", "Tickets left"] };

/** Show the form in `place`. `save(changes)` answers whether they could be saved. */
export function edit(place, rule, destinations, save) {
  const input = (name, type, value, more = {}) => html("input", { id: `edit-${name}`, type, value: value ?? "", ...more });
  const field = (label, control) => html("div", {}, html("label", { htmlFor: control.id, textContent: label }), control);
  const name = input("name", "text", rule.name, { required: true, maxLength: 200 });
  const [column, words] = NUMBERS[rule.condition] ?? [];
  const number = column && input("number", "number", rule[column], {
    required: true, min: column === "price" ? "0.01" : "1", step: column === "price" ? "0.01" : "1" });
  const tickets = input("tickets", "number", rule.tickets, { min: "1", max: "50" });
  const most = input("most", "number", rule.most_per_day, { required: true, min: "1", max: "100" });
  const from = input("from", "time", rule.quiet_from?.slice(0, 5)), until = input("until", "time", rule.quiet_until?.slice(0, 5));
  const destination = html("select", { id: "edit-destination" },
    html("option", { value: "", textContent: "history and feed only" }),
    ...destinations.filter((one) => one.verified_at)
      .map((one) => html("option", { value: one.destination_id, textContent: one.name })));
  destination.value = rule.destination_id ?? "";
  const check = (id, label, checked) => {
    const box = html("input", { id, type: "checkbox", checked });
    return [box, html("label", { className: "check" }, box, label)];
  };
  const [atOnce, atOnceLabel] = check("edit-at-once", "At once, without waiting for a second capture", rule.captures === 1);
  const [withdrawn, withdrawnLabel] = check("edit-withdrawn", "Tell me if a price is withdrawn", rule.tell_withdrawn);
  const form = html("form", { ariaLabel: `Edit ${rule.name}` }, field("Name", name),
    ...(number ? [field(words, number)] : []), field("Tickets together (empty: any)", tickets),
    field("Send it to", destination), field("Most a day", most), field("Quiet from", from), field("Quiet until", until),
    atOnceLabel, withdrawnLabel, html("button", { textContent: "Save" }),
    html("button", { type: "button", textContent: "Cancel", onclick: () => place.replaceChildren() }));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    save({
      name: name.value, ...(number ? { [column]: number.valueAsNumber } : {}),
      tickets: tickets.value ? tickets.valueAsNumber : null, destination_id: destination.value || null,
      most_per_day: most.valueAsNumber, quiet_from: from.value || null, quiet_until: until.value || null,
      time_zone: Intl.DateTimeFormat().resolvedOptions().timeZone,
      captures: atOnce.checked ? 1 : 2, tell_withdrawn: withdrawn.checked,
    });
  });
  place.replaceChildren(form);
  (number ?? name).focus();
}
