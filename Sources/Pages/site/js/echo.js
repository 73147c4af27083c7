/** Sends data through a relay and back: two connections in this page, which know each other only by their relays. */

const CONNECTING_MAX_MS = 10_000;
const ECHOES = 20;
const FLOOD_MS = 1500;
const CHUNK = new Uint8Array(16_384);
const BUFFERED_MAX = 1 << 20;

/**
 * @param {RTCIceServer} server With one URL.
 * @returns {Promise<{verdict: "good" | "bad", text: string, roundTripMs?: number, bitsPerSecond?: number}>}
 */
export async function echoThrough(server) {
  const configuration = { iceServers: [server], iceTransportPolicy: "relay" };
  const [near, far] = [new RTCPeerConnection(configuration), new RTCPeerConnection(configuration)];
  try {
    const channels = await connect(near, far);
    const roundTripMs = await measureRoundTrip(...channels);
    const bitsPerSecond = await measureThroughput(...channels);
    return { verdict: "good", text: "Data goes through two relays and comes back.", roundTripMs, bitsPerSecond };
  } catch (error) {
    return { verdict: "bad", text: error.message };
  } finally {
    near.close();
    far.close();
  }
}

async function connect(near, far) {
  near.onicecandidate = ({ candidate }) => candidate && far.addIceCandidate(candidate).catch(() => {});
  far.onicecandidate = ({ candidate }) => candidate && near.addIceCandidate(candidate).catch(() => {});
  const channels = [near, far].map((pc) => pc.createDataChannel("echo", { negotiated: true, id: 0 }));
  for (const channel of channels) channel.binaryType = "arraybuffer";
  const opened = Promise.all(channels.map((channel) => new Promise((resolve) => (channel.onopen = resolve))));
  await near.setLocalDescription();
  await far.setRemoteDescription(near.localDescription);
  await far.setLocalDescription();
  await near.setRemoteDescription(far.localDescription);
  const failed = new Promise((_, reject) => {
    near.onconnectionstatechange = () => near.connectionState === "failed" && reject(new Error(NOTHING_COMES));
  });
  await within(CONNECTING_MAX_MS, NOTHING_COMES, Promise.race([opened, failed]));
  return channels;
}

const NOTHING_COMES =
  "There is a relay, but nothing comes through it. The server may refuse its own addresses as peers, or a firewall " +
  "blocks its relay ports.";

async function measureRoundTrip(near, far) {
  far.onmessage = ({ data }) => far.send(data);
  const times = [];
  for (let index = 0; index < ECHOES; index++) {
    const start = performance.now();
    const back = new Promise((resolve) => (near.onmessage = resolve));
    near.send(String(index));
    await within(3000, "The relay loses packets: an echo did not come back.", back);
    times.push(performance.now() - start);
  }
  far.onmessage = null;
  return times.sort((one, other) => one - other)[ECHOES >> 1];
}

async function measureThroughput(near, far) {
  let byteCount = 0;
  far.onmessage = ({ data }) => (byteCount += data.byteLength);
  near.bufferedAmountLowThreshold = BUFFERED_MAX / 2;
  const start = performance.now();
  while (performance.now() - start < FLOOD_MS) {
    while (near.bufferedAmount < BUFFERED_MAX) near.send(CHUNK);
    const isLow = new Promise((resolve) => (near.onbufferedamountlow = resolve));
    await Promise.race([isLow, new Promise((resolve) => setTimeout(resolve, 100))]);
  }
  return (byteCount * 8000) / (performance.now() - start);
}

async function within(milliseconds, message, promise) {
  let timer;
  const tooLate = new Promise((_, reject) => (timer = setTimeout(() => reject(new Error(message)), milliseconds)));
  try {
    return await Promise.race([promise, tooLate]);
  } finally {
    clearTimeout(timer);
  }
}
