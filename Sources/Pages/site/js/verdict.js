/** What the findings of the ICE test come to, and how they are told to somebody else. */
import { bitrate, milliseconds } from "./common.js";

const VERDICTS = {
  all: {
    verdict: "good", title: "Calls work from here",
    text: "Every server answered, and data came back through every relay. A call gets through, whatever network the "
      + "other side has.",
  },
  some: { verdict: "warn", title: "Calls work from here, but not every way is open" },
  silent: {
    verdict: "bad", title: "A relay answers, but passes nothing on",
    text: "Calls that need the relay stay without picture and sound. See below for what may be in the way.",
  },
  noRelay: {
    verdict: "warn", title: "There is no relay to test",
    text: "The list has no TURN server. Calls between two strict NATs will not come about.",
  },
  refused: {
    verdict: "bad", title: "The credentials are refused",
    text: "The servers answer, so the network is not at fault. Ask for new credentials, and compare the secret of "
      + "whoever issues them with the server's.",
  },
  direct: {
    verdict: "bad", title: "No relay works from here",
    text: "Calls may still get through directly, where the networks on both sides allow it. Do not rely on it.",
  },
  nothing: {
    verdict: "bad", title: "Only calls within your own network would work",
    text: "No server could be used. The reasons are below, beside each of them.",
  },
};

/**
 * @param {{target: object, finding: object, title: string}[]} results
 * @returns {{verdict: "good" | "warn" | "bad", title: string, text: string}}
 */
export function judge(results) {
  const of = (kind) => results.filter(({ target }) => target.kind === kind);
  const anyGood = (list) => list.some(({ finding }) => finding.verdict === "good");
  const [turn, stun, echo] = [of("turn"), of("stun"), of("echo")];
  const failures = results.filter(({ finding }) => finding.verdict === "bad");
  if (anyGood(echo) && failures.length === 0) return VERDICTS.all;
  if (anyGood(echo)) {
    const failed = [...new Set(failures.map(({ title }) => title))].join(", ");
    return { ...VERDICTS.some, text: `A relay works, so that calls get through. What did not: ${failed}.` };
  }
  if (anyGood(turn)) return VERDICTS.silent;
  if (turn.length === 0) return VERDICTS.noRelay;
  if (turn.every(({ finding }) => finding.errors.some(({ code }) => code === 401))) return VERDICTS.refused;
  return stun.length === 0 || anyGood(stun) ? VERDICTS.direct : VERDICTS.nothing;
}

/** What the browser reported, line by line. */
export function linesOf({ candidates, errors }) {
  const found = candidates.map(({ type, protocol, relayProtocol, address, port }) => {
    const via = relayProtocol ? ` via ${relayProtocol}` : "";
    return `${type} ${protocol} ${address} port ${port}${via}`.replace(/[[\]]/g, "");
  });
  return [...found, ...errors.map(({ code, text }) => `error ${code} ${text}`)];
}

/** The whole test as text, without user names and credentials. */
export function reportText(results, verdict) {
  const marks = { good: "ok  ", warn: "warn", bad: "FAIL" };
  const lines = [`Tern ICE test, ${new Date().toISOString()}`, location.origin, navigator.userAgent, ""];
  if (verdict) lines.push(`${verdict.title}. ${verdict.text}`, "");
  for (const { title, target, finding } of results) {
    const details = [finding.text];
    if (finding.milliseconds !== undefined) details.push(`answer after ${milliseconds(finding.milliseconds)}`);
    if (finding.roundTripMs !== undefined) {
      details.push(`round trip ${milliseconds(finding.roundTripMs)}`);
      details.push(`throughput ${bitrate(finding.bitsPerSecond)}bit/s`);
    }
    lines.push(`${marks[finding.verdict]} ${title}${target.url ? ` (${target.url})` : ""}`);
    lines.push(...[...details, ...linesOf(finding)].map((detail) => `     ${detail}`));
  }
  return `${lines.join("\n")}\n`;
}
