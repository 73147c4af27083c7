/** What a connection does, second by second. */

const SECONDS_KEPT = 60;

/** Samples one connection of a call. */
export class ConnectionMeter {
  /** The newest sample: `{state, route, inBitrate, outBitrate, roundTripMs}`. */
  latest = { state: "new", route: null };
  /** Of the last minute, oldest first. */
  inBitrates = [];
  outBitrates = [];
  roundTrips = [];

  #last = null;

  async sample(connection) {
    const route = await connection.route();
    const now = performance.now();
    const { bytesReceived = 0, bytesSent = 0 } = route ?? {};
    const seconds = this.#last ? (now - this.#last.now) / 1000 : 0;
    // A connection that began anew counts from zero again.
    const isContinued = route && seconds > 0 && bytesSent >= this.#last.bytesSent && this.#last.hadRoute;
    const rate = (bytes, before) => (isContinued ? ((bytes - before) * 8) / seconds : undefined);
    this.latest = {
      state: connection.state,
      route,
      roundTripMs: route?.roundTripMs,
      inBitrate: rate(bytesReceived, this.#last?.bytesReceived),
      outBitrate: rate(bytesSent, this.#last?.bytesSent),
    };
    this.#last = { now, bytesReceived, bytesSent, hadRoute: route !== null };
    keep(this.inBitrates, this.latest.inBitrate);
    keep(this.outBitrates, this.latest.outBitrate);
    keep(this.roundTrips, this.latest.roundTripMs);
    return this.latest;
  }
}

function keep(values, value) {
  values.push(value ?? 0);
  if (values.length > SECONDS_KEPT) values.shift();
}

/** IPv4 or IPv6; browsers hide the addresses of hosts behind names that end in `.local`. */
function family({ address }) {
  if (!address || address.endsWith(".local")) return null;
  return address.includes(":") ? "IPv6" : "IPv4";
}

const KINDS = { host: "host address", srflx: "NAT address (srflx)", prflx: "NAT address (prflx)", relay: "relay" };

/** Which pair of candidates is in use, in words. */
export function describeRoute(route) {
  if (!route) return { summary: "No path yet", local: "–", remote: "–" };
  const { local, remote, isRelayed } = route;
  const viaTURN = local.relayProtocol ? ` via ${local.relayProtocol.toUpperCase()}` : "";
  const parts = [local.protocol?.toUpperCase(), family(local) ?? family(remote)].filter(Boolean);
  return {
    summary: `${isRelayed ? "Relayed" : "Direct"} · ${parts.join(" · ")}`,
    local: `${KINDS[local.candidateType] ?? local.candidateType}${viaTURN}`,
    remote: KINDS[remote.candidateType] ?? remote.candidateType,
  };
}

/**
 * Draws values as a line over time, newest at the right.
 *
 * @param {HTMLCanvasElement} canvas
 * @param {{values: number[], color: string, isFilled?: boolean}[]} lines Colours are names of custom properties.
 */
export function drawSparkline(canvas, lines) {
  const scale = Math.min(3, devicePixelRatio || 1);
  const { clientWidth: width, clientHeight: height } = canvas;
  if (width === 0) return;
  canvas.width = Math.round(width * scale);
  canvas.height = Math.round(height * scale);
  const context = canvas.getContext("2d");
  context.scale(scale, scale);
  const most = Math.max(1, ...lines.flatMap(({ values }) => values)) * 1.15;
  const styles = getComputedStyle(canvas);
  for (const { values, color, isFilled } of lines) {
    const step = width / (SECONDS_KEPT - 1);
    const x = (index) => width - (values.length - 1 - index) * step;
    const y = (value) => height - 1.5 - (value / most) * (height - 4);
    context.beginPath();
    values.forEach((value, index) => context.lineTo(x(index), y(value)));
    context.strokeStyle = context.fillStyle = styles.getPropertyValue(color);
    context.lineWidth = 1.6;
    context.lineJoin = "round";
    context.stroke();
    if (!isFilled || values.length < 2) continue;
    context.lineTo(width, height);
    context.lineTo(x(0), height);
    context.globalAlpha = 0.14;
    context.fill();
    context.globalAlpha = 1;
  }
}
