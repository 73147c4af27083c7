/** Questions before something ends, answers after, and words that pass. */
import { $ } from "./dom.js";

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

/** Says what became of it. */
export function tell(title, body) {
  $("dialog-ok").classList.remove("danger");
  $("dialog-cancel").hidden = true;
  return open(title, body, "Close");
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
