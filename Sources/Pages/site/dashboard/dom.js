/**
 * Elements and numbers. The dashboard brings its own, as it is also there beside a site of the operator's, which has
 * none of our other files.
 */

export const $ = (id) => document.getElementById(id);

/** Makes an element: `make("p", { className: "soft" }, "text", child)`. What has a hyphen is an attribute. */
export function make(name, properties = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (key.includes("-") || key === "role" || key === "for" || key === "scope") element.setAttribute(key, value);
    else element[key] = value;
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

export function makeSVG(name, attributes = {}, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

/** Writes text where it differs, so that a selection, and what a screen reader reads, stay as they are. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

// MARK: - Numbers

const PREFIXES = [[1e12, "T"], [1e9, "G"], [1e6, "M"], [1e3, "k"]];

/** Three digits and a prefix: `1.23 M`. */
export function short(value) {
  if (value === null || value === undefined || Number.isNaN(value)) return "–";
  const [divisor, prefix] = PREFIXES.find(([size]) => value >= size * 0.9995) ?? [1, ""];
  const scaled = value / divisor;
  const digits = scaled >= 99.95 || (divisor === 1 && Number.isInteger(value)) ? 0 : scaled >= 9.995 ? 1 : 2;
  const text = scaled.toFixed(divisor === 1 ? Math.min(digits, 1) : digits);
  return prefix ? `${text} ${prefix}` : text;
}

/** The same with a unit: `1.23 Mbit/s`, `12 bit/s`. */
export function withUnit(value, unit) {
  const text = short(value);
  if (text === "–") return text;
  return /[A-Za-z]$/.test(text) || unit.startsWith("/") ? `${text}${unit}` : `${text} ${unit}`;
}

export const bits = (value) => withUnit(value, "bit/s");
export const perSecond = (value) => withUnit(value, "/s");
export const bytes = (value) => withUnit(value, "B");
export const count = (value) => (value === undefined || value === null ? "–" : value.toLocaleString("en-US"));

/** `12 s`, `4 min`, `2 h 5 min`, `3 days`. */
export function span(seconds) {
  const total = Math.max(0, Math.round(seconds));
  if (total < 60) return `${total} s`;
  if (total < 3600) return `${Math.floor(total / 60)} min`;
  const [hours, minutes] = [Math.floor(total / 3600), Math.floor((total % 3600) / 60)];
  if (hours < 24) return minutes ? `${hours} h ${minutes} min` : `${hours} h`;
  const days = Math.floor(hours / 24);
  return days === 1 ? `1 day ${hours % 24} h` : `${count(days)} days`;
}
