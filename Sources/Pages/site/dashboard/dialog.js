/** Questions before something ends, answers after, and words that pass. */
import { $, make } from "./dom.js";
import { sentence } from "./api.js";

const TOAST_MS = 6000;
let toasting = 0;

/**
 * Asks before something is done that cannot be taken back.
 *
 * @param {{title: string, body: (Node | string)[], ok: string, isDangerous?: boolean}} question
 * @returns {Promise<boolean>}
 */
export function confirm({ title, body, ok, isDangerous = false }) {
  $("dialog-ok").classList.toggle("danger", isDangerous);
  $("dialog-cancel").hidden = false;
  return open(title, body, ok);
}

/** Shows what the server answered, whatever that is. */
export function showAnswer(title, answer) {
  $("dialog-ok").classList.remove("danger");
  $("dialog-cancel").hidden = true;
  return open(title, [answer instanceof Error ? refusalOf(answer) : written(answer) ?? "Done."], "Close");
}

export function toast(text, kind = "") {
  $("toast").textContent = text;
  $("toast").className = `toast shown ${kind}`;
  clearTimeout(toasting);
  toasting = setTimeout(() => $("toast").classList.remove("shown"), TOAST_MS);
}

/** Who waits for the dialog in front. The event "close" comes late, when the next question may be open already. */
let settle = () => {};

function open(title, body, ok) {
  const dialog = $("dialog");
  answer(false);
  $("dialog-title").textContent = title;
  $("dialog-body").replaceChildren(...body);
  $("dialog-ok").textContent = ok;
  if (!dialog.open) dialog.showModal();
  // What is safe comes first under the key of Enter.
  ($("dialog-cancel").hidden ? $("dialog-ok") : $("dialog-cancel")).focus();
  return new Promise((resolve) => { settle = resolve; });
}

function answer(isOK) {
  settle(isOK);
  settle = () => {};
}

$("dialog").querySelector("form").addEventListener("submit", ({ submitter }) => answer(submitter?.value === "ok"));
$("dialog").addEventListener("cancel", () => answer(false));

function refusalOf(error) {
  const { error: _, ...rest } = error.body ?? {};
  const details = Object.keys(rest).length > 0 ? written(rest) : null;
  return make("div", {}, make("p", { className: "notice bad" }, error.message), ...(details ? [details] : []));
}

/** JSON for people: members as terms, lists as lists. */
function written(value) {
  if (value === null || value === undefined || value === "") return null;
  if (Array.isArray(value)) {
    return value.length === 0 ? "none" : make("ul", {}, ...value.map((each) => make("li", {}, written(each) ?? "–")));
  }
  if (typeof value === "object") {
    const members = Object.entries(value);
    if (members.length === 0) return null;
    return make("dl", { className: "answer" }, ...members.map(([name, member]) => make(
      "div", {}, make("dt", {}, sentence(name.replaceAll("_", " ")).slice(0, -1)), make("dd", {}, written(member) ?? "–"))));
  }
  return value === true ? "yes" : value === false ? "no" : String(value);
}
