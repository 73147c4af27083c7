/**
 * The operators' dashboard: asks the server every two seconds while somebody looks, and shows what it says.
 *
 * `window.ternDashboard` is for tests.
 */
import { get, rememberedKey, setKey } from "./api.js";
import { Chart } from "./chart.js";
import { Configuration } from "./configuration.js";
import { $, bits, perSecond, setText, short, span } from "./dom.js";
import { History } from "./history.js";
import { drain, reload } from "./orders.js";
import { showCertificates, showDrops, showFigures, showProcess } from "./panels.js";
import { Rooms } from "./rooms.js";
import { Sessions } from "./sessions.js";

const POLL_MS = 2000;
/** Lists take the server more work, and are read slower. */
const LISTS_EVERY = 2;

const say = (text) => setText($("announcer"), text);
const both = (toClients, toPeers) => [
  { key: toClients, label: "to clients", color: "first" }, { key: toPeers, label: "to peers", color: "second" },
];
const charts = {
  throughput: new Chart($("throughput"), {
    title: "Throughput", series: both("toClients", "toPeers"), format: bits, least: 1000,
  }, say),
  packets: new Chart($("packets"), {
    title: "Packets", series: both("packetsToClients", "packetsToPeers"), format: perSecond, least: 10,
  }, say),
  allocations: new Chart($("allocations"), {
    title: "Allocations", isStacked: true, format: short, least: 4,
    series: ["udp", "tcp", "tls", "dtls"].map((key) => ({ key, label: key.toUpperCase(), color: key })),
  }, say),
};
const lists = {
  sessions: new Sessions($("sessions"), $("sessions-count"), () => refreshList("sessions")),
  rooms: new Rooms($("rooms"), $("rooms-count"), () => refreshList("rooms")),
};
const configuration = new Configuration($("configuration"), $("configuration-count"));
const onScreen = new Set();

let history = new History();
let timer = 0;
let rounds = 0;
/** Which of many openings is in force: an answer to one that was locked meanwhile is for nobody. */
let opening = 0;
/** The opening whose question is under way. */
let asking = null;
let lastAnswerAt = 0;
let isSilent = false;
let isDraining = false;

globalThis.ternDashboard = { get history() { return history; } };

setText($("host"), location.host);
document.title = `${location.host} · Tern`;
wire();
const remembered = rememberedKey();
if (remembered) open(remembered);
else lock();

// MARK: - The key

async function open(key) {
  setKey(key);
  history = new History();
  const own = ++opening;
  [rounds, isSilent, lastAnswerAt] = [0, false, performance.now()];
  $("open").disabled = true;
  await poll(own);
  $("open").disabled = false;
}

/** Forgets the key and everything that it showed. */
function lock(message = "") {
  opening += 1;
  clearTimeout(timer);
  setKey(null);
  for (const id of ["main", "server-actions", "status"]) $(id).hidden = true;
  $("gate").hidden = false;
  setText($("gate-error"), message);
  $("gate-error").hidden = message === "";
  $("key").value = "";
  $("key").focus();
}

function showBoard() {
  if (!$("main").hidden) return;
  $("gate").hidden = true;
  $("key").value = "";
  for (const id of ["main", "server-actions", "status"]) $(id).hidden = false;
  $("main").focus();
}

// MARK: - Asking

async function poll(own = opening) {
  if (asking === own) return;
  clearTimeout(timer);
  asking = own;
  const start = performance.now();
  try {
    const server = await get("/v1/server");
    if (own !== opening) return;
    history.add(server, (start + performance.now()) / 2);
    showBoard();
    show(server);
    await refreshLists();
    if (rounds === 0) await configuration.refresh();
    rounds += 1;
  } catch (error) {
    if (own !== opening || !fail(error)) return;
  } finally {
    if (asking === own) asking = null;
  }
  if (own !== opening || document.hidden) return;
  timer = setTimeout(() => poll(own), Math.max(250, start + POLL_MS - performance.now()));
}

async function refreshLists() {
  if (rounds % LISTS_EVERY !== 0) return;
  // What is not on the screen is asked for when it comes there.
  const wanted = Object.keys(lists).filter((name) => rounds === 0 || onScreen.has(name));
  await Promise.all(wanted.map((name) => lists[name].refresh()));
}

function refreshList(name) {
  if ($("main").hidden) return;
  lists[name].refresh().catch(fail);
}

/** Whether it is worth asking again. */
function fail(error) {
  if (error.kind === "key" || $("main").hidden) {
    lock(error.kind ? error.message : `Something went wrong: ${error.message}`);
    return false;
  }
  isSilent = true;
  history.gap(performance.now());
  for (const chart of Object.values(charts)) chart.show(history.points);
  setText($("banner"), error.kind ? `${error.message} What you see is what was last known; the page goes on asking.`
    : `Something went wrong: ${error.message}`);
  $("banner").hidden = false;
  showStatus();
  return true;
}

// MARK: - Showing

function show(server) {
  lastAnswerAt = performance.now();
  isSilent = false;
  $("banner").hidden = true;
  for (const chart of Object.values(charts)) chart.show(history.points);
  showFigures($("figures"), server, history);
  showDrops($("drops"), server, history);
  showCertificates($("certificates"), server);
  showProcess($("process"), server);
  isDraining = server.draining === true;
  showStatus();
}

function showStatus() {
  const seconds = Math.round((performance.now() - lastAnswerAt) / 1000);
  const here = isDraining ? ["warn", "Draining"] : ["good", "Live"];
  const [kind, text] = isSilent ? ["bad", `No answer for ${span(seconds)}`] : here;
  $("status").className = `pill ${kind}`;
  setText($("status-text"), text);
  $("main").classList.toggle("stale", isSilent);
}

// MARK: - Doing

async function order(give) {
  try {
    const isDone = await give();
    if (isDone && !$("main").hidden) await configuration.refresh();
  } catch (error) {
    fail(error);
  }
}

function wire() {
  $("gate-form").addEventListener("submit", (event) => {
    event.preventDefault();
    const key = $("key").value.trim();
    // Nothing else fits into a header.
    if (/^[\x21-\x7e]+$/.test(key)) open(key);
    else lock("That is no key: it has blanks, or letters that keys have not.");
  });
  $("lock").addEventListener("click", () => lock());
  $("reload").addEventListener("click", () => order(reload));
  $("drain").addEventListener("click", () => order(drain));
  $("sessions-form").addEventListener("submit", (event) => event.preventDefault());
  $("sessions-search").addEventListener("input", () => lists.sessions.search($("sessions-search").value));
  $("sessions-search").addEventListener("change", () => refreshList("sessions"));
  $("rooms-search").addEventListener("input", () => lists.rooms.search($("rooms-search").value));
  $("configuration-search").addEventListener("input", () => configuration.search($("configuration-search").value));
  document.addEventListener("visibilitychange", () => {
    clearTimeout(timer);
    if (!document.hidden && !$("main").hidden) poll();
  });
  for (const name of Object.keys(lists)) watch(name);
  setInterval(() => isSilent && showStatus(), 1000);
}

/** Notes whether a list is on the screen, and asks for it when it comes there. */
function watch(name) {
  new IntersectionObserver((entries) => {
    const isThere = entries.at(-1).isIntersecting;
    if (isThere && !onScreen.has(name)) refreshList(name);
    if (isThere) onScreen.add(name);
    else onScreen.delete(name);
  }).observe($(name).closest("section"));
}
