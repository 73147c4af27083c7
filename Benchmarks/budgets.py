"""Counts what the operations of tern-budgets cost, and compares it with Benchmarks/Budgets/budgets.json.

Called by Benchmarks/budgets, which builds first. Instructions are counted by valgrind, so that the figures are the same
in each run, on a busy machine too.
"""

import argparse
import json
import os
import platform
import re
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
DATA = HERE / "Budgets" / "budgets.json"
MARK = "tern_budgets_mark"
# Above and below the recorded number. Compilers and libraries are the same, so that what is left is a change of ours.
SLACK = 0.02
ALLOCATORS = {"malloc", "calloc", "realloc", "aligned_alloc", "posix_memalign", "memalign"}


def compiler():
    """The version of Swift, as in `6.3.1`."""
    text = subprocess.run(["swift", "--version"], capture_output=True, text=True, check=True).stdout
    found = re.search(r"Swift version (\S+)", text)
    if not found:
        sys.exit("budgets: swift --version says no version")
    return found.group(1)


def environment():
    """The same code paths on each machine: libcrypto and libc choose theirs by what the processor has."""
    settings = dict(os.environ)
    settings["SWIFT_DETERMINISTIC_HASHING"] = "1"
    settings["OPENSSL_ia32cap"] = "0x0000000002000000:0x0"
    settings["GLIBC_TUNABLES"] = "glibc.cpu.hwcaps=-AVX512F,-AVX2_Usable,-AVX2,-AVX_Fast_Unaligned_Load,-ERMS,-FSRM"
    return settings


def run(program, operations):
    """Runs the program under callgrind; the names it printed and the dumps that belong to them."""
    with tempfile.TemporaryDirectory() as directory:
        out = Path(directory) / "callgrind"
        command = ["valgrind", "--tool=callgrind", "--quiet", f"--callgrind-out-file={out}", f"--dump-before={MARK}",
                   "--compress-strings=no", "--compress-pos=no", str(program), *operations]
        done = subprocess.run(command, capture_output=True, text=True, env=environment(), check=False)
        if done.returncode != 0:
            sys.exit(f"budgets: {program} failed under valgrind\n{done.stderr}")
        names = [line.split() for line in done.stdout.splitlines()]
        # Dump 1 ends with the first warming up, 2 with the first measurement, and so on.
        return {name: per_operation(Path(f"{out}.{2 * index + 2}"), int(count))
                for index, (name, count) in enumerate(names)}


def per_operation(dump, count):
    """Instructions and calls of allocators for one operation, of the dump of `count`."""
    instructions = 0
    allocations = 0
    callee = None
    with dump.open() as lines:
        for line in lines:
            if line.startswith("totals:"):
                instructions = int(line.split()[1])
            elif line.startswith("cfn="):
                callee = line[4:].strip()
            elif line.startswith("calls=") and callee in ALLOCATORS:
                allocations += int(line[6:].split()[0])
    return {"instructions": round(instructions / count), "allocations": round(allocations / count, 2)}


def complaints_about(name, recorded, measured):
    """Why the operation does not keep its budgets; nothing when it does."""
    for what in ("instructions", "allocations"):
        budget, cost = recorded[what], measured[what]
        if cost > budget * (1 + SLACK):
            yield f"{name}: {cost} {what}, and the budget is {budget}"
        if cost < budget * (1 - SLACK):
            yield f"{name}: {cost} {what} instead of {budget}: lower the number, Benchmarks/budgets --record"


def check(data, key, measured):
    """Compares, and answers with the status of the process."""
    recorded = data.get(key)
    if recorded is None:
        print(f"budgets: WARNING: nothing is recorded for {key}, so nothing was compared.", file=sys.stderr)
        print("budgets: record it with Benchmarks/budgets --record.", file=sys.stderr)
        return 0
    complaints = []
    for name, cost in measured.items():
        if name not in recorded:
            complaints.append(f"{name}: has no budget; record one with Benchmarks/budgets --record")
        else:
            complaints += complaints_about(name, recorded[name], cost)
    for name in recorded:
        if name not in measured:
            complaints.append(f"{name}: has a budget and is no operation")
    for line in complaints:
        print(f"budgets: {line}", file=sys.stderr)
    if not complaints:
        print(f"budgets: {len(measured)} operations cost what is recorded for {key}")
    return 1 if complaints else 0


def main():
    parser = argparse.ArgumentParser(prog="Benchmarks/budgets", description=__doc__.splitlines()[0])
    parser.add_argument("--record", action="store_true", help="write what is measured into budgets.json")
    parser.add_argument("--show", action="store_true", help="print what is measured, and compare nothing")
    parser.add_argument("--program", type=Path, default=HERE.parent / ".build" / "release" / "tern-budgets",
                        help="another build of tern-budgets")
    parser.add_argument("operations", nargs="*", help="only these; to look, not to compare")
    options = parser.parse_args()

    measured = run(options.program, options.operations)
    if options.show or options.operations:
        for name, cost in measured.items():
            print(f"{name:20} {cost['instructions']:>8} instructions {cost['allocations']:>7} allocations")
        return 0
    key = f"swift-{compiler()} {platform.machine()}"
    data = json.loads(DATA.read_text())
    if options.record:
        data[key] = measured
        DATA.write_text(json.dumps(data, indent=4) + "\n")
        return 0
    return check(data, key, measured)


if __name__ == "__main__":
    sys.exit(main())
