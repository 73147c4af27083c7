"""Paired rounds of the load generator against several servers; started by Benchmarks/compare.

Every round measures each scenario on all servers, one after the other, and what is reported is the median over rounds
of the ratio within a round: the machine's mood drifts by a quarter in an hour, the ratio by a few percent.
"""
import argparse
import os
import shutil
import signal
import sys
import tempfile

from compare_support import identities, machine, servers
from compare_support.progress import Progress
from compare_support.report import Report
from compare_support.rounds import Rounds, planned_for_all
from compare_support.scenarios import SCENARIOS, select
from compare_support.tally import Tally

EXAMPLES = """
A peer is any TURN server that can be started in the foreground. In its command {port} becomes the port of UDP on
127.0.0.1 where it is expected, and {log} a file that it may write. It has to know the user u with the password p in
the realm r, and has to relay to 127.0.0.1. For example another build of coturn, and a Go program:

  Benchmarks/compare \\
    --peer 'newest=/opt/coturn/bin/turnserver -n -a -u u:p -r r --no-tls --no-dtls -m 1 --allow-loopback-peers \\
            -L 127.0.0.1 -E 127.0.0.1 -p {port} --log-file={log} --no-stdout-log' \\
    --peer 'pion=./turn-server-simple -public-ip 127.0.0.1 -users u=p -realm r -port {port}'

It is pinned to the same processor, and measured in the same rounds. Its CPU is that of the process which the command
starts: no shell, no container and no daemon between. What it cannot do shows as "–", with a note below the table.

Scenarios over TLS and DTLS have a certificate that was made for them. Words with {certificate}, {key} or {secureport}
are used for those only, as '--cert={certificate}'. Clients try {port}, whatever they speak.

Scenarios: """


def parse():
    parser = argparse.ArgumentParser(
        prog="Benchmarks/compare", description=__doc__.splitlines()[0],
        epilog=EXAMPLES + ", ".join(s.name for s in SCENARIOS), formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binaries", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--rounds", type=int, help="default 5")
    parser.add_argument("--seconds", type=float, help="measured in each run, default 1.2")
    parser.add_argument("--quick", action="store_true", help="one short round, to see that everything works")
    parser.add_argument("--attempts", type=int, help="runs at most, until others leave the machine alone; default 6")
    parser.add_argument("--pause", type=float, default=1.0, help="seconds before a disturbed run is repeated")
    parser.add_argument("--only", metavar="NAME,…", help="scenarios by name, or by how the name begins: up,burst")
    parser.add_argument("--peer", metavar="NAME=COMMAND", action="append", default=[], help="another server; see below")
    parser.add_argument("--before", metavar="PATH", help="another build of tern, to be measured as well")
    parser.add_argument("--tern-options", metavar="WORDS", default="", help="more options for tern serve")
    parser.add_argument("--tls12", action="store_true", help="clients offer no TLS 1.3, which coturn may lack")
    parser.add_argument("--json", metavar="FILE", help="write all values to this file")
    parser.add_argument("--gate", action="store_true", help="exit 1 when a bar is missed or was not measured")
    options = parser.parse_args()
    for name, usual, quick in (("rounds", 5, 1), ("seconds", 1.2, 0.4), ("attempts", 6, 1)):
        if getattr(options, name) is None:
            setattr(options, name, quick if options.quick else usual)
    if options.rounds < 1 or options.seconds <= 0 or options.attempts < 1:
        parser.error("there has to be something to measure")
    try:
        options.scenarios = select(options.only)
        options.others = [servers.peer(text) for text in options.peer]
    except ValueError as error:
        parser.error(str(error))
    if options.before:
        options.others.insert(0, servers.tern(os.path.abspath(options.before), options.tern_options, name="before"))
    names = [program.name for program in options.others]
    reserved = {"tern", "coturn", "direct", *servers.FLOOR_ENGINES}
    if len(set(names)) < len(names) or reserved & set(names):
        parser.error("servers need names of their own")
    return options


def main():
    options = parse()
    if not machine.has_two_processors():
        sys.exit("compare: the server and the generator need a processor each")
    machine.allow_open_files()
    own = servers.tern(os.path.join(options.binaries, "tern"), options.tern_options)
    programs = [servers.coturn(), own, *options.others]
    tally = Tally()
    progress = Progress(planned_for_all(options.scenarios, programs, options))
    options.scratch = tempfile.mkdtemp(prefix="tern-compare-")
    kinds = {scenario.certificate for scenario in options.scenarios} - {None}
    options.identities = identities.make(options.scratch, kinds)
    rounds = Rounds(options, options.scenarios, programs, tally, progress)
    # Ended early, by a key or by a time limit, it still stops its servers and tells what it has seen.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        for number in range(options.rounds):
            rounds.run(number)
    except KeyboardInterrupt:
        print("\ncompare: ended early", file=sys.stderr)
    finally:
        progress.end()
        shutil.rmtree(options.scratch, ignore_errors=True)
    others = [program.name for program in options.others]
    report = Report(options.scenarios, tally, others, machine.facts(), options.rounds)
    print(report.markdown())
    if options.json:
        report.write_json(options.json)
    if options.gate and any(verdict.is_failure for _, _, verdict in report.verdicts()):
        sys.exit(1)


if __name__ == "__main__":
    main()
