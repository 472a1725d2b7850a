// What a page shows is in its URL: so it can be shared, and the Back button works.

/** The named parts of the URL's query. One that is missing is null. */
export function asked(names) {
  const url = new URLSearchParams(location.search);
  return Object.fromEntries(names.map((name) => [name, url.get(name)]));
}

/** The page's URL with changes. An empty value removes its name. */
function addressWith(changes) {
  const url = new URLSearchParams(location.search);
  for (const [name, value] of Object.entries(changes)) value ? url.set(name, value) : url.delete(name);
  const query = url.toString();
  return location.pathname + (query ? `?${query}` : "");
}

/** A choice of the reader: a new entry of the history. */
export const change = (changes) => history.pushState(null, "", addressWith(changes));

/** What the page adds by itself, so that whoever opens a shared URL sees the same. */
export const settle = (changes) => history.replaceState(null, "", addressWith(changes));
