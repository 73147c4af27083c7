#!/usr/bin/env python3
"""Looks at what is shipped for containers: Dockerfile, compose.yaml and the example for Kubernetes.

Takes the path of the executable, which judges the configurations in them. Docker and Kubernetes are not run."""

import ipaddress
import pathlib
import re
import socket
import subprocess
import sys
import tempfile
import threading

import yaml

HERE = pathlib.Path(__file__).resolve().parent
complaints = []


def expect(holds, words):
    if not holds:
        complaints.append(words)


def check_configuration(tern, text, name, said=" 0 errors, 0 warnings"):
    with tempfile.NamedTemporaryFile("w", suffix=".conf") as file:
        file.write(text)
        file.flush()
        run = subprocess.run([tern, "check-config", file.name], capture_output=True, text=True)
        expect(run.returncode == 0 and said in run.stdout, f"{name}: {run.stdout}{run.stderr}")


def check_compose(tern):
    service = yaml.safe_load((HERE / "docker/compose.yaml").read_text())["services"]["tern"]
    expect(service["network_mode"] == "host", "compose.yaml: a relay needs the network of the host")
    expect(service["read_only"] is True and service["cap_drop"] == ["ALL"], "compose.yaml: more rights than needed")
    root = (HERE / "docker" / service["build"]["context"]).resolve()
    expect((root / service["build"]["dockerfile"]).is_file(), "compose.yaml: there is no such Dockerfile")
    text = (HERE / "debian/turnserver.conf").read_text()
    # The warning is that nobody relays yet, as it should be.
    check_configuration(tern, text, "debian/turnserver.conf", "nothing is relayed, only STUN is served")
    for relaying in ("user=", "static-auth-secret=", "no-auth", "signaling-port="):
        expect(not re.search(f"^{relaying}", text, re.M), f"debian/turnserver.conf: {relaying} relays as installed")


def check_dockerfile():
    text = (HERE / "docker/Dockerfile").read_text()
    lines = re.sub(r"\\\n", " ", text).splitlines()
    words = [line.split() for line in lines if line and not line.startswith("#")]
    known = "FROM RUN WORKDIR COPY USER EXPOSE STOPSIGNAL HEALTHCHECK ENTRYPOINT CMD".split()
    for line in words:
        expect(line[0] in known, f"Dockerfile: what is {line[0]}?")
    last = max(index for index, line in enumerate(words) if line[0] == "FROM")
    stage = {line[0]: line for line in words[last:]}
    expect("USER" in stage and stage["USER"][1].split(":")[0] not in ("0", "root"), "Dockerfile: runs as root")
    for source in re.findall(r"Packaging/\S+", text.replace("Packaging/docker/Dockerfile", "")):
        expect((HERE.parent / source).is_file(), f"Dockerfile: there is no {source}")
    # Every folder that the manifest names must be in what is sent to the builder.
    manifest = (HERE.parent / "Package.swift").read_text()
    sent = re.findall(r"^!(\S+)", (HERE / "docker/Dockerfile.dockerignore").read_text(), re.M)
    for folder in set(re.findall(r'path: "([^/"]+)', manifest)) | {"Sources", "Tests"}:
        expect(folder in sent, f"Dockerfile.dockerignore: leaves out {folder}, which Package.swift names")


def check_kubernetes(tern):
    documents = list(yaml.safe_load_all((HERE / "kubernetes/tern.yaml").read_text()))
    kinds = {document["kind"]: document for document in documents}
    expect(sorted(kinds) == ["DaemonSet", "Namespace", "Secret"], f"tern.yaml: {sorted(kinds)}")
    configuration = kinds["Secret"]["stringData"]["turnserver.conf"]
    check_configuration(tern, configuration, "tern.yaml")
    spec = kinds["DaemonSet"]["spec"]
    labels = spec["template"]["metadata"]["labels"]
    expect(spec["selector"]["matchLabels"].items() <= labels.items(), "tern.yaml: the selector selects nothing")
    pod = spec["template"]["spec"]
    container = pod["containers"][0]
    expect(pod["hostNetwork"] is True, "tern.yaml: a relay needs the network of the host")
    expect(pod["securityContext"]["runAsNonRoot"] is True, "tern.yaml: runs as root")
    ports = {port["name"]: port for port in container["ports"]}
    for port in ports.values():
        expect(port["hostPort"] == port["containerPort"], "tern.yaml: ports differ on the network of the host")
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        request = container[probe]["httpGet"]
        number = ports[request["port"]]["containerPort"]
        expect(f"signaling-port={number}" in configuration, f"tern.yaml: nobody listens for the {probe}")
    volumes = {volume["name"]: volume for volume in pod["volumes"]}
    for mount in container["volumeMounts"]:
        expect(mount["name"] in volumes, f"tern.yaml: there is no volume {mount['name']}")
    secret = volumes["configuration"]["secret"]
    expect(secret["secretName"] == kinds["Secret"]["metadata"]["name"], "tern.yaml: there is no such secret")
    expect(secret["defaultMode"] == 0o440, "tern.yaml: the secret is for others too")


def check_healthcheck():
    """The probe against something that answers, answers wrongly, and does not answer."""

    def probe(answer):
        server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        server.bind((str(ipaddress.ip_address("127.0.0.1")), 0))
        server.settimeout(10)
        requests = []

        def serve():
            request, client = server.recvfrom(2048)
            requests.append(request)
            if answer is not None:
                server.sendto(answer(request), client)

        thread = threading.Thread(target=serve)
        thread.start()
        environment = {"TERN_PROBE": "127.0.0.1:%d" % server.getsockname()[1], "PATH": "/usr/bin:/bin"}
        status = subprocess.run([HERE / "docker/healthcheck"], env=environment, capture_output=True).returncode
        thread.join()
        server.close()
        expect(requests == [b"\x00\x01\x00\x00\x21\x12\xa4\x42healthcheck1"], f"healthcheck: asks {requests}")
        return status

    success = b"\x01\x01\x00\x0c\x21\x12\xa4\x42healthcheck1\x00\x20\x00\x08\x00\x01\x2c\x30\x5e\x12\xa4\x43"
    expect(probe(lambda request: success) == 0, "healthcheck: does not understand a success")
    expect(probe(lambda request: b"\x01\x11" + request[2:]) != 0, "healthcheck: takes an error for a success")
    expect(probe(None) != 0, "healthcheck: takes silence for a success")


def main():
    tern = sys.argv[1]
    check_compose(tern)
    check_dockerfile()
    check_kubernetes(tern)
    check_healthcheck()
    for complaint in complaints:
        print(f"Packaging: {complaint}", file=sys.stderr)
    return 1 if complaints else 0


sys.exit(main())
