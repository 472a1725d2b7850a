// A part of the page that is drawn again, because there is something new, leaves the reader where they are.

/** Draw a part again. The focus returns to the element with the same data-key, or else with the same name. */
export function keepingFocus(place, draw) {
  const nameOf = (one) => one.dataset.key ?? one.getAttribute("aria-label") ?? one.textContent;
  const focused = place.contains(document.activeElement) ? document.activeElement : null;
  draw();
  if (!focused || focused.isConnected) return;
  for (const one of place.querySelectorAll(focused.localName)) {
    if (nameOf(one) === nameOf(focused)) return void one.focus({ preventScroll: true });
  }
}
