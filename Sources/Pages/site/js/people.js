import { bitrate, make, milliseconds } from "./common.js";
import { hueOf } from "./media.js";
import { describeRoute, drawSparkline } from "./stats.js";

const STATES = {
  new: "waiting", connecting: "connecting", connected: "connected", disconnected: "interrupted", failed: "failed",
  closed: "gone",
};
const KINDS = { failed: "bad", new: "" };

/** The list of who is in the room, with what each connection does. */
export class People {
  #list;
  #rows = new Map();

  constructor(list) {
    this.#list = list;
  }

  show(id, { name, isSelf = false, metadata }) {
    const row = this.#rows.get(id) ?? this.#add(id, isSelf);
    row.name.textContent = isSelf ? `${name} (you)` : name;
    row.avatar.textContent = [...name][0]?.toUpperCase() ?? "?";
    row.element.style.setProperty("--hue", hueOf(name));
    const hidden = [metadata?.audio === false && "muted", metadata?.video === false && "no picture"].filter(Boolean);
    row.media.textContent = hidden.join(", ");
  }

  /** Shows a fresh sample of a meter. */
  update(id, meter) {
    const row = this.#rows.get(id);
    if (!row?.facts) return;
    const { state, route, inBitrate, outBitrate, roundTripMs } = meter.latest;
    const words = describeRoute(route);
    const isConnected = state === "connected" && route !== null;
    row.state.textContent = isConnected ? words.summary : (STATES[state] ?? state);
    row.state.className = `pill ${isConnected ? (route.isRelayed ? "relayed" : "good") : (KINDS[state] ?? "warn")}`;
    row.local.textContent = words.local;
    row.remote.textContent = words.remote;
    row.inRate.textContent = `↓ ${bitrate(inBitrate)}`;
    row.outRate.textContent = `↑ ${bitrate(outBitrate)}`;
    row.trip.textContent = milliseconds(roundTripMs);
    drawSparkline(row.rateGraph, [
      { values: meter.inBitrates, color: "--sea", isFilled: true },
      { values: meter.outBitrates, color: "--coral" },
    ]);
    drawSparkline(row.tripGraph, [{ values: meter.roundTrips, color: "--sea", isFilled: true }]);
  }

  remove(id) {
    this.#rows.get(id)?.element.remove();
    this.#rows.delete(id);
  }

  clear() {
    for (const id of [...this.#rows.keys()]) this.remove(id);
  }

  #add(id, isSelf) {
    const row = { avatar: make("span", { className: "avatar", ariaHidden: "true" }) };
    for (const part of ["name", "media", "local", "remote", "inRate", "outRate", "trip"]) row[part] = make("span");
    row.name.className = "person-name";
    row.media.className = "soft person-media";
    row.inRate.className = "rate-in";
    row.outRate.className = "rate-out";
    row.state = make("span", { className: "pill", textContent: "waiting" });
    row.element = make(
      "li", { className: "person" },
      make(
        "div", { className: "person-head" }, row.avatar,
        make("div", {}, row.name, make("div", { className: "person-line" }, isSelf ? null : row.state, row.media)),
      ),
    );
    if (!isSelf) {
      row.facts = this.#facts(row);
      row.element.append(row.facts);
    }
    this.#rows.set(id, row);
    this.#list.append(row.element);
    return row;
  }

  #facts(row) {
    const fact = (term, ...values) => make("div", {}, make("dt", {}, term), make("dd", {}, ...values));
    const graph = () => Object.assign(make("canvas", { className: "sparkline" }), { ariaHidden: "true" });
    row.rateGraph = graph();
    row.tripGraph = graph();
    return make(
      "dl", { className: "person-facts" },
      fact("From here", row.local), fact("To there", row.remote),
      fact("Bits per second", row.inRate, row.outRate, row.rateGraph), fact("Round trip", row.trip, row.tripGraph),
    );
  }
}
