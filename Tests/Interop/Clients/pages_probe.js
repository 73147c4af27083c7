// Put into each page of a test before its own scripts: looks into its connections, whatever the page says of them.
{
  const Connection = globalThis.RTCPeerConnection;
  const made = [];

  // A page may be told to close its connections, and need not obey. What the server ends must end all the same.
  globalThis.RTCPeerConnection = class extends Connection {
    constructor(...options) {
      super(...options);
      made.push(this);
    }

    close() {
      if (!globalThis.probe.isDisobedient) super.close();
    }
  };

  // What came over one connection, and how.
  async function look(connection) {
    const stats = await connection.getStats();
    const all = [...stats.values()];
    const inbound = (kind) => all.find((each) => each.type === "inbound-rtp" && each.kind === kind) ?? {};
    const transport = all.find(({ type, selectedCandidatePairId }) => type === "transport" && selectedCandidatePairId);
    const local = stats.get(stats.get(transport?.selectedCandidatePairId)?.localCandidateId);
    const turn = connection.getConfiguration().iceServers.find(({ username }) => username);
    const known = [...(globalThis.ternDemo?.call?.connections.values() ?? [])].find(({ pc }) => pc === connection);
    return {
      name: known?.participant.name ?? null,
      state: connection.connectionState,
      decoded: inbound("video").framesDecoded ?? 0,
      packets: (inbound("video").packetsReceived ?? 0) + (inbound("audio").packetsReceived ?? 0),
      soundEnergy: inbound("audio").totalAudioEnergy ?? 0,
      // Only one's own side: until the other's candidate comes by signaling, its relay is called peer-reflexive.
      local: local?.candidateType ?? null,
      relayProtocol: local?.relayProtocol ?? null,
      relayURL: local?.url ?? null,
      username: turn?.username ?? null,
    };
  }

  const remoteTiles = () => [...document.querySelectorAll("#tiles .tile")].slice(1);

  globalThis.probe = {
    isDisobedient: false,

    // Of every connection that the page has not closed, oldest first.
    look: () => Promise.all(made.filter(({ signalingState }) => signalingState !== "closed").map(look)),

    // How bright the picture of somebody else is on average, 0 to 255.
    brightness(name) {
      const tile = remoteTiles().find((each) => each.querySelector(".tile-name").textContent === name);
      const context = new OffscreenCanvas(16, 9).getContext("2d");
      context.drawImage(tile.querySelector("video"), 0, 0, 16, 9);
      const { data } = context.getImageData(0, 0, 16, 9);
      return data.filter((_, index) => index % 4 < 3).reduce((sum, each) => sum + each, 0) / (16 * 9 * 3);
    },

    // Enters the room, and answers after how many milliseconds a picture of somebody else was on the screen.
    async joinAndMeet() {
      const start = performance.now();
      await globalThis.ternDemo.join();
      const stream = () => remoteTiles().map((tile) => tile.querySelector("video")).find(({ srcObject }) => srcObject);
      while (!stream()) await new Promise((done) => setTimeout(done, 2));
      await new Promise((done) => stream().requestVideoFrameCallback(done));
      return performance.now() - start;
    },

    // The types of the candidates that credentials are good for, relays alone.
    async gather(iceServers) {
      const connection = new Connection({ iceServers, iceTransportPolicy: "relay" });
      const found = [];
      connection.createDataChannel("probe");
      await new Promise((done) => {
        connection.onicecandidate = ({ candidate }) => candidate ? found.push(candidate.type) : done();
        connection.setLocalDescription();
        setTimeout(done, 5000);
      });
      connection.close();
      return found;
    },
  };
}
