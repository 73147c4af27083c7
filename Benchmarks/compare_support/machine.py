"""Processors, ports, and what is told about the machine."""
import os
import platform
import re
import resource
import socket
import subprocess

SERVER_CPU, GENERATOR_CPU = "0", "1"
# A run during which others used more than this part of the machine is repeated.
FOREIGN_MAX = 0.08


def free_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def has_two_processors():
    return len(os.sched_getaffinity(0) & {int(SERVER_CPU), int(GENERATOR_CPU)}) == 2


def allow_open_files():
    """A thousand allocations are more files than many shells allow; children inherit the limit."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    return most


def facts():
    """What figures depend on, for those who read them later."""
    return {
        "processor": _processor(), "processors": os.cpu_count(), "kernel": platform.release(),
        "system": _first(r'PRETTY_NAME="(.*)"', _read("/etc/os-release")), "coturn": _coturn_version(),
    }


def _processor():
    return _first(r"model name\s*: (.*)", _read("/proc/cpuinfo")) or platform.machine()


def _coturn_version():
    try:
        done = subprocess.run(["turnserver", "--version"], capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return _first(r"^(\d+\.\S+)$", done.stdout + done.stderr)


def _read(path):
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except OSError:
        return ""


def _first(pattern, text):
    found = re.search(pattern, text, re.MULTILINE)
    return found.group(1).strip() if found else None
