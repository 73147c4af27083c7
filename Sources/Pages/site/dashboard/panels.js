/** What is shown of one answer of `/v1/server`: figures, drops, certificates, the process. */
import { bits, bytes, count, make, perSecond, setText, span } from "./dom.js";

/** Certificates that run out sooner are red, or amber. */
const RED_DAYS = 14;
const AMBER_DAYS = 30;

/** Why datagrams went nowhere: a title, and what it means. */
const DROPS = {
  notForUs: ["Something else", "Neither STUN nor ChannelData: other protocols, scans."],
  malformed: ["Malformed", "STUN or ChannelData that contradicts itself."],
  badFingerprint: ["Wrong fingerprint", "Broken on the way, or not STUN."],
  ignoredMessage: ["Asks for nothing", "Responses and indications that nobody waits for."],
  noAllocation: ["No allocation", "Data after an allocation has ended. A few are ordinary."],
  noChannel: ["No channel", "Data for a channel that has ended. A few are ordinary."],
  noPermission: ["No permission", "Peers that the client did not permit. Ordinary in every call."],
  refusedPeerPort: ["Refused port", "Data to port 0, to a listener, or to a system port of this host."],
  noRelay: ["No relay", "A peer of a family that the allocation has no address for."],
  overBandwidth: ["Over bandwidth", "More than max-bps lets an allocation relay."],
  tooLong: ["Too long", "Longer than the way to the client can carry."],
  overReplyRate: ["Asked too often", "Without proof of an address. Many: a flood, or one large NAT."],
  disabled: ["Turned off", "TURN with stun-only, or STUN with no-stun."],
  unread: ["Not read in time", "A socket's buffer was full: the server is too busy."],
  unsent: ["Not sent", "The kernel did not take them: a full queue, or no route."],
};

const plural = (number, one, many) => `${count(number)} ${number === 1 ? one : many}`;

// MARK: - Figures

const FIGURES = [
  {
    name: "Allocations", value: ({ server }) => count(sum(server)),
    note: ({ server }) => `${count(server.allocations.opened_total)} since the start`,
  },
  {
    name: "To clients", value: ({ now }) => bits(now.toClients),
    note: ({ most }) => `at most ${bits(most("toClients"))}`,
  },
  { name: "To peers", value: ({ now }) => bits(now.toPeers), note: ({ most }) => `at most ${bits(most("toPeers"))}` },
  {
    name: "Packets", value: ({ now }) => perSecond(now.packetsToClients + now.packetsToPeers), note: () => "both ways",
  },
  {
    name: "Dropped", value: ({ dropRate }) => perSecond(dropRate),
    note: ({ server }) => `${count(dropsOf(server))} since the start`,
  },
  {
    name: "Rooms", value: ({ server }) => count(server.signaling.rooms),
    note: ({ server }) => plural(server.signaling.participants, "participant", "participants"),
  },
];

const sum = ({ allocations: { udp, tcp, tls, dtls } }) => udp + tcp + tls + dtls;
const dropsOf = ({ drops }) => Object.values(drops).reduce((all, each) => all + each, 0);

export function showFigures(list, server, history) {
  if (!list.firstChild) {
    list.append(...FIGURES.map(({ name }) => make(
      "div", {}, make("dt", {}, name), make("dd", {}, make("b"), make("small")))));
  }
  const rates = Object.keys(server.drops).map((reason) => history.dropRate(reason));
  const dropRate = rates.some((rate) => rate === undefined) ? undefined : rates.reduce((all, rate) => all + rate, 0);
  const most = (name) => Math.max(0, ...history.points.map(({ values }) => values?.[name] ?? 0));
  FIGURES.forEach(({ value, note }, index) => {
    const [, { firstChild, lastChild }] = list.children[index].children;
    const known = { server, now: history.latest, dropRate, most };
    setText(firstChild, value(known));
    setText(lastChild, note(known));
  });
}

// MARK: - Drops

export function showDrops(parent, { drops }, history) {
  const dropped = Object.entries(drops).filter(([, number]) => number > 0).sort(([, a], [, b]) => b - a);
  if (dropped.length === 0) {
    parent.replaceChildren(make("p", { className: "empty" }, "Nothing was dropped."));
    return;
  }
  const most = dropped[0][1];
  const table = parent.querySelector("tbody") ?? makeDrops(parent);
  const rows = new Map([...table.children].map((row) => [row.dataset.reason, row]));
  table.append(...dropped.map(([reason, number]) => {
    const row = rows.get(reason) ?? makeDropRow(reason);
    const rate = history.dropRate(reason);
    setText(row.children[1], count(number));
    setText(row.children[2], perSecond(rate));
    row.children[2].classList.toggle("soft", !rate);
    row.querySelector(".fill i").style.width = `${Math.max(1, (number / most) * 100)}%`;
    return row;
  }));
}

function makeDrops(parent) {
  const heads = ["Reason", "Since the start", "Now"].map((title, index) => make(
    "th", { scope: "col", className: index ? "number" : "" }, title));
  const body = make("tbody");
  parent.replaceChildren(make(
    "table", { className: "table drops" },
    make("caption", { className: "visually-hidden" }, "Dropped datagrams by reason"),
    make("thead", {}, make("tr", {}, ...heads)), body));
  return body;
}

function makeDropRow(reason) {
  const [title, words] = DROPS[reason] ?? [reason, ""];
  const bar = make("span", { className: "fill" }, make("i"));
  const row = make(
    "tr", {}, make("th", { scope: "row" }, title, make("small", {}, words), bar),
    make("td", { className: "number" }), make("td", { className: "number" }));
  row.dataset.reason = reason;
  return row;
}

// MARK: - Certificates

export function showCertificates(list, { certificates }) {
  if (certificates.length === 0) {
    list.replaceChildren(make("li", { className: "empty" }, "None: this server speaks neither TLS nor DTLS."));
    return;
  }
  const ordered = [...certificates].sort((a, b) => a.not_after - b.not_after);
  const items = ordered.map(({ file, names, not_after: end, days_left: days }) => {
    const isOver = end * 1000 < Date.now() || days < 0;
    const kind = isOver || days < RED_DAYS ? "bad" : days < AMBER_DAYS ? "warn" : "good";
    const left = isOver ? "has expired" : days === 0 ? "less than a day" : plural(days, "day", "days");
    const date = new Date(end * 1000);
    const day = date.toLocaleDateString("en-GB", { dateStyle: "medium" });
    return make(
      "li", {}, make("div", {}, make("strong", {}, names.join(", ") || file), make("code", {}, file)),
      make("span", { className: `pill ${kind}` }, make("span", { className: "dot" }), left),
      make("time", { className: "soft", dateTime: date.toISOString() }, day));
  });
  if (list.textContent !== items.map(({ textContent }) => textContent).join("")) list.replaceChildren(...items);
}

// MARK: - The process

export function showProcess(list, server) {
  const dialects = Object.entries(server.signaling.dialects ?? {}).filter(([, clients]) => clients > 0)
    .map(([name, clients]) => `${name} ${count(clients)}`);
  const limit = server.open_files_max > 0 ? ` of ${count(server.open_files_max)}` : "";
  const facts = [
    ["Version", server.version], ["Up for", span(server.uptime_s)], ["Workers", count(server.workers)],
    ["Memory", bytes(server.resident_bytes)], ["Open files", count(server.open_files) + limit],
    ["Allocations made", count(server.allocations.opened_total)],
    ["Clients over TCP, TLS", count(server.client_connections)], ["DTLS associations", count(server.dtls_associations)],
    ["Signaling connections", count(server.signaling.connections)],
    ["Credentials issued", count(server.signaling.credentials_issued_total)],
    ...(dialects.length > 0 ? [["Dialects", dialects.join(", ")]] : []),
  ];
  if (list.children.length !== facts.length) {
    list.replaceChildren(...facts.map(([term]) => make("div", {}, make("dt", {}, term), make("dd"))));
  }
  facts.forEach(([, text], index) => setText(list.children[index].lastChild, text));
}
