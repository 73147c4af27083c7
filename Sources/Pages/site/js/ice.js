/** The ICE test page. `ice.html?run` starts at once; `window.ternIceTest` is for tests. */
import { connect } from "/tern.js";
import { $, bitrate, copy, icon, inWords, make, milliseconds } from "./common.js";
import { echoThrough } from "./echo.js";
import { probe, targetsOf } from "./probe.js";
import { judge, linesOf, reportText } from "./verdict.js";

const MARKS = { good: "check", warn: "warn", bad: "cross" };
const TRANSPORTS = { udp: "UDP", tcp: "TCP", tls: "TLS", dtls: "DTLS" };

let results = [];
let verdict = null;
let isRunning = false;

globalThis.ternIceTest = {
  get results() { return results; },
  get verdict() { return verdict; },
  get isRunning() { return isRunning; },
  get report() { return report(); },
};

for (const choice of document.querySelectorAll('input[name="source"]')) choice.addEventListener("change", showSource);
$("ice-form").addEventListener("submit", (event) => {
  event.preventDefault();
  run();
});
$("copy-report").addEventListener("click", () => copy(report(), $("copy-report")));
showSource();
if (new URLSearchParams(location.search).has("run")) run();

function source() {
  return document.querySelector('input[name="source"]:checked').value;
}

function showSource() {
  for (const name of ["server", "pasted"]) $(`source-${name}`).hidden = source() !== name;
}

async function run() {
  if (isRunning) return;
  isRunning = true;
  results = [];
  verdict = null;
  $("results").replaceChildren();
  $("start").disabled = true;
  $("copy-report").hidden = true;
  showVerdict({ verdict: "running", title: "Asking for servers…", text: "" });
  try {
    const { iceServers, release } = await servers();
    try {
      await test(targetsOf(iceServers));
    } finally {
      release();
    }
    verdict = judge(results);
  } catch (error) {
    verdict = { verdict: "bad", title: "The test could not start", text: refusalInWords(error) };
  }
  showVerdict(verdict);
  $("copy-report").hidden = results.length === 0;
  $("start").disabled = false;
  $("start").textContent = "Test again";
  isRunning = false;
}

function refusalInWords(error) {
  if (error instanceof SyntaxError) return error.message;
  if (["unauthorized", "token_expired", "forbidden"].includes(error.code)) {
    $("token-details").open = true;
    return `${inWords(error)} You can also paste the servers.`;
  }
  return inWords(error);
}

/** The servers to test, and what to call after the test: leaving the room may end its credentials. */
async function servers() {
  if (source() === "pasted") return { iceServers: parse($("servers").value), release() {} };
  const token = $("token").value.trim() || undefined;
  const client = await connect("/", { token, application: { name: "Tern's ICE test" } });
  try {
    const name = $("room").value.trim() || `ice-test-${Math.random().toString(36).slice(2, 10)}`;
    const room = await client.join(name, { name: "ICE test" });
    return { iceServers: room.credentials?.iceServers ?? [], release: () => client.close() };
  } catch (error) {
    client.close();
    throw error;
  }
}

/** Takes `[…]`, one server, or anything that has `iceServers`. */
function parse(text) {
  let value;
  try {
    value = JSON.parse(text);
  } catch {
    throw new SyntaxError("What you pasted is not JSON. Names need double quotes: {\"urls\": \"turn:…\"}");
  }
  const list = [value?.iceServers ?? value].flat();
  if (list.length === 0 || list.some((server) => !server?.urls)) {
    throw new SyntaxError("Each server needs “urls”, as in [{\"urls\": \"stun:stun.example.org\"}].");
  }
  return list;
}

async function test(targets) {
  showVerdict({ verdict: "running", title: "Testing…", text: `${targets.length} ways in, then each relay.` });
  const rows = targets.map((target) => ({ target, row: addRow(titleOf(target), target.url) }));
  await Promise.all(rows.map(async ({ target, row }) => {
    const finding = await probe(target);
    results.push({ target, finding, title: titleOf(target) });
    row.show(finding, finding.milliseconds === undefined ? [] : [["Answer after", milliseconds(finding.milliseconds)]]);
  }));
  const order = new Map(targets.map((target, index) => [target, index]));
  results.sort((one, other) => order.get(one.target) - order.get(other.target));
  // One relay after the other: together they would compete for the same line.
  const relays = results.filter(({ target, finding }) => target.kind === "turn" && finding.verdict === "good");
  for (const { target } of relays) {
    const title = `Through the relay, by ${TRANSPORTS[target.transport]}`;
    const row = addRow(title, target.url);
    const echo = await echoThrough(target.server);
    const finding = { candidates: [], errors: [], ...echo };
    results.push({ target: { ...target, kind: "echo" }, finding, title });
    row.show(finding, echo.verdict === "bad" ? [] : [
      ["Round trip", milliseconds(echo.roundTripMs)], ["Throughput", `${bitrate(echo.bitsPerSecond)}bit/s`],
    ]);
  }
}

function titleOf({ kind, transport }) {
  if (kind === "host") return "This device";
  return `${kind.toUpperCase()} over ${TRANSPORTS[transport] ?? transport}`;
}

// MARK: - Showing

function showVerdict({ verdict: kind, title, text }) {
  $("verdict").hidden = false;
  $("verdict-mark").className = `mark ${kind}`;
  $("verdict-mark").replaceChildren(kind === "running" ? "" : icon(MARKS[kind]));
  $("verdict-title").textContent = title;
  $("verdict-text").textContent = text;
}

function addRow(title, url) {
  const mark = make("span", { className: "mark running" });
  const text = make("p", { className: "soft" }, "Testing…");
  const numbers = make("dl", { className: "result-numbers" });
  const body = make("div", {}, make("h3", {}, title), url ? make("code", { className: "soft" }, url) : null, text);
  const row = make("article", { className: "card result" }, mark, body, numbers);
  $("results").append(row);
  return {
    show(finding, figures) {
      mark.className = `mark ${finding.verdict}`;
      const spoken = make("span", { className: "visually-hidden" }, finding.verdict);
      mark.replaceChildren(icon(MARKS[finding.verdict]), spoken);
      text.textContent = finding.text;
      numbers.append(...figures.map(([term, value]) => make("div", {}, make("dt", {}, term), make("dd", {}, value))));
      const lines = linesOf(finding);
      if (lines.length > 0) body.append(details(lines));
    },
  };
}

function details(lines) {
  const summary = make("summary", {}, `What the browser found (${lines.length})`);
  return make("details", {}, summary, make("pre", {}, lines.join("\n")));
}

function report() {
  return reportText(results, verdict);
}
