// The question for an API key, in place of the page, where the service gives visitors none.

import { findKey, forgetKey, isOwnKey, keepKey } from "./api.js";
import { at, html } from "./dom.js";

/**
 * Run `load` once there is a key. `fail(message)` shows that the service did not answer.
 *
 * Returns {open, ask, change}: `open` begins (again); `ask(failure)` is for an answer of status 401; `change(words)`
 * asks for another key.
 */
export function keyGate(main, load, fail) {
  const why = html("p", { id: "key-why", role: "status" });
  const field = html("input",
    { id: "key-input", type: "password", autocomplete: "off", spellcheck: false, required: true });
  const form = html("form", { id: "key", hidden: true }, html("h1", { textContent: "Enter an API key" }), why,
    html("label", { htmlFor: field.id, textContent: "API key" }), field,
    html("button", { textContent: "Continue" }),
    html("p", { textContent: "The key is kept in this tab only, until you close it." }));
  main.append(form);

  function question(words) {
    forgetKey();
    main.dataset.locked = "";
    form.hidden = false;
    at("forget").hidden = true;
    why.textContent = words || "This page needs an API key. Ask whoever runs the service for one.";
    field.focus();
  }

  function close() {
    form.hidden = true;
    delete main.dataset.locked;
    at("forget").hidden = !isOwnKey();
  }

  async function open() {
    try {
      if (!(await findKey())) return question("");
    } catch (failure) {
      // 421: a name under which the service gives out no key
      return failure.status === 421 ? question(failure.message) : fail(failure.message);
    }
    close();
    await load();
  }

  at("forget").addEventListener("click", () => question("The key was removed from this tab."));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    keepKey(field.value.trim());
    field.value = "";
    close();
    load();
  });
  return { open, ask: (failure) => question(isOwnKey() ? failure.message : ""), change: question };
}
