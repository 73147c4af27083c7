/** `socket.io.js` for pages that write `import { io } from "/socket.io/socket.io.esm.min.js"`. */
import "./socket.io.js";

export const { io, connect, Socket, protocol } = globalThis.io;
export default io;
