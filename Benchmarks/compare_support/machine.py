"""Processors, ports, and what is told about the machine."""
import os
import platform
import random
import re
import resource
import socket
import subprocess

SERVER_CPU, GENERATOR_CPU = "0", "1"
# A run during which others used more than this part of the machine is repeated.
FOREIGN_MAX = 0.08


def free_port():
    """A port for a server, free over UDP and TCP: coturn wants both, and tries for ever."""
    # Above those of well-known services, below relays (servers.py) and what Linux gives out by itself: a port of that
    # range that is free now may be the other end of somebody's connection in a moment.
    for port in random.sample(range(4000, 10000), 1000):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp, socket.socket() as tcp:
            try:
                udp.bind(("127.0.0.1", port))
                tcp.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise OSError("no port between 4000 and 10000 is free")


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
