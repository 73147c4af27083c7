/** What is told to the server as a whole, and what it answers: reload, drain. */
import { post, sentence } from "./api.js";
import { confirm, tell } from "./dialog.js";
import { make, span } from "./dom.js";

/** @returns {Promise<boolean>} Whether the server was asked. */
export async function reload() {
  const isSure = await confirm({
    title: "Read the configuration again?", ok: "Reload",
    body: [make("p", {}, "A file with errors changes nothing. No allocation ends, and no packet is lost.")],
  });
  if (!isSure) return false;
  try {
    await tell("Reload", reloaded(await post("/v1/reload")));
  } catch (error) {
    // 422: the file has errors.
    if (error.body?.diagnostics) await tell("Not reloaded", reloaded(error.body));
    else await refused("Reload", error);
  }
  return true;
}

export async function drain() {
  const isSure = await confirm({
    title: "Drain this server?", ok: "Drain", isDangerous: true,
    body: [
      make("p", {}, "From now on it makes no new allocations and keeps those that there are. It stops when they have "
        + "ended, or when the time of drain-timeout is over."),
      make("p", { className: "soft" }, "Balancers see /readyz turn red, and clients of signaling are asked to come "
        + "back elsewhere. Only a restart takes it back."),
    ],
  });
  if (!isSure) return;
  try {
    const { allocations, deadline_s: seconds } = await post("/v1/drain");
    const left = allocations === 1 ? "One allocation is left" : `${allocations} allocations are left`;
    await tell("Draining", [make("p", {}, `${left}. The server stops when they have ended`
      + `${seconds ? `, at the latest ${span(seconds)} from the beginning of the drain` : ""}.`)]);
  } catch (error) {
    await refused("Drain", error);
  }
}

async function refused(title, error) {
  if (error.kind === "key") throw error;
  await tell(title, [make("p", { className: "notice bad" }, error.message)]);
}

function reloaded({ applied, adopted, needs_restart: waiting, diagnostics }) {
  const parts = [];
  const words = "Everything stays as it was: correct the errors first.";
  if (!applied) parts.push(make("p", { className: "notice bad" }, words));
  else if (adopted.length + waiting.length === 0) parts.push(make("p", {}, "Nothing has changed."));
  if (adopted.length > 0) parts.push(list("In force from now on", adopted.map(named)));
  if (waiting.length > 0) parts.push(list("Changed, but needs a restart", waiting.map(named)));
  if (diagnostics.length > 0) parts.push(list("About the file", diagnostics.map(said)));
  return parts;
}

const list = (title, items) => make("div", {}, make("h3", {}, title), make("ul", { className: "plain" }, ...items));

const named = ({ option, place }) => make(
  "li", {}, make("code", {}, option), make("span", { className: "soft" }, place ? ` ${place}` : " removed"));

const said = ({ severity, place, option, message }) => make(
  "li", {}, make("span", { className: `pill ${severity === "error" ? "bad" : "warn"}` }, severity), " ",
  option ? make("code", {}, option) : null, ` ${option ? message : sentence(message)} `,
  make("span", { className: "soft" }, place));
