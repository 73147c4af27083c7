"""Paired rounds of the load generator against Tern's signaling and a relay on node-ws; started by Benchmarks/signaling.

As in compare.py every round measures each scenario on both, one after the other, and what is reported is the median
over rounds of the ratio within a round.
"""
import argparse
import http.client
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

from compare_support.machine import FOREIGN_MAX, GENERATOR_CPU, SERVER_CPU, free_port
from compare_support.tally import Tally, keep, ratios, shown

SECRET = "of-no-use-outside-of-this-measurement-01"
SERVERS = ("node", "tern")
TITLES = {"node": "node-ws", "tern": "Tern", "before": "Tern before"}
MEMORY_MEMBERS = 10_000

# Name, title, words for the generator, and the members of its result that make rows: field, title, digits.
MICROSECONDS = [("serverMicroseconds", "", 1)]
SPLIT = MICROSECONDS + [("userMicroseconds", ": outside the kernel", 1)]
MEMORY = [
    ("bytesPerMember", ", bytes", 0), ("serverMicroseconds", ": CPU to open one, µs", 1),
    ("idleCPUShare", ": CPU of all while idle, % of a core", 2),
]
SCENARIOS = [
    ("signal", "signal 200 B, 100 rooms of 2", "signal-relay", SPLIT),
    ("signal-rate", "the same, 2000 a second, evenly", "signal-relay --rate 2000", MICROSECONDS),
    ("trickle", "the same, bursts of 8", "signal-relay --burst 8", SPLIT),
    ("offer", "signal 3000 B, 100 rooms of 2", "signal-relay --payload 3000", MICROSECONDS),
    ("broadcast", "broadcast 200 B, 20 rooms of 10",
     "signal-relay --message broadcast --rooms 20 --members 10", SPLIT),
    ("chatter", "the same, all members at once",
     "signal-relay --message broadcast --everybody --rooms 20 --members 10", SPLIT),
    ("broadcast-rate", "the same, one member, 200 a second",
     "signal-relay --message broadcast --rooms 20 --members 10 --rate 200", MICROSECONDS),
    ("broadcast-50", "broadcast 200 B, 4 rooms of 50",
     "signal-relay --message broadcast --rooms 4 --members 50", MICROSECONDS),
    ("join", "join, storms into 200 rooms of 4", "signal-join --rooms 200 --members 4", MICROSECONDS),
    ("join-50", "join, storms into 8 rooms of 50", "signal-join --rooms 8 --members 50", MICROSECONDS),
    ("issue", "credentials over HTTP", f"signal-issue --key {SECRET}", MICROSECONDS),
    ("idle", "idle connection in no room", f"signal-idle --outside --rooms {MEMORY_MEMBERS} --members 1", MEMORY),
    ("idle-rooms", "idle member, rooms of 4", f"signal-idle --rooms {MEMORY_MEMBERS // 4} --members 4", MEMORY),
]


class Server:
    """One server pinned to its processor, ended by its process id."""

    def __init__(self, name, options):
        self.name = name
        self.port = free_port()
        log = os.path.join(options.scratch, f"{name}-{self.port}.log")
        program = options.before if name == "before" else os.path.join(options.binaries, "tern")
        tern = [
            program, "serve", "-n", "--listening-ip=127.0.0.1", "--relay-ip=127.0.0.1",
            f"--listening-port={free_port()}", f"--signaling-port={self.port}", "--relay-threads=1",
            "--use-auth-secret", f"--static-auth-secret={SECRET}", f"--signaling-api-key=bench:{SECRET}",
            # The generator is everybody, and sends what a thousand people would not.
            "--signaling-anonymous-rooms=*", "--signaling-anonymous-join-rate=0",
            "--signaling-message-rate=100000", "--signaling-message-burst=1000000",
            f"--log-file={log}",
        ]
        node = ["node", os.path.join(os.path.dirname(__file__), "Signaling", "relay.js"), str(self.port), SECRET]
        self.process = subprocess.Popen(
            ["taskset", "-c", SERVER_CPU] + (node if name == "node" else tern),
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def is_ready(self):
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline and self.process.poll() is None:
            probe = http.client.HTTPConnection("127.0.0.1", self.port, timeout=1)
            try:
                probe.request("GET", "/healthz")
                probe.getresponse()
                return True
            except OSError:
                time.sleep(0.05)
            finally:
                probe.close()
        self.stop()
        return False

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


def start(who, options):
    # A port that was free a moment ago may be the other end of somebody's connection by now.
    for _ in range(3):
        server = Server(who, options)
        if server.is_ready():
            return server
    sys.exit(f"signaling: {who} does not answer")


def run_once(server, words, options):
    command = ["taskset", "-c", GENERATOR_CPU, os.path.join(options.binaries, "tern-bench")] + words.split()
    command += ["--server", f"127.0.0.1:{server.port}", "--pid", str(server.process.pid), "--json"]
    idle = words.startswith("signal-idle")
    command += ["--seconds", str(options.idle_seconds if idle else options.seconds)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    if done.returncode != 0:
        return None, done.stderr.strip()
    return json.loads(done.stdout), ""


def measure(server, scenario, words, options, tally):
    """The run with the least disturbance out of a bounded number; most often the first."""
    best = None
    for attempt in range(options.attempts):
        if attempt > 0:
            tally.repeated += 1
            time.sleep(options.pause)
        result, complaint = run_once(server, words, options)
        if result is None:
            tally.note(scenario, f"{server.name}: {complaint}")
            continue
        if best is None or result["foreignShare"] < best["foreignShare"]:
            best = result
        # Memory is what it is, whoever else is at work; and a second look would find what the first left behind.
        if best["foreignShare"] <= FOREIGN_MAX or words.startswith("signal-idle"):
            break
    if best is None:
        return None
    if best["foreignShare"] > FOREIGN_MAX:
        tally.disturbed += 1
        others = tally.foreign.setdefault(scenario, [])
        others.append(best["foreignShare"])
    if best["saturated"]:
        tally.note(scenario, f"{server.name}: the generator was at its limit")
    if best["lostInAll"] > 0:
        tally.note(scenario, f"{server.name}: {best['lostInAll']} messages did not arrive in time")
    return best


def run_round(options, scenarios, number, tally):
    names = SERVERS + (("before",) if options.before else ())
    # The order alternates, so that a drift favours nobody.
    order = names if number % 2 == 0 else tuple(reversed(names))
    for scenario, _, words, rows in scenarios:
        for who in order:
            # Servers of their own: what one scenario left behind is no other's burden.
            server = start(who, options)
            try:
                result = measure(server, scenario, words, options, tally)
            finally:
                server.stop()
            for field, _, _ in rows:
                keep(tally, f"{scenario} {field}", who, number, result, field)


def print_table(scenarios, tally, options):
    names = SERVERS + (("before",) if options.before else ())
    pairs = [("tern", "node")] + ([("tern", "before")] if options.before else [])
    heads = ["scenario"] + [TITLES[who] for who in names] + [f"{TITLES[a]} : {TITLES[b]}" for a, b in pairs]
    print("| " + " | ".join(heads) + " |")
    print("| --- " * len(heads) + "|")
    for name, title, _, rows in scenarios:
        for field, suffix, digits in rows:
            values = tally.values.get(f"{name} {field}", {})
            scale = 100 if field == "idleCPUShare" else 1
            cells = []
            for who in names:
                mine = list(values.get(who, {}).values())
                cells.append(f"{statistics.median(mine) * scale:,.{digits}f}" if mine else "–")
            cells += [shown(ratios(values, a, b)) for a, b in pairs]
            print(f"| {title}{suffix} | " + " | ".join(cells) + " |")
    print("\nServer CPU in µs for each message delivered, member joined or request answered; memory as resident bytes.")
    print("Medians; ratios are medians of those within a round, with the least, the greatest and the number of rounds.")
    print(f"{tally.repeated} runs repeated because of others on the machine; {tally.disturbed} kept though disturbed.")
    for name, shares in tally.foreign.items():
        print(f"note: {name}: others used {min(shares):.0%} to {max(shares):.0%} of the machine in {len(shares)} runs")
    for name, texts in tally.notes.items():
        for text in sorted(texts):
            print(f"note: {name}: {text}")


def parse():
    parser = argparse.ArgumentParser(prog="Benchmarks/signaling", description=__doc__.splitlines()[0])
    parser.add_argument("--binaries", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1.5)
    parser.add_argument("--idle-seconds", type=float, default=30.0, help="how long idle members are kept")
    parser.add_argument("--attempts", type=int, default=6, help="runs at most, until others leave the machine alone")
    parser.add_argument("--pause", type=float, default=1.0, help="seconds before a disturbed run is repeated")
    parser.add_argument("--only", help="scenarios, by name: " + ", ".join(s[0] for s in SCENARIOS))
    parser.add_argument("--before", metavar="PATH", help="another build of tern, to be measured as well")
    parser.add_argument("--json", help="write all values to this file")
    options = parser.parse_args()
    known = {s[0] for s in SCENARIOS}
    wanted = set(options.only.split(",")) if options.only else known
    if not wanted <= known:
        parser.error("no such scenario: " + ", ".join(sorted(wanted - known)))
    options.before = os.path.abspath(options.before) if options.before else None
    return options, [s for s in SCENARIOS if s[0] in wanted]


def main():
    options, scenarios = parse()
    if os.cpu_count() is None or os.cpu_count() < 2:
        sys.exit("signaling: the server and the generator need a processor each")
    options.scratch = tempfile.mkdtemp(prefix="tern-signaling-")
    tally = Tally()
    tally.foreign = {}
    # Ended early, by a key or by a time limit, it still stops its servers and tells what it has seen.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        for number in range(options.rounds):
            print(f"round {number + 1} of {options.rounds}", file=sys.stderr)
            run_round(options, scenarios, number, tally)
    except KeyboardInterrupt:
        print("signaling: ended early", file=sys.stderr)
    finally:
        shutil.rmtree(options.scratch, ignore_errors=True)
    print_table(scenarios, tally, options)
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump({"values": tally.values, "notes": {k: sorted(v) for k, v in tally.notes.items()}}, file)


if __name__ == "__main__":
    main()
