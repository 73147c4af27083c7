/** What the pages share: finding and making elements, copying, words for numbers and for errors. */

export const $ = (id) => document.getElementById(id);

/** Makes an element: `make("p", { className: "soft" }, "text", child)`. */
export function make(name, properties = {}, ...children) {
  const element = Object.assign(document.createElement(name), properties);
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

/**
 * Icons that change during a call come from a copy of icons.svg in the page, so that they change also while the server
 * is away.
 */
const sprite = make("div", { hidden: true });
document.body.append(sprite);
fetch("/icons.svg").then((response) => response.text()).then((text) => {
  sprite.append(new DOMParser().parseFromString(text, "image/svg+xml").documentElement);
});

/** An icon of icons.svg. It is decoration: what it means stands beside it as text. */
export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  use.setAttribute("href", `#icon-${name}`);
  svg.append(use);
  return svg;
}

export function setIcon(element, name) {
  const use = element.querySelector("use");
  if (use.getAttribute("href") !== `#icon-${name}`) use.setAttribute("href", `#icon-${name}`);
}

/** Copies, and says so on the button for a moment. */
export async function copy(text, button) {
  const label = button.querySelector(".label") ?? button;
  const mark = button.querySelector("use");
  const [labelBefore, markBefore] = [(button.dataset.label ??= label.textContent), mark?.getAttribute("href")];
  const isDone = await write(text);
  label.textContent = isDone ? "Copied" : "Not copied";
  mark?.setAttribute("href", isDone ? "#icon-check" : "#icon-cross");
  clearTimeout(copying.get(button));
  if (!originals.has(button)) originals.set(button, markBefore);
  copying.set(button, setTimeout(() => {
    label.textContent = labelBefore;
    mark?.setAttribute("href", originals.get(button));
  }, 1600));
}

const copying = new WeakMap();
const originals = new WeakMap();

async function write(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // Without TLS, or without leave, there is still the way of old.
    const area = make("textarea", { value: text, className: "visually-hidden" });
    document.body.append(area);
    area.select();
    const isDone = document.execCommand("copy");
    area.remove();
    return isDone;
  }
}

/** Makes every `<button data-copy="id">` copy the text of that element. */
export function wireCopyButtons() {
  for (const button of document.querySelectorAll("button[data-copy]")) {
    button.addEventListener("click", () => copy($(button.dataset.copy).textContent, button));
  }
}

const words = (text) => text.trim().split(/\s+/);
const ADJECTIVES = words(`
  amber autumn brave bright calm clear coral early gentle golden lucky mellow misty quiet silver soft swift warm`);
const NOUNS = words(`
  bay beach breeze cliff cove dune ferry gull harbor island lagoon meadow pebble pier reef shore tide wave`);
const any = (list) => list[Math.floor(Math.random() * list.length)];

/** A name that can be said over the telephone. It is no secret: who must not guess it needs a token. */
export function randomRoomName() {
  return `${any(ADJECTIVES)}-${any(NOUNS)}-${100 + Math.floor(Math.random() * 900)}`;
}

const BIRDS = words(`
  Avocet Curlew Dunlin Eider Fulmar Gannet Guillemot Kittiwake Petrel Plover Puffin Sandpiper Shearwater Skua`);
export const randomName = () => any(BIRDS);

/** `4:05`, `2 h 5 min`, `3 days`. */
export function duration(seconds) {
  const total = Math.max(0, Math.round(seconds));
  if (total < 3600) return `${Math.floor(total / 60)}:${String(total % 60).padStart(2, "0")}`;
  if (total < 86_400) return `${Math.floor(total / 3600)} h ${Math.floor((total % 3600) / 60)} min`;
  const days = Math.floor(total / 86_400);
  return days === 1 ? `1 day ${Math.floor((total % 86_400) / 3600)} h` : `${days} days`;
}

/** Bits per second: `1.1 M`, `56 k`. */
export function bitrate(bitsPerSecond) {
  if (bitsPerSecond === undefined) return "–";
  return bitsPerSecond >= 1e6 ? `${(bitsPerSecond / 1e6).toFixed(1)} M` : `${Math.round(bitsPerSecond / 1e3)} k`;
}

export function milliseconds(value) {
  if (value === undefined) return "–";
  return value < 1 ? "< 1 ms" : `${value < 10 ? value.toFixed(1) : Math.round(value)} ms`;
}

const ERRORS = {
  room_full: "The room is full. Try again when somebody has left.",
  room_closed: "The room has been closed.",
  token_expired: "Your token has expired. Ask for a new link.",
  token_not_yet_valid: "Your token is not valid yet. Look at its start, or at this device's clock.",
  unauthorized: "This room needs a token. Ask whoever invited you for a link with one, or paste it below.",
  forbidden: "Your token does not open this room.",
  quota_exceeded: "This server's limit has been reached. Try again later.",
  credentials_denied: "You may be in the room, but not use the relay. Direct connections can still work.",
  rate_limited: "Too many attempts. Wait a moment.",
  bad_request: "The server did not accept the name of the room. Use letters, digits and . _ ~ -",
  duplicate_join: "Somebody with your token is in this room already, perhaps you in another window.",
  replaced: "You have joined from somewhere else, which took this place.",
  session_replaced: "You have joined from somewhere else, which took this place.",
  server_draining: "The server is about to restart. Try again in a moment.",
  unreachable: "The server does not answer. It may be down, or something in between blocks WebSockets.",
};

/** What to tell people of a `TernError`. */
export function inWords(error) {
  if (error.code === "kicked") {
    const reason = error.message && error.message !== "kicked" ? ` The reason given: “${error.message}”.` : "";
    return `You have been removed from the room.${reason}`;
  }
  return ERRORS[error.code] ?? `Something went wrong (${error.code ?? error.name}). ${error.message ?? ""}`;
}
