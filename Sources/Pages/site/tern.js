/**
 * The JavaScript client of Tern: rooms, calls and TURN credentials for browsers. No build step, no dependencies.
 *
 *     import { connect } from "/tern.js";
 *
 *     const client = await connect("wss://tern.example.org/v1/signal", { token });
 *     const room = await client.join("lobby", { name: "Ada" });
 *     const call = room.call({ stream: await navigator.mediaDevices.getUserMedia({ audio: true, video: true }) });
 *     call.on("stream", ({ participant, stream }) => show(participant.name, stream));
 *
 * To keep it with your own pages, copy this file and the folder `tern` beside it.
 */
export { connect, Client } from "./tern/client.js";
export { Room } from "./tern/room.js";
export { Call, Connection } from "./tern/call.js";
export { TernError } from "./tern/error.js";
