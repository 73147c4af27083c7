/** Asks one STUN or TURN server over one transport, and puts the answer into words. */

const GATHERING_MAX_MS = 12_000;

/**
 * @typedef {object} Target
 * @property {"host" | "stun" | "turn"} kind
 * @property {"udp" | "tcp" | "tls" | "dtls"} transport Between here and the server.
 * @property {RTCIceServer} [server] With this URL alone.
 * @property {string} [url]
 *
 * @typedef {object} Finding
 * @property {"good" | "warn" | "bad"} verdict
 * @property {string} text What was found, and why, in words.
 * @property {number} [milliseconds] Until the first candidate that matters.
 * @property {RTCIceCandidate[]} candidates
 * @property {{code: number, text: string}[]} errors
 */

/**
 * Every URL on its own, so that what one server does cannot hide what another does not.
 *
 * @param {RTCIceServer[]} iceServers
 * @returns {Target[]}
 */
export function targetsOf(iceServers) {
  const targets = iceServers.flatMap(({ urls, ...rest }) => [urls].flat().map((url) => {
    const [, scheme, transport] = /^(stuns?|turns?):[^?]*(?:\?transport=(\w+))?/.exec(url) ?? [];
    if (!scheme) throw new SyntaxError(`“${url}” is not the URL of a STUN or TURN server.`);
    const isSecure = scheme.endsWith("s");
    const secured = { udp: "dtls", tcp: "tls" };
    const plain = transport ?? (isSecure ? "tcp" : "udp");
    return {
      kind: scheme.startsWith("stun") ? "stun" : "turn", url, server: { ...rest, urls: url },
      transport: isSecure ? (secured[plain] ?? plain) : plain,
    };
  }));
  const order = ["stun udp", "stun tcp", "stun tls", "turn udp", "turn tcp", "turn dtls", "turn tls"];
  const rank = ({ kind, transport }) => order.indexOf(`${kind} ${transport}`);
  return [{ kind: "host", transport: "udp" }, ...targets.sort((one, other) => rank(one) - rank(other))];
}

/**
 * @param {Target} target
 * @returns {Promise<Finding>}
 */
export async function probe(target) {
  let gathered;
  try {
    gathered = await gather(target);
  } catch (error) {
    const text = `The browser does not take this server: ${error.message}`;
    return { verdict: "bad", text, candidates: [], errors: [] };
  }
  const wanted = { host: "host", stun: "srflx", turn: "relay" }[target.kind];
  // Browsers also name the TCP connections that they could open, which is no finding.
  const candidates = gathered.candidates.filter(
    ({ candidate: { type, tcpType } }) => type === wanted && tcpType !== "active",
  );
  const judged = { host: judgeHost, stun: judgeSTUN, turn: judgeTURN }[target.kind](target, candidates, gathered);
  return {
    ...judged, milliseconds: target.kind === "host" ? undefined : candidates[0]?.milliseconds,
    candidates: candidates.map(({ candidate }) => candidate), errors: gathered.errors,
  };
}

async function gather({ kind, server }) {
  const pc = new RTCPeerConnection({
    iceServers: server ? [server] : [], iceTransportPolicy: kind === "turn" ? "relay" : "all",
  });
  const [candidates, errors] = [[], []];
  const start = performance.now();
  try {
    pc.createDataChannel("probe");
    await new Promise((resolve, reject) => {
      pc.onicecandidate = ({ candidate }) => {
        if (candidate?.candidate) candidates.push({ candidate, milliseconds: performance.now() - start });
        if (candidate === null) resolve();
      };
      pc.onicecandidateerror = ({ errorCode: code, errorText: text }) => {
        // Each network interface says the same once more.
        if (!errors.some((known) => known.code === code && known.text === text)) errors.push({ code, text });
      };
      setTimeout(resolve, GATHERING_MAX_MS);
      pc.setLocalDescription().catch(reject);
    });
  } finally {
    pc.close();
  }
  return { candidates, errors };
}

// MARK: - Judging

function judgeHost(target, candidates) {
  if (candidates.length === 0) {
    return { verdict: "bad", text: "The browser opens no UDP ports. An extension or a policy may forbid WebRTC." };
  }
  const isHidden = candidates.some(({ candidate }) => candidate.address?.endsWith(".local"));
  const families = new Set(candidates.map(({ candidate }) => familyOf(candidate.address)).filter(Boolean));
  const which = families.size > 0 ? [...families].sort().join(" and ") : "addresses";
  const hidden = isHidden ? " The browser hides them behind made-up names, which is usual." : "";
  return { verdict: "good", text: `This device has ${which}.${hidden}` };
}

function judgeSTUN(target, candidates, { errors }) {
  const addresses = [...new Set(candidates.map(({ candidate }) => candidate.address).filter(Boolean))];
  if (candidates.length > 0) {
    const seen = addresses.join(" and ") || "an address that the browser hides";
    return { verdict: "good", text: `The server sees this device as ${seen}.` };
  }
  const error = mostTelling(errors);
  if (error) return { verdict: "bad", text: explain(error, target) };
  // Browsers leave out a public address that equals the device's own.
  const text = "No other address than the device's own came back: there is no NAT between here and the server.";
  return { verdict: "good", text };
}

function judgeTURN(target, candidates, { errors }) {
  const addresses = [...new Set(candidates.map(({ candidate }) => candidate.address).filter(Boolean))];
  if (candidates.length > 0) return { verdict: "good", text: `The server relays on ${addresses.join(" and ")}.` };
  const error = mostTelling(errors);
  if (error) return { verdict: "bad", text: explain(error, target) };
  return { verdict: "bad", text: `${noAnswer(target)} The browser does not say more.` };
}

function familyOf(address = "") {
  if (!address || address.endsWith(".local")) return null;
  return address.includes(":") ? "IPv6" : "IPv4";
}

/** An answer of the server says more than its silence on one of several network interfaces. */
function mostTelling(errors) {
  return errors.find(({ code }) => code >= 300 && code < 700) ?? errors.find(({ text }) => /lookup|resolve/i.test(text))
    ?? errors.find(({ text }) => !/not associated with the desired network interface/i.test(text)) ?? errors[0];
}

const ANSWERS = {
  300: "The server sends its clients to another server, and the browser did not follow.",
  400: "The server could not read the request. Perhaps something in between changes packets.",
  401: "The server refused the credentials: they are wrong, or they have expired.",
  403: "The server forbids this. Perhaps this user may not relay from here.",
  437: "The server mixed this request up with an older one. Try again.",
  438: "The server kept asking for a newer nonce. Perhaps a load balancer spreads the packets over several servers.",
  440: "The server does not relay for this family of addresses.",
  441: "The credentials are those of another user than the one who began.",
  442: "The server does not relay over this transport.",
  486: "This user has as many relays as it may. Close other calls, or raise the server's user quota.",
  500: "The server had a fault. Its log will say more.",
  508: "The server has no relay port left, or is at its limit.",
};

function explain({ code, text }, target) {
  const because = text ? ` (${code} ${text.replace(/\.$/, "")})` : ` (${code})`;
  if (ANSWERS[code]) return `${ANSWERS[code]}${because}`;
  if (/lookup|resolve/i.test(text)) return `The server's name was not found. Look at the URL and the DNS.${because}`;
  if (code >= 700) return `${noAnswer(target)}${because}`;
  return `The server answered with an error.${because}`;
}

function noAnswer({ transport, url }) {
  const port = /:(\d+)(?:\?|$)/.exec(url)?.[1] ?? (/^(stuns|turns):/.test(url) ? "5349" : "3478");
  switch (transport) {
    case "udp":
      return `No answer over UDP. A firewall blocks UDP to port ${port}, or nothing listens there.`;
    case "tcp":
      return `No TCP connection. Port ${port} is closed or blocked, or the server does not serve TCP.`;
    default:
      return (
        `No ${transport.toUpperCase()} connection. Port ${port} is closed or blocked, or the browser does not trust ` +
        "the certificate for that name."
      );
  }
}
