// Elements of HTML and SVG. Text is inserted as text, never as HTML.

export const at = (id) => document.getElementById(id);

/** An HTML element with properties (textContent, className, ariaLabel, …) and children. */
export function html(name, properties = {}, ...children) {
  const element = Object.assign(document.createElement(name), properties);
  element.append(...children);
  return element;
}

/** An SVG element with attributes and children. */
export function drawn(name, attributes = {}, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [attribute, value] of Object.entries(attributes)) element.setAttribute(attribute, value);
  element.append(...children);
  return element;
}
