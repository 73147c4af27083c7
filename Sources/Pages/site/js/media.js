/** Where pictures and sound come from: a camera, or a canvas and an oscillator. */

/**
 * @param {"camera" | "generated" | "none"} kind
 * @param {string} name Written on a generated picture.
 * @returns {Promise<{stream: MediaStream | null, kind: string, problem?: string, stop: () => void}>} What could be had;
 * `problem` says in words why it is not what was asked for.
 */
export async function openMedia(kind, name) {
  if (kind === "none") return { stream: null, kind, stop() {} };
  if (kind === "generated") return generate(name);
  try {
    return fromDevices(await askForDevices());
  } catch (error) {
    return { ...generate(name), problem: `${inWords(error)} The others see a test picture instead.` };
  }
}

async function askForDevices() {
  if (!navigator.mediaDevices) throw new DOMException("", "InsecureContextError");
  const video = { width: { ideal: 1280 }, height: { ideal: 720 } };
  const audio = { echoCancellation: true, noiseSuppression: true };
  try {
    return await navigator.mediaDevices.getUserMedia({ audio, video });
  } catch (error) {
    if (error.name !== "NotFoundError") throw error;
    // A machine with only one of the two: the camera first, then the microphone.
    return navigator.mediaDevices.getUserMedia({ video }).catch(() => navigator.mediaDevices.getUserMedia({ audio }));
  }
}

function fromDevices(stream) {
  return { stream, kind: "camera", stop: () => stream.getTracks().forEach((track) => track.stop()) };
}

function inWords(error) {
  const reasons = {
    NotAllowedError: "The browser may not use the camera: allow it beside the address.",
    NotFoundError: "There is no camera and no microphone.",
    NotReadableError: "Another program is using the camera.",
    InsecureContextError: "Browsers open cameras only on https:// pages and on localhost.",
  };
  return reasons[error.name] ?? `The camera could not be opened (${error.name}).`;
}

/** A picture that visibly lives, and a tone that swells, so that loss and delay show. */
function generate(name) {
  const canvas = Object.assign(document.createElement("canvas"), { width: 640, height: 360 });
  const draw = painter(canvas, name);
  draw();
  // A timer rather than animation frames, which stop while the page is hidden.
  const timer = setInterval(draw, 50);
  const stream = canvas.captureStream(20);
  const sound = tone();
  for (const track of sound?.stream.getAudioTracks() ?? []) stream.addTrack(track);
  const stop = () => {
    clearInterval(timer);
    sound?.context.close();
    stream.getTracks().forEach((track) => track.stop());
  };
  return { stream, kind: "generated", stop };
}

function tone() {
  const Context = globalThis.AudioContext;
  if (!Context) return null;
  const context = new Context();
  const [carrier, swell] = [context.createOscillator(), context.createOscillator()];
  const [volume, depth] = [context.createGain(), context.createGain()];
  const output = context.createMediaStreamDestination();
  carrier.frequency.value = 220 + Math.random() * 220;
  swell.frequency.value = 0.4;
  depth.gain.value = 0.02;
  volume.gain.value = 0.022;
  swell.connect(depth).connect(volume.gain);
  carrier.connect(volume).connect(output);
  carrier.start();
  swell.start();
  return { context, stream: output.stream };
}

function painter(canvas, name) {
  const context = canvas.getContext("2d", { alpha: false });
  const { width, height } = canvas;
  const hue = hueOf(name);
  const start = performance.now();
  return () => {
    const seconds = (performance.now() - start) / 1000;
    const sky = context.createLinearGradient(0, 0, 0, height);
    sky.addColorStop(0, `hsl(${hue} 45% 62%)`);
    sky.addColorStop(1, `hsl(${hue + 25} 60% 82%)`);
    context.fillStyle = sky;
    context.fillRect(0, 0, width, height);
    context.fillStyle = `hsl(${hue + 40} 85% 92% / 90%)`;
    disc(context, width * 0.76, height * 0.27, 34);
    for (let layer = 0; layer < 3; layer++) wave(context, { seconds, layer, hue, width, height });
    bird(context, (seconds * 46) % (width + 120) - 60, height * 0.34 + Math.sin(seconds * 1.3) * 22, seconds);
    context.fillStyle = "rgb(255 255 255 / 92%)";
    context.font = "600 20px system-ui, sans-serif";
    // In the middle, because a tile shows only as much of the edges as fits.
    context.textAlign = "center";
    const now = new Date();
    const tenths = Math.floor(now.getMilliseconds() / 100);
    context.fillText(`${now.toLocaleTimeString("en-GB")}.${tenths}`, width / 2, height * 0.24);
  };
}

function disc(context, x, y, radius) {
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
  context.fill();
}

function wave(context, { seconds, layer, hue, width, height }) {
  context.fillStyle = `hsl(${hue + layer * 6} ${48 + layer * 6}% ${52 - layer * 12}% / 85%)`;
  context.beginPath();
  context.moveTo(0, height);
  for (let x = 0; x <= width; x += 16) {
    const swell = Math.sin(x / (90 - layer * 14) + seconds * (0.7 + layer * 0.45)) * (9 + layer * 3);
    context.lineTo(x, height * (0.66 + layer * 0.11) + swell);
  }
  context.lineTo(width, height);
  context.fill();
}

function bird(context, x, y, seconds) {
  const lift = Math.sin(seconds * 5) * 15;
  context.strokeStyle = "rgb(255 255 255 / 95%)";
  context.lineWidth = 5;
  context.lineCap = "round";
  context.beginPath();
  context.moveTo(x - 38, y - lift);
  context.quadraticCurveTo(x - 14, y - 14, x, y);
  context.quadraticCurveTo(x + 14, y - 14, x + 38, y - lift);
  context.stroke();
  context.fillStyle = "#e4573d";
  disc(context, x + 1, y + 2, 4);
}

/** A colour for each name. */
export function hueOf(name) {
  let hash = 0;
  for (const character of name) hash = (hash * 31 + character.codePointAt(0)) % 360;
  return hash;
}
