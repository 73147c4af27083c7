"""Paired rounds of the load generator against several servers; started by Benchmarks/compare.

Every round measures each scenario on all servers, one after the other, and what is reported is the median over rounds
of the ratio within a round: the machine's mood drifts by a quarter in an hour, the ratio by a few percent.
"""
import argparse
import json
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

SERVER_CPU, GENERATOR_CPU = "0", "1"
FOREIGN_MAX = 0.08

# Name, title, words for the generator, servers that can do it.
RELAYING = ("coturn", "tern", "floor")
TURN = ("coturn", "tern")
SCENARIOS = [
    ("up-160", "160 B up, n 100", "channel --direction up", RELAYING),
    ("down-160", "160 B down, n 100", "channel --direction down", RELAYING),
    ("both-160", "160 B both, n 100", "channel --direction both", RELAYING),
    ("bursts-1200", "1200 B both, n 100, bursts of 8", "channel --direction both --payload 1200 --burst 8", RELAYING),
    ("send", "Send indication 160 B, n 10", "indication --direction up --allocations 10", TURN),
    ("data", "Data indication 160 B, n 10", "indication --direction down --allocations 10", TURN),
    ("binding", "Binding", "binding", RELAYING),
    ("cycle", "allocation cycle", "allocate", TURN),
    ("idle", "RSS per idle allocation, n 5000", "idle --allocations 5000 --seconds 1", TURN),
]


def free_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """One server pinned to its processor, ended by its process id."""

    def __init__(self, name, binaries, scratch, before):
        self.name = name
        self.port = free_port()
        log = os.path.join(scratch, f"{name}-{self.port}.log")
        # Relay ports of the two ranges do not meet each other, nor the clients' (32768 and up).
        program = before if name == "before" else os.path.join(binaries, "tern")
        commands = {
            "tern": [
                program, "serve", "-n", "--listening-ip=127.0.0.1", "--relay-ip=127.0.0.1",
                f"--listening-port={self.port}", "--allow-loopback-peers", "--lt-cred-mech", "--user=u:p",
                "--realm=r", "--relay-threads=1", "--unauthorized-ratelimit=0", "--binding-ratelimit-rps=0",
                "--min-port=49152", "--max-port=65535", f"--log-file={log}",
            ],
            "coturn": [
                "turnserver", "-n", "-a", "-u", "u:p", "-r", "r", "--no-tls", "--no-dtls", "--no-cli",
                "--relay-threads=1", "--allow-loopback-peers", "-L", "127.0.0.1", "-E", "127.0.0.1",
                "-p", str(self.port), "--min-port=49152", "--max-port=65535", f"--log-file={log}", "--simple-log",
                f"--pidfile={log}.pid", "--no-stdout-log",
            ],
            "floor": [os.path.join(binaries, "tern-floor"), str(self.port)],
        }
        self.process = subprocess.Popen(
            ["taskset", "-c", SERVER_CPU] + commands["tern" if name == "before" else name],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def wait_until_ready(self):
        binding = bytes.fromhex("000100002112a442") + b"tern-compare"
        deadline = time.monotonic() + 20
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.settimeout(0.2)
            while time.monotonic() < deadline:
                if self.process.poll() is not None:
                    break
                try:
                    probe.sendto(binding, ("127.0.0.1", self.port))
                    if probe.recv(1024)[8:20] == b"tern-compare":
                        return
                except OSError:
                    time.sleep(0.05)
        self.stop()
        sys.exit(f"compare: {self.name} does not answer")

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


def start(names, options):
    servers = {name: Server(name, options.binaries, options.scratch, options.before) for name in names}
    for server in servers.values():
        server.wait_until_ready()
    return servers


def run_once(server, words, options):
    command = ["taskset", "-c", GENERATOR_CPU, os.path.join(options.binaries, "tern-bench")] + words.split()
    command += ["--server", f"127.0.0.1:{server.port}", "--user", "u", "--password", "p"]
    command += ["--pid", str(server.process.pid), "--json"]
    if "--seconds" not in words:
        command += ["--seconds", str(options.seconds)]
    if server.name == "floor":
        command.append("--floor")
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    if done.returncode != 0:
        return None, done.stderr.strip()
    return json.loads(done.stdout), ""


class Tally:
    """What was seen on the way, to be told at the end."""

    def __init__(self):
        self.values = {}
        self.notes = {}
        self.disturbed = 0
        self.repeated = 0

    def note(self, scenario, text):
        self.notes.setdefault(scenario, set()).add(text)


def measure(server, scenario, words, options, tally):
    """The run with the least disturbance out of a bounded number; most often the first."""
    best = None
    for attempt in range(options.attempts):
        result, complaint = run_once(server, words, options)
        if result is None:
            tally.note(scenario, f"{server.name}: {complaint}")
            continue
        if best is None or result["foreignShare"] < best["foreignShare"]:
            best = result
        if best["foreignShare"] <= FOREIGN_MAX:
            break
        tally.repeated += 1
        time.sleep(options.pause)
    if best is None:
        return None
    if best["foreignShare"] > FOREIGN_MAX:
        tally.disturbed += 1
        tally.note(scenario, f"{server.name}: others used {best['foreignShare']:.0%} of the machine in a round")
    if best["saturated"]:
        tally.note(scenario, f"{server.name}: the generator was at its limit")
    if best["lostInAll"] > 0:
        tally.note(scenario, f"{server.name}: lost {best['lostInAll'] / best['sentInAll']:.2%} in a round")
    if best["failures"] > 0:
        tally.note(scenario, f"{server.name}: {best['failures']} refusals in a round")
    return best


def run_round(options, scenarios, number, tally):
    # Memory that earlier scenarios left behind would hide what allocations need, so these have servers of their own.
    shared = [s for s in scenarios if s[0] != "idle"]
    if shared:
        servers = start(RELAYING + (("before",) if options.before else ()), options)
        try:
            for name, _, words, names in shared:
                # The order alternates, so that a drift favours nobody.
                names = with_before(names, options)
                order = names if number % 2 == 0 else tuple(reversed(names))
                for who in order:
                    result = measure(servers[who], name, words, options, tally)
                    keep(tally, name, who, number, result, "serverMicroseconds")
        finally:
            for server in servers.values():
                server.stop()
    for name, _, words, names in [s for s in scenarios if s[0] == "idle"]:
        for who in with_before(names, options):
            servers = start((who,), options)
            try:
                result, complaint = run_once(servers[who], words, options)
            finally:
                servers[who].stop()
            if result is None:
                tally.note(name, f"{who}: {complaint}")
            keep(tally, name, who, number, result, "bytesPerAllocation")
            keep(tally, "idle-cpu", who, number, result, "serverMicroseconds")


def with_before(names, options):
    return names + ("before",) if options.before else names


def keep(tally, scenario, who, number, result, field):
    if result is not None and result.get(field) is not None:
        tally.values.setdefault(scenario, {}).setdefault(who, {})[number] = result[field]


def ratios(values, who, base):
    common = sorted(set(values.get(who, {})) & set(values.get(base, {})))
    return [values[who][number] / values[base][number] for number in common]


def shown(list_of_ratios):
    if not list_of_ratios:
        return "–"
    return (f"{statistics.median(list_of_ratios):.2f} "
            f"({min(list_of_ratios):.2f}…{max(list_of_ratios):.2f}, {len(list_of_ratios)})")


def print_table(scenarios, tally):
    rows = [(s[0], s[1]) for s in scenarios]
    if any(name == "idle" for name, _ in rows):
        rows.append(("idle-cpu", "CPU to open one of them, µs"))
    pairs = [("tern", "coturn"), ("tern", "floor"), ("floor", "coturn")]
    titles = {"tern": "Tern", "before": "Tern before"}
    if any("before" in values for values in tally.values.values()):
        pairs.append(("tern", "before"))
    heads = ["scenario"] + [titles.get(who, who) for who in RELAYING]
    heads += [f"{titles.get(a, a)} : {titles.get(b, b)}" for a, b in pairs]
    print("| " + " | ".join(heads) + " |")
    print("| --- " * len(heads) + "|")
    for name, title in rows:
        values = tally.values.get(name, {})
        cells = []
        for who in RELAYING:
            mine = list(values.get(who, {}).values())
            cells.append(f"{statistics.median(mine):,.{0 if name == 'idle' else 2}f}" if mine else "–")
        cells += [shown(ratios(values, a, b)) for a, b in pairs]
        print(f"| {title} | " + " | ".join(cells) + " |")
    print("\nServer CPU in µs for each datagram delivered, request answered or cycle finished; memory in bytes.")
    print("Medians; ratios are medians of those within a round, with the least, the greatest and the number of rounds.")
    print(f"{tally.repeated} runs repeated because of others on the machine; {tally.disturbed} kept though disturbed.")
    for name, texts in tally.notes.items():
        for text in sorted(texts):
            print(f"note: {name}: {text}")


def parse():
    parser = argparse.ArgumentParser(prog="Benchmarks/compare", description=__doc__.splitlines()[0])
    parser.add_argument("--binaries", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1.5)
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
        sys.exit("compare: the server and the generator need a processor each")
    options.scratch = tempfile.mkdtemp(prefix="tern-compare-")
    tally = Tally()
    # Ended early, by a key or by a time limit, it still stops its servers and tells what it has seen.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        for number in range(options.rounds):
            print(f"round {number + 1} of {options.rounds}", file=sys.stderr)
            run_round(options, scenarios, number, tally)
    except KeyboardInterrupt:
        print("compare: ended early", file=sys.stderr)
    finally:
        shutil.rmtree(options.scratch, ignore_errors=True)
    print_table(scenarios, tally)
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump({"values": tally.values, "notes": {k: sorted(v) for k, v in tally.notes.items()}}, file)


if __name__ == "__main__":
    main()
