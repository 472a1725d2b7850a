// Who is logged in: the header says it, and a dialog asks for it where it is needed.

import { at, html } from "../../shared/dom.js";
import { ask, send, wordsOf } from "./api.js";

let settings = null; // what GET settings said, with the user

/** The settings of the box office, and `user`: who is logged in, or null. */
export async function visit() {
  settings = await ask("settings");
  showUser();
  return settings;
}

/** Who is logged in, or null. */
export const user = () => settings?.user ?? null;

/**
 * Do what only a user may: `work()`, after a log-in where that is needed. Returns what it returns, or undefined if the
 * visitor would rather not.
 */
export async function asUser(work, why) {
  if (!user() && !(await logIn(why))) return undefined;
  try {
    return await work();
  } catch (failure) {
    if (failure.status !== 401) throw failure;
    return (await logIn("Your session has ended. Log in to go on.")) ? work() : undefined;
  }
}

function showUser() {
  const place = at("account");
  place.replaceChildren(
    ...(user()
      ? [
          html("span", { className: "who", textContent: user().full_name || user().email }),
          html("button", { type: "button", id: "log-out", textContent: "Log out", onclick: logOut }),
        ]
      : [
          html("button", {
            type: "button",
            id: "log-in",
            textContent: "Log in",
            onclick: () => logIn("").then((done) => done && location.reload()),
          }),
        ]),
  );
  for (const one of document.querySelectorAll("[data-promoter]")) one.hidden = !user()?.promoter;
}

async function logOut() {
  await send("DELETE", "sessions/current").catch(() => {}); // a session that has ended is as good
  location.reload();
}

/** Ask who it is. Resolves to whether somebody is logged in now. */
function logIn(why) {
  return new Promise((resolve) => {
    const dialog = dialogOf(why, async () => {
      await visit();
      dialog.close("done");
    });
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue === "done");
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}

/** The dialog. `done` is called once there is a session. */
function dialogOf(why, done) {
  const field = (id, label, more) =>
    html(
      "div",
      { id: `${id}-field` },
      html("label", { htmlFor: id, textContent: label }),
      html("input", { id, required: true, ...more }),
    );
  const failure = html("p", { className: "wrong", role: "alert" });
  const go = html("button", { className: "primary" });
  const title = html("h2", { id: "account-title" });
  const form = html(
    "form",
    { method: "dialog" },
    title,
    why ? html("p", { className: "soft", textContent: why }) : "",
    field("full-name", "Name", { autocomplete: "name", maxLength: 200 }),
    field("email", "E-mail address", { type: "email", autocomplete: "username", maxLength: 255 }),
    field("password", "Password", { type: "password", minLength: 10, maxLength: 128 }),
    html("p", { className: "soft hint", id: "password-hint", textContent: "At least 10 characters." }),
    failure,
    go,
    html("button", { type: "button", className: "plain", id: "other-way" }),
    html("button", { type: "button", className: "plain", textContent: "Not now", onclick: () => dialog.close() }),
  );
  const dialog = html("dialog", { className: "account" }, form);
  dialog.setAttribute("aria-labelledby", title.id);
  const find = (id) => form.querySelector(`#${id}`);
  let isNew = false;

  function turn(toNew) {
    isNew = toNew;
    title.textContent = isNew ? "Create an account" : "Log in";
    go.textContent = isNew ? "Create the account" : "Log in";
    find("other-way").textContent = isNew ? "I have an account" : "I am new here";
    find("full-name-field").hidden = find("password-hint").hidden = !isNew;
    find("full-name").required = isNew;
    find("password").autocomplete = isNew ? "new-password" : "current-password";
    find("password").setAttribute("aria-describedby", isNew ? "password-hint" : "");
    failure.textContent = "";
  }

  find("other-way").addEventListener("click", () => {
    turn(!isNew);
    find(isNew ? "full-name" : "email").focus();
  });
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    go.disabled = true;
    failure.textContent = "";
    const email = find("email").value.trim(),
      password = find("password").value;
    try {
      if (isNew) await send("POST", "users", { email, password, full_name: find("full-name").value.trim() });
      await send("POST", "sessions", { email, password, cookie: true });
      await done();
    } catch (error) {
      failure.textContent =
        isNew && error.status === 401
          ? "There is an account with this address already. Log in with its password."
          : wordsOf(error);
    } finally {
      go.disabled = false;
    }
  });
  turn(false);
  return dialog;
}
