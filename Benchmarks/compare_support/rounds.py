"""One round after the other: generator against server, repeated when others disturbed."""
import json
import os
import subprocess
import time

from .machine import FOREIGN_MAX, GENERATOR_CPU
from .servers import DIRECT, Server, floor
from .tally import keep

WARMUP = 0.3
FAILURES_MAX = 2
# Somebody may have taken the port; a program that does not start three times over will not start at all.
STARTS_MAX = 2
ABSENCES_MAX = 3
# Opening ten thousand allocations takes long, and memory is what it is whoever else is at work.
ALONE_ATTEMPTS = 2


class Rounds:
    """The rounds of one measurement. `programs` are those that every scenario measures; floors come in addition."""

    def __init__(self, options, scenarios, programs, tally, progress):
        self.options = options
        self.scenarios = scenarios
        self.programs = programs
        self.tally = tally
        self.progress = progress
        self.position = ""
        #: In how many scenarios in a row a program could not be started.
        self.absences = {}

    def run(self, number):
        for scenario in self.scenarios:
            self.position = f"round {number + 1} of {self.options.rounds}, {scenario.name}"
            # The order alternates, so that a drift favours nobody.
            programs = participants(scenario, self.programs, self.options.binaries)
            order = programs if number % 2 == 0 else list(reversed(programs))
            results = self._alone(scenario, order) if scenario.is_alone else self._together(scenario, order)
            add_latency(results)
            for who, result in results.items():
                self._note(scenario, who, result)
                add_probe(result)
                # What happened within a run is of use to those who look at one run.
                kept = {name: value for name, value in result.items() if name != "series"}
                self.tally.runs.append({"scenario": scenario.name, "round": number + 1, **kept, "server": who})
                for row in scenario.rows:
                    keep(self.tally, row.name, who, number, result, row.field)

    def _together(self, scenario, programs):
        """Fresh servers, all up at the same time: what one scenario left behind is no other's burden."""
        servers = {}
        results = {}
        try:
            for program in programs:
                servers[program.name] = None if program.is_direct else self._start(program, scenario)
            for program in programs:
                server = servers[program.name]
                if server is not None or program.is_direct:
                    result = self._measure(server, scenario, self.options.attempts)
                    if result is not None:
                        results[program.name] = result
                self.progress.advance(planned_seconds(scenario, self.options))
        finally:
            for server in servers.values():
                if server is not None:
                    server.stop()
        return results

    def _alone(self, scenario, programs):
        """A server at a time, and a fresh one for each attempt."""
        results = {}
        for program in programs:
            for attempt in range(min(ALONE_ATTEMPTS, self.options.attempts)):
                self.tally.repeated += 1 if attempt > 0 else 0
                result = self._measure_alone(scenario, program)
                best = results.get(program.name)
                if result is not None and (best is None or result["foreignShare"] < best["foreignShare"]):
                    results[program.name] = result
                if result is None or result["foreignShare"] <= FOREIGN_MAX:
                    break
            self.progress.advance(planned_seconds(scenario, self.options))
        return results

    def _measure_alone(self, scenario, program):
        server = self._start(program, scenario)
        if server is None:
            return None
        try:
            result = self._measure(server, scenario, 1)
        finally:
            server.stop()
        if result is not None:
            # Only a stopped server has counted everything, and only a fresh one nothing else.
            add_losses(result, server)
        return result

    def _start(self, program, scenario):
        """A server that answers, or None."""
        if self.absences.get(program.name, 0) >= ABSENCES_MAX:
            return None
        for _ in range(STARTS_MAX):
            identity = self.options.identities.get(scenario.certificate)
            server = Server(program, self.options.scratch, scenario.transport, identity)
            try:
                if server.is_ready():
                    self.absences[program.name] = 0
                    return server
            except KeyboardInterrupt:
                server.stop()
                raise
            server.stop()
        self.absences[program.name] = self.absences.get(program.name, 0) + 1
        self.tally.note(scenario.name, f"{server.name} does not answer: {server.last_words()}")
        return None

    def _measure(self, server, scenario, attempts):
        """The run with the least disturbance out of a bounded number; most often the first."""
        best = None
        failures = 0
        who = server.name if server else DIRECT.name
        for attempt in range(attempts):
            self.progress.tell(f"{self.position}: {who}" + (f", run {attempt + 1}" if attempt > 0 else ""))
            result, complaint = run_generator(server, scenario, self.options)
            if result is None:
                self.tally.note(scenario.name, f"{who}: {complaint}")
                failures += 1
                if failures == FAILURES_MAX:
                    break
                continue
            if best is None or result["foreignShare"] < best["foreignShare"]:
                best = result
            if best["foreignShare"] <= FOREIGN_MAX or attempt + 1 == attempts:
                break
            self.tally.repeated += 1
            time.sleep(self.options.pause)
        return best

    def _note(self, scenario, who, result):
        share = result["foreignShare"]
        if share > FOREIGN_MAX:
            self.tally.disturbed += 1
        if result["saturated"]:
            self.tally.note(scenario.name, f"{who}: the generator was at its limit")
        # Rows tell of losses where losing is the point.
        if result["lostInAll"] > 0 and not result.get("flood"):
            self.tally.note(scenario.name, f"{who}: lost {result['lostInAll'] / result['sentInAll']:.2%} in a round")
        if result.get("flood") and result["lostInAll"] == 0:
            self.tally.note(scenario.name, f"{who}: nothing was lost in a round, so that it was no flood")
        if result.get("endedConnections"):
            self.tally.note(scenario.name, f"{who}: ended {result['endedConnections']} connections in a round")
        if result["failures"] > 0:
            self.tally.note(scenario.name, f"{who}: {result['failures']} refusals in a round")


def participants(scenario, programs, binaries):
    floors = [floor(binaries, engine, scenario.floor_words) for engine in scenario.floors]
    return [*programs, *floors, *([DIRECT] if scenario.has_direct else [])]


def planned_seconds(scenario, options):
    return WARMUP + (scenario.seconds or options.seconds) + scenario.overhead


def planned_for_all(scenarios, programs, options):
    round_seconds = sum(
        planned_seconds(scenario, options) * len(participants(scenario, programs, options.binaries)) + 0.5
        for scenario in scenarios)
    return round_seconds * options.rounds


def run_generator(server, scenario, options):
    """The generator's result, or None and what it complained of."""
    command = ["taskset", "-c", GENERATOR_CPU, os.path.join(options.binaries, "tern-bench"), *scenario.words.split()]
    command += ["--user", "u", "--password", "p", "--json", "--warmup", str(WARMUP)]
    command += ["--transport", scenario.transport]
    if scenario.transport == "tls" and options.tls12:
        command.append("--tls12")
    command += ["--seconds", str(scenario.seconds or options.seconds)]
    if server is None:
        command.append("--direct")
    else:
        command += ["--server", f"127.0.0.1:{server.port}", "--pid", str(server.process.pid)]
        if server.program.is_floor:
            command.append("--floor")
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    except subprocess.TimeoutExpired:
        return None, "the generator did not come to an end"
    if done.returncode != 0:
        return None, (done.stderr.strip().splitlines() or [f"the generator ended with {done.returncode}"])[0]
    try:
        return json.loads(done.stdout.strip().splitlines()[-1]), ""
    except (ValueError, IndexError):
        return None, "the generator reported nothing"


def add_latency(results):
    """What a server adds to the latency of a datagram that goes from the generator to itself."""
    direct = results.get(DIRECT.name, {}).get("latency")
    if not direct:
        return
    for who, result in results.items():
        own = result.get("latency")
        if own and who != DIRECT.name:
            names = [name for name in ("p50", "p90", "p99", "p999") if name in own and name in direct]
            result["latencyAdded"] = {name: own[name] - direct[name] for name in names}


def add_losses(result, server):
    """How much of what reached the server was lost, and how much of that a stopped server did not count."""
    if not result.get("sentInAll"):
        return
    sent = result["sentInAll"] - result.get("refusedBySystem", 0)
    # What the generator's own sockets had no room for has been relayed.
    lost = max(0, result["lostInAll"] - result.get("refusedBySystem", 0) - result.get("generatorDrops", 0))
    result["lostShare"] = lost / sent if sent > 0 else 0.0
    counted = server.counted_drops()
    if counted is not None:
        result["countedDrops"] = counted
        result["uncountedShare"] = max(0, lost - counted) / sent if sent > 0 else 0.0


def add_probe(result):
    """How late answers to the requests next to the load were."""
    probe = result.get("probe")
    if not probe or not probe.get("latency"):
        return
    # An answer that never came took longer than the run.
    result["slowestRequest"] = 1e6 * result["seconds"] if probe["unanswered"] > 0 else probe["latency"]["max"]
    # Where the flood goes into the same socket, requests are lost with it. Those are asked again after half a second
    # (RFC 8489 §6.2.1), which says nothing about the server.
    late = probe["answered"] + probe["unanswered"] - probe["within50ms"] - probe["retransmissions"]
    result["lateRequestShare"] = max(0, late) / probe["sent"] if probe["sent"] > 0 else 0.0
