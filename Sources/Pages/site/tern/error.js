/**
 * What went wrong. `code` is one of the server's (`room_full`, `token_expired`, `forbidden`, …) or of the client's:
 *
 * - `unreachable`: no connection to the server came about,
 * - `session_lost`: the server no longer knows the session that a request was part of,
 * - `replaced`: somebody with the same token took this place,
 * - `kicked`: somebody with the right to do so removed this participant,
 * - `closed`: the application closed the client or left the room.
 */
export class TernError extends Error {
  /**
   * @param {string} code
   * @param {string} [message] For developers, in English. Show users words of your own, chosen by the code.
   * @param {{retryAfterMs?: number, isFatal?: boolean}} [details]
   */
  constructor(code, message = code, { retryAfterMs, isFatal = false } = {}) {
    super(message);
    this.name = "TernError";
    this.code = code;
    /** How long to wait before the same is worth trying again, if the server said so. */
    this.retryAfterMs = retryAfterMs;
    /** Whether the session ended with it. */
    this.isFatal = isFatal;
  }
}

/** An `error` message of the server. */
export function errorFromMessage(message) {
  return new TernError(message.code ?? "internal", message.message, {
    retryAfterMs: message.retry_after_ms,
    isFatal: message.fatal === true,
  });
}

/** Codes after which the same session, with the same token, would be refused again. */
const FINAL_CODES = new Set([
  "unauthorized", "token_expired", "token_not_yet_valid", "forbidden", "unsupported_version", "session_replaced",
  "replaced", "kicked",
]);

/** Whether connecting again makes no sense. */
export function isFinal(error) {
  return FINAL_CODES.has(error.code);
}

/** What a close code says that no `error` message said before. */
export function errorFromClose(event) {
  const codes = { 4001: "unauthorized", 4003: "kicked", 4008: "slow_consumer", 4009: "replaced", 4029: "rate_limited" };
  return new TernError(codes[event.code] ?? "unreachable", event.reason || `the connection closed (${event.code})`);
}
