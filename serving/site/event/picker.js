// A field that searches while the reader types, and a list to choose from: the ARIA combobox pattern.

const PAUSE_MS = 150; // between a key press and the search, so that not every letter starts one

/**
 * Turn a field into a picker. `search(text)` returns options {value, label, hint}; `choose(option)` is called with the
 * choice. Returns `show(label)`, which fills the field with a choice made elsewhere.
 */
export function picker(field, list, search, choose) {
  let options = [], active = -1, chosen = "", asked = 0, timer;

  function close() {
    clearTimeout(timer);
    asked++;
    list.hidden = true;
    active = -1;
    field.setAttribute("aria-expanded", "false");
    field.removeAttribute("aria-activedescendant");
  }

  async function open(text) {
    const mine = ++asked;
    const found = await search(text).catch((error) => [{ label: error.message }]);
    if (mine !== asked) return;
    options = found.length ? found : [{ label: "No event name contains this text." }];
    list.replaceChildren(...options.map(row));
    list.hidden = false;
    field.setAttribute("aria-expanded", "true");
    move(found.length && text && found[0].value ? 0 : -1);
  }

  function row(option, index) {
    const item = document.createElement("li");
    item.id = `${list.id}-${index}`;
    item.setAttribute("role", "option");
    item.setAttribute("aria-disabled", !option.value);
    item.append(option.label);
    if (option.hint) item.append(Object.assign(document.createElement("small"), { textContent: option.hint }));
    item.addEventListener("pointerdown", (event) => event.preventDefault()); // the field keeps the focus
    item.addEventListener("click", () => take(index));
    return item;
  }

  function move(to) {
    active = to;
    for (const [index, item] of [...list.children].entries()) item.setAttribute("aria-selected", index === active);
    list.children[active]?.scrollIntoView({ block: "nearest" });
    if (active < 0) field.removeAttribute("aria-activedescendant");
    else field.setAttribute("aria-activedescendant", list.children[active].id);
  }

  function take(index) {
    const option = options[index];
    if (!option?.value) return;
    show(option.label);
    close();
    choose(option);
  }

  function show(label) {
    chosen = label;
    field.value = label;
  }

  field.addEventListener("focus", () => field.select());
  field.addEventListener("click", () => {
    if (!list.hidden) return;
    field.select(); // so that typing replaces the name
    open("");
  });
  field.addEventListener("blur", () => { close(); field.value = chosen; });
  field.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(() => open(field.value.trim()), PAUSE_MS);
  });
  field.addEventListener("keydown", (event) => {
    const last = options.length - 1;
    if (event.key === "ArrowDown") list.hidden ? open("") : move(active >= last ? 0 : active + 1);
    else if (event.key === "ArrowUp") list.hidden ? open("") : move(active <= 0 ? last : active - 1);
    else if (event.key === "Enter") take(active);
    else if (event.key === "Escape") { close(); show(chosen); }
    else return;
    event.preventDefault();
  });
  return show;
}
