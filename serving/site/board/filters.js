// The board's filters: fields above the table, sort buttons in its head, all of it in the URL.

import { asked, change, settle } from "../shared/address.js";
import { at, html } from "../shared/dom.js";
import { COLUMNS } from "./rows.js";

const PAUSE_MS = 250; // between a key press and the search, so that not every letter starts one
const CHOICES = ["search", "category", "city", "performer", "date_from", "date_to"];
const NAMES = [...CHOICES, "tickets", "basis", "group", "sort"];
const ORDERS = {
  movers: "Largest moves in 7 days", date: "Date, soonest first", price: "Get-in, lowest first",
  "-price": "Get-in, highest first", share_1day: "1 day, largest fall first", "-share_1day": "1 day, largest rise first",
  share_7days: "7 days, largest fall first", "-share_7days": "7 days, largest rise first",
  share_30days: "30 days, largest fall first", "-share_30days": "30 days, largest rise first",
  "-total_tickets": "Tickets left, most first", total_tickets: "Tickets left, fewest first",
  "-sold_tickets_1day": "Sold in 24 h, most first", sold_tickets_1day: "Sold in 24 h, fewest first",
  "-last_ok_at": "Updated, newest first", last_ok_at: "Updated, oldest first",
  name: "Name, A to Z", "-name": "Name, Z to A", "-date": "Date, latest first",
};

/** What the URL asks of the API. In a group the cheapest date is first, else what moved most. */
export function filters() {
  const found = asked(NAMES);
  return { ...found, tickets: found.tickets ?? "2", sort: found.sort ?? (found.group ? "price" : "movers") };
}

/** Whether the URL leaves events out. */
export const isNarrowed = () => Object.values(asked(CHOICES)).some(Boolean);

/** Set the fields up. `choose` is called after each change of the URL. */
export function setUp(choose) {
  const form = at("filters");
  let timer;
  const set = (changes, how = change) => {
    clearTimeout(timer);
    how(changes);
    fill(at("search")); // someone may go on typing
    choose();
  };
  at("sort").append(...Object.entries(ORDERS).map(([value, words]) => new Option(words, value)));
  at("head").append(...COLUMNS.map((column) => headOf(column, set)));
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("change", ({ target: { name, value } }) => {
    if (asked([name])[name] !== (value || null)) set({ [name]: value, ...(name === "group" ? { sort: "" } : {}) });
  });
  at("search").addEventListener("input", ({ target: { value } }) => {
    clearTimeout(timer);
    // letters of one word are one entry of the history
    timer = setTimeout(() => set({ search: value.trim() }, asked(["search"]).search ? settle : change), PAUSE_MS);
  });
  at("clear").addEventListener("click", () => {
    set(Object.fromEntries(CHOICES.map((name) => [name, ""])));
    at("search").focus();
  });
  at("more").addEventListener("click", () => {
    at("more").ariaExpanded = String(at("narrow").classList.toggle("open"));
  });
  addEventListener("popstate", () => { fill(); choose(); });
  fill();
}

function headOf({ key, name, sort, first, title }, set) {
  const cell = html("th", { className: key, role: "columnheader", scope: "col", title });
  if (!sort) {
    cell.textContent = name;
    return cell;
  }
  cell.dataset.sort = sort;
  cell.append(html("button", { type: "button", textContent: name, onclick: () => {
    const now = filters().sort, other = first ? "" : "-";
    set({ sort: (now === first + sort ? other : first) + sort });
  } }));
  return cell;
}

/** Make the fields say what the URL says, but for the one that is typed in. */
function fill(typed) {
  const found = filters();
  for (const name of [...CHOICES, "sort"]) {
    const field = at(name), value = found[name] ?? "";
    if (field === typed && field === document.activeElement) continue;
    if (name === "category" && value && ![...field.options].some((one) => one.value === value)) field.add(new Option(value));
    field.value = value;
  }
  const radio = { tickets: found.tickets === "2" ? "" : found.tickets, basis: found.basis ?? "", group: found.group ?? "" };
  for (const [name, value] of Object.entries(radio))
    for (const field of at("filters").querySelectorAll(`[name=${name}]`)) field.checked = field.value === value;
  for (const cell of at("head").children) {
    const { sort } = cell.dataset;
    cell.ariaSort = found.sort === sort ? "ascending" : found.sort === `-${sort}` ? "descending" : null;
  }
  const chosen = Object.values(asked(CHOICES.slice(1))).filter(Boolean).length;
  at("chosen").textContent = chosen ? `(${chosen})` : "";
}

/** Offer what there is to choose from, beside what was offered before. */
export function offer(events) {
  const add = (list, values, make) => {
    const known = new Set([...list.children].map((one) => one.value));
    for (const value of [...new Set(values)].filter(Boolean).sort((one, other) => one.localeCompare(other)))
      if (!known.has(value)) list.append(make(value));
  };
  add(at("category"), events.map((event) => event.category), (value) => new Option(value));
  add(at("cities"), events.map((event) => event.city), (value) => html("option", { value }));
  add(at("performers"), events.map((event) => event.performer_name), (value) => html("option", { value }));
}
