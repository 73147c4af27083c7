/** The allocations, those that relayed most before the others, each with a button that ends it. */
import { get, remove } from "./api.js";
import { confirm, toast } from "./dialog.js";
import { bits, bytes, count, make, setText, span } from "./dom.js";
import { Table } from "./table.js";

/** How many the server is asked for; of more it sends those that relayed most. */
const LIMIT = 200;
const PAGE = matchMedia("(max-width: 40rem)").matches ? 6 : 12;
const ADDRESS = /^(\d+\.\d+\.\d+\.\d+|[0-9a-f]*:[0-9a-f:.]*)$/i;

const total = (session) => session.to_peer_bytes + session.to_client_bytes;

export class Sessions {
  #table;
  #count;
  #onEnded;
  #totals = new Map();
  #rates = new Map();

  /** @param {() => void} onEnded What is shown is no longer so. */
  constructor(parent, countElement, onEnded) {
    this.#count = countElement;
    this.#onEnded = onEnded;
    this.#table = new Table(parent, this.#columns(), {
      caption: "Allocations", id: ({ id }) => id, sorted: "total", page: PAGE,
      matches: (session, words) => [session.user, session.client, session.id, session.transport, ...session.relayed]
        .some((text) => text.toLowerCase().includes(words)),
    });
    this.#table.emptyText = "Nobody has an allocation at the moment.";
  }

  /** Asks the server, and shows what it says. */
  async refresh() {
    const at = performance.now();
    const all = await get(`/v1/allocations?limit=${LIMIT}`);
    const sessions = new Map(all.allocations.map((session) => [session.id, session]));
    // What is not among those is found by its exact name, or address.
    if (this.#wanted && all.count > all.allocations.length) {
      for (const session of (await this.#find()).allocations) sessions.set(session.id, session);
    }
    this.#measure(sessions, at);
    const some = all.count > LIMIT ? `the ${LIMIT} of ${count(all.count)} that relayed most` : `${count(all.count)}`;
    setText(this.#count, all.count === 0 ? "" : some);
    this.#table.show([...sessions.values()]);
  }

  search(words) {
    this.#wanted = words.trim();
    this.#table.search(words);
  }

  #wanted = "";

  #find() {
    const name = ADDRESS.test(this.#wanted) ? "client" : "user";
    return get(`/v1/allocations?limit=${LIMIT}&${name}=${encodeURIComponent(this.#wanted)}`)
      .catch((error) => (error.status === 400 ? { allocations: [] } : Promise.reject(error)));
  }

  /** What each relays a second, from one answer to the next. */
  #measure(sessions, at) {
    const totals = new Map();
    this.#rates.clear();
    for (const [id, session] of sessions) {
      const before = this.#totals.get(id);
      totals.set(id, { bytes: total(session), at });
      if (before) this.#rates.set(id, ((total(session) - before.bytes) * 8000) / (at - before.at));
    }
    this.#totals = totals;
  }

  #columns() {
    return [
      { name: "user", title: "User", order: ({ user }) => user, fill: fillUser },
      { name: "client", title: "Client", order: ({ client }) => client, text: ({ client }) => client },
      { name: "transport", title: "Over", order: ({ transport }) => transport, fill: fillTransport },
      { name: "relay", title: "Relay", order: ({ relayed }) => relayed[0] ?? "", text: relayOf },
      {
        name: "rate", title: "Now", isNumber: true, order: ({ id }) => this.#rates.get(id) ?? 0,
        text: ({ id }) => bits(this.#rates.get(id)),
      },
      { name: "total", title: "Relayed", isNumber: true, order: total, fill: fillTotal },
      { name: "act", title: "", fill: (cell, session) => this.#fillAction(cell, session) },
    ];
  }

  #fillAction(cell, session) {
    if (!cell.firstChild) {
      const button = make("button", { type: "button", className: "small" }, "End");
      button.addEventListener("click", () => this.#end(cell.session));
      cell.append(button);
    }
    cell.session = session;
    cell.firstChild.setAttribute("aria-label", `End the session of ${session.user} from ${session.client}`);
  }

  async #end(session) {
    const isSure = await confirm({
      title: `End the session of ${session.user}?`, ok: "End it", isDangerous: true,
      body: [facts(session), make("p", { className: "soft" }, "Its relay is gone at once. The client learns of it with "
        + "its next request, and may allocate anew as long as its credentials hold.")],
    });
    if (!isSure) return;
    try {
      await remove(`/v1/allocations/${session.id}`);
      toast(`The session of ${session.user} has ended.`);
    } catch (error) {
      if (error.status === 404) toast("It had ended already.");
      else toast(error.message, "bad");
    }
    this.#onEnded();
  }
}

function fillUser(cell, { user, id }) {
  setText(cell, user || "–");
  cell.title = `${user}\n${id}`;
}

function fillTransport(cell, { transport, attached }) {
  if (cell.dataset.transport !== transport) {
    cell.dataset.transport = transport;
    cell.replaceChildren(make("span", { className: `tag ${transport}` }, transport.toUpperCase()));
  }
  cell.classList.toggle("detached", attached === false);
  cell.title = attached === false ? "The connection is lost; the client may come back from another address." : "";
}

const relayOf = ({ relayed, relays }) => `${relayed.join(", ")}${relays === "tcp" ? " (TCP)" : ""}`;

function fillTotal(cell, session) {
  setText(cell, bytes(total(session)));
  cell.title = `${bytes(session.to_client_bytes)} to the client, ${bytes(session.to_peer_bytes)} to peers`;
}

function facts(session) {
  const rows = [
    ["Client", `${session.client} over ${session.transport.toUpperCase()}`], ["Relay", relayOf(session)],
    ["To the client", `${bytes(session.to_client_bytes)} in ${count(session.to_client_packets)} packets`],
    ["To peers", `${bytes(session.to_peer_bytes)} in ${count(session.to_peer_packets)} packets`],
    ["Lifetime", span(session.lifetime_s)], ["Number", session.id],
  ];
  return make("dl", { className: "answer" }, ...rows.map(([term, text]) => make(
    "div", {}, make("dt", {}, term), make("dd", {}, text))));
}
