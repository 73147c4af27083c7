/** What the counters of the server did lately: rates from one look to the next, for ten minutes. */

export const HISTORY_MS = 600_000;
/** A rate of few events is shown over this time, or it would be 0 and 12 in turns. */
const CALM_MS = 10_000;
/** Looks that are farther apart have nothing between them: the page slept, or the server was away. */
const GAP_MS = 15_000;
const TRANSPORTS = ["udp", "tcp", "tls", "dtls"];

export class History {
  /** Oldest first: `{at, values}` with rates and levels by name; `values` is null where nothing is known. */
  points = [];

  #looks = [];

  /** @param {object} server An answer of `/v1/server`. @param {number} at Milliseconds of `performance.now()`. */
  add(server, at) {
    const last = this.#looks.at(-1);
    const isNew = last && (server.uptime_s < last.server.uptime_s || shrank(server.relayed, last.server.relayed));
    if (isNew) this.#looks = [];
    const before = isNew || !last || at - last.at > GAP_MS ? null : last;
    if (last && !before) this.gap(at);
    this.#looks = [...this.#looks.filter((look) => at - look.at <= CALM_MS), { server, at }];
    this.#push({ at, values: { ...levels(server), ...(before ? rates(server, before.server, at - before.at) : {}) } });
  }

  /** Notes that nothing is known of this moment. */
  gap(at) {
    this.#push({ at, values: null });
  }

  get latest() {
    return this.points.at(-1)?.values ?? {};
  }

  /** How often a datagram was dropped for this reason, a second, lately; undefined at first. */
  dropRate(reason) {
    const now = this.#looks.at(-1);
    const then = this.#looks.find((look) => now.at - look.at <= CALM_MS);
    if (!then || then === now) return undefined;
    return ((now.server.drops[reason] - then.server.drops[reason]) * 1000) / (now.at - then.at);
  }

  #push(point) {
    this.points.push(point);
    const first = this.points.findIndex(({ at }) => point.at - at <= HISTORY_MS);
    if (first > 0) this.points.splice(0, first);
  }
}

const shrank = (now, before) => Object.keys(now).some((name) => now[name] < before[name]);

function levels({ allocations }) {
  return Object.fromEntries(TRANSPORTS.map((name) => [name, allocations[name] ?? 0]));
}

function rates({ relayed }, { relayed: before }, milliseconds) {
  const rate = (name) => ((relayed[name] - before[name]) * 1000) / milliseconds;
  return {
    toClients: rate("to_client_bytes") * 8, toPeers: rate("to_peer_bytes") * 8,
    packetsToClients: rate("to_client_packets"), packetsToPeers: rate("to_peer_packets"),
  };
}
