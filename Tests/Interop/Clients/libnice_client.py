"""Two libnice agents that may use nothing but their relays exchange datagrams through the server.

Usage: libnice_client.py HOST PORT USER PASSWORD (with /usr/bin/python3, which sees Debian's gi)
"""

import ctypes
import sys

try:
    import gi

    gi.require_version("Nice", "0.1")
    from gi.repository import GLib, Nice

    library = ctypes.CDLL("libnice.so.10")
except (ImportError, ValueError, OSError):
    sys.exit("libnice: failed: not installed: run Scripts/setup test")

MESSAGES = 20
SECONDS_MAX = 30

# The one function that introspection leaves out is the one that delivers data. It takes the agent's C
# address, which PyGObject gives as the hash of the object.
RECEIVE = ctypes.CFUNCTYPE(
    None, ctypes.c_void_p, ctypes.c_uint, ctypes.c_uint, ctypes.c_uint, ctypes.c_void_p, ctypes.c_void_p
)
library.nice_agent_attach_recv.argtypes = [
    ctypes.c_void_p, ctypes.c_uint, ctypes.c_uint, ctypes.c_void_p, RECEIVE, ctypes.c_void_p
]


class Run:
    """The two agents, what each received, and the main loop that ends when both have everything."""

    def __init__(self, host, port, user, password):
        self.loop = GLib.MainLoop()
        self.failure = "no answer in time"
        self.gathered = 0
        self.ready = set()
        self.received = [[], []]
        self.agents = [self.make_agent(index) for index in range(2)]
        self.callbacks = []
        for index, agent in enumerate(self.agents):
            agent.add_local_address(self.local_address(host))
            agent.add_stream(1)
            agent.set_stream_name(1, "application")
            agent.set_relay_info(1, 1, host, port, user, password, Nice.RelayType.UDP)
            receive = RECEIVE(lambda a, s, c, length, data, _, index=index: self.receive(index, data, length))
            self.callbacks.append(receive)
            library.nice_agent_attach_recv(hash(agent), 1, 1, None, receive, None)

    def make_agent(self, index):
        agent = Nice.Agent.new(GLib.MainContext.default(), Nice.Compatibility.RFC5245)
        agent.set_property("force-relay", True)
        agent.set_property("upnp", False)
        agent.set_property("ice-tcp", False)
        agent.set_property("controlling-mode", index == 0)
        agent.connect("candidate-gathering-done", lambda *_: self.gathering_done())
        agent.connect("component-state-changed", lambda _, s, c, state: self.state_changed(index, state))
        return agent

    def local_address(self, host):
        address = Nice.Address.new()
        address.set_from_string(host)
        return address

    def gathering_done(self):
        self.gathered += 1
        if self.gathered < 2:
            return
        descriptions = [agent.generate_local_sdp() for agent in self.agents]
        for description in descriptions:
            candidates = [line for line in description.splitlines() if line.startswith("a=candidate")]
            if not candidates or any("typ relay" not in line for line in candidates):
                return self.finish(f"expected relay candidates only, got {candidates}")
        self.agents[0].parse_remote_sdp(descriptions[1])
        self.agents[1].parse_remote_sdp(descriptions[0])

    def state_changed(self, index, state):
        if state == Nice.ComponentState.FAILED:
            self.finish("the connectivity checks failed")
        if state == Nice.ComponentState.READY:
            self.ready.add(index)
            if len(self.ready) == 2 and not self.received[0]:
                self.agents[0].send(1, 1, 3, "000")

    def receive(self, index, data, length):
        """Answers number n with n + 1 until both sides have seen their share."""
        text = ctypes.string_at(data, length).decode()
        self.received[index].append(text)
        number = int(text)
        if number + 1 == MESSAGES:
            return self.finish(None)
        answer = f"{number + 1:03}"
        self.agents[index].send(1, 1, len(answer), answer)

    def finish(self, failure):
        self.failure = failure
        self.loop.quit()

    def run(self):
        GLib.timeout_add_seconds(SECONDS_MAX, self.loop.quit)
        for agent in self.agents:
            if not agent.gather_candidates(1):
                return "gathering did not start"
        self.loop.run()
        self.close()
        return self.failure

    def close(self):
        """Lets both agents delete their allocations, as an application would."""
        closed = []
        for agent in self.agents:
            agent.close_async(lambda *_: closed.append(True))
        while len(closed) < 2:
            GLib.MainContext.default().iteration(True)


def main():
    host, port, user, password = sys.argv[1:5]
    failure = Run(host, int(port), user, password).run()
    if failure:
        print(f"libnice: failed: {failure}")
        sys.exit(1)
    print(f"libnice: {MESSAGES} datagrams through two relays")


main()
