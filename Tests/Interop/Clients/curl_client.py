"""curl asks for everything that the server has over HTTP, and for much that it must not give.

Usage: curl_client.py TURNSERVER.CONF [CASE…] (with the interpreter of .build/venv)
"""

import asyncio
import os
import re
import time

from signaling import Member, case, curl, equal, run

LISTED, STRANGER = "https://app.example.org", "https://elsewhere.example"
CLOUDFLARE = "/v1/turn/keys/app/credentials"


def ask(server, method, path, *arguments, **more):
    """curl with a method; HEAD must not wait for a body."""
    return curl(server, path, *(("--head",) if method == "HEAD" else ("--request", method)), *arguments, **more)


# What each route says to somebody with no secret, an API key, the operator's key; by its method.
ROUTES = [
    ("GET", "/healthz", (200, 200, 200)),
    ("GET", "/readyz", (200, 200, 200)),
    ("GET", "/v1/status", (200, 200, 200)),
    ("GET", "/v1/signal", (426, 426, 426)),
    ("GET", "/v1/rooms", (401, 403, 200)),
    ("GET", "/v1/rooms/nobody", (401, 403, 404)),
    ("DELETE", "/v1/rooms/nobody", (401, 403, 404)),
    ("GET", "/v1/sessions/nobody", (401, 403, 404)),
    ("DELETE", "/v1/sessions/nobody", (401, 403, 404)),
    ("POST", "/v1/tokens", (401, 201, 403)),
    ("POST", "/v1/rooms/den/credentials", (401, 201, 401)),
    ("POST", f"{CLOUDFLARE}/generate-ice-servers", (401, 201, 401)),
    ("POST", f"{CLOUDFLARE}/generate", (401, 201, 401)),
    ("POST", f"{CLOUDFLARE}/1:somebody/revoke", (401, 204, 401)),
    ("GET", "/turn", (400, 200, 403)),
    ("POST", "/turn", (400, 200, 403)),
    ("GET", "/turn/credentials", (400, 200, 403)),
    ("GET", "/v1", (404, 404, 404)),
    ("GET", "/v1/", (404, 404, 404)),
    ("GET", "/v1/nothing", (404, 404, 404)),
    ("GET", "/v2/rooms", (404, 404, 404)),
    ("GET", "/v1/rooms/a%20b", (404, 404, 404)),
    ("POST", f"/v1/rooms/{'a' * 129}/credentials", (404, 404, 404)),
    ("POST", "/v1/turn/keys/app/credentials", (404, 404, 404)),
    ("POST", "/v1/turn/keys/other/credentials/generate", (401, 401, 401)),
    ("POST", "/healthz", (405, 405, 405)),
    ("DELETE", "/v1/tokens", (405, 405, 405)),
    ("PUT", "/v1/rooms/den", (405, 405, 405)),
    ("GET", "/v1/tokens", (405, 405, 405)),
    ("GET", f"{CLOUDFLARE}/generate", (405, 405, 405)),
    ("BREW", "/", (501, 501, 501)),
    ("TRACE", "/", (501, 501, 501)),
]
BODIES = {"/v1/tokens": {"room": "den"}, "/v1/rooms/den/credentials": {"identity": "ada"}}


@case
def routes_and_secrets(server):
    for method, path, statuses in ROUTES:
        for bearer, status in zip((None, server.key, server.admin_key), statuses):
            response = ask(server, method, path, bearer=bearer, body=BODIES.get(path))
            what = f"{method} {path} with {'no' if bearer is None else 'the right' if status < 300 else 'a'} secret"
            equal(response.status, status, what)
            if status in (401, 403, 404, 405) and path.startswith("/v1"):
                problem = response.json()["error"]
                assert set(problem) == {"code", "message"} and problem["message"], what
                equal(response.header("content-type"), "application/json", what)
            if status == 401:
                equal(response.header("www-authenticate"), "Bearer", what)
            if status == 405:
                assert "OPTIONS" in response.header("allow") and method not in response.header("allow"), what
            assert response.header("date"), what
            assert "server" not in response.headers, "the version is nobody's business"


@case
def head_and_options(server):
    for path in ("/healthz", "/v1/status", "/", "/large.bin", "/nothing"):
        get, head = curl(server, path), ask(server, "HEAD", path)
        equal((head.status, head.body), (get.status, b""), f"HEAD {path}")
        for name in ("content-length", "content-type", "etag", "cache-control"):
            equal(head.headers.get(name), get.headers.get(name), f"HEAD {path}: {name}")
        equal(int(get.header("content-length")), len(get.body), f"GET {path}")
    for path, allow in {
        "/healthz": "GET, HEAD, OPTIONS", "/v1/tokens": "POST, OPTIONS", "/turn": "GET, POST, HEAD, OPTIONS",
        "/v1/rooms/den": "GET, DELETE, HEAD, OPTIONS", "/": "GET, HEAD, OPTIONS",
    }.items():
        response = ask(server, "OPTIONS", path)
        equal((response.status, response.body), (204, b""), f"OPTIONS {path}")
        equal(sorted(response.header("allow").split(", ")), sorted(allow.split(", ")), f"OPTIONS {path}")
        assert "content-length" not in response.headers, "204 has no length"


def preflight(server, path, origin, method="POST"):
    return ask(server, "OPTIONS", path, "--header", f"Origin: {origin}", "--header",
               f"Access-Control-Request-Method: {method}", "--header",
               "Access-Control-Request-Headers: authorization,content-type")


@case
def pages_of_listed_sites_may_call(server):
    for path, method in (("/v1/rooms/den/credentials", "POST"), ("/v1/rooms/den/ice", "GET"), ("/turn", "GET")):
        response = preflight(server, path, LISTED, method)
        equal(response.status, 204, path)
        equal(response.header("access-control-allow-origin"), LISTED, path)
        assert method in response.header("access-control-allow-methods"), path
        equal(response.header("access-control-allow-headers"), "authorization, content-type", path)
        equal(response.header("access-control-allow-credentials"), None, "no route wants cookies from elsewhere")
        equal(response.header("vary"), "origin", path)
        # A preflight is answered without a secret, and gives nothing away.
        equal(response.body, b"", path)
        response = ask(server, method, path, "--header", f"Origin: {LISTED}", bearer=server.token())
        equal(response.header("access-control-allow-origin"), LISTED, path)
        equal(response.header("vary"), "origin", path)
    response = curl(server, "/v1/rooms/den/ice", "--header", f"Origin: {LISTED}", bearer=server.token())
    equal(response.header("access-control-expose-headers"), "link", "WHIP clients read Link")
    # A refusal has to be readable too.
    response = curl(server, "/v1/rooms/den/ice", "--header", f"Origin: {LISTED}")
    equal((response.status, response.header("access-control-allow-origin")), (401, LISTED), "refusal")


@case
def pages_of_other_sites_may_not(server):
    for path in ("/v1/rooms/den/credentials", "/v1/rooms/den/ice", "/turn", "/v1/tokens", "/v1/signal", "/v1/rooms"):
        response = preflight(server, path, STRANGER)
        equal((response.status, response.error), (403, "foreign_origin"), path)
        equal(response.header("access-control-allow-origin"), None, path)
    # What an API key opens is not for pages at all.
    for path in ("/v1/tokens", "/v1/rooms", f"{CLOUDFLARE}/generate-ice-servers"):
        response = preflight(server, path, LISTED)
        equal((response.status, response.header("access-control-allow-origin")), (403, None), path)
    response = curl(server, "/v1/status", "--header", f"Origin: {STRANGER}")
    equal((response.status, response.header("access-control-allow-origin")), (403, None), "status")
    # The server's own pages need none of it.
    response = curl(server, "/v1/rooms/den/ice", "--header", f"Origin: {server.origin}", bearer=server.token())
    equal((response.status, response.header("access-control-allow-origin")), (200, None), "own origin")


@case
def etags(server):
    for path in ("/", "/large.bin", "/tern.js"):
        first = curl(server, path)
        tag = first.header("etag")
        assert re.fullmatch(r'"[^"]+"', tag), tag
        for known in (tag, f"W/{tag}", f'"x", {tag}', "*"):
            response = curl(server, path, "--header", f"If-None-Match: {known}")
            equal((response.status, response.body, response.header("etag")), (304, b"", tag), f"{path}: {known}")
        for other in ('"x"', tag.strip('"'), ""):
            response = curl(server, path, "--header", f"If-None-Match: {other}")
            equal((response.status, response.body), (200, first.body), f"{path}: {other}")
        equal(first.header("cache-control"), "no-cache", path)
    # A page that changes has another tag at once.
    before = curl(server, "/about.html")
    with open(server.file("site/about.html"), "w", encoding="ascii") as file:
        file.write("<!doctype html><title>changed</title>")
    after = curl(server, "/about.html", "--header", f"If-None-Match: {before.header('etag')}")
    equal((after.status, b"changed" in after.body), (200, True), "a page that has changed")


@case
def pages(server):
    for path, content_type, text in (
        ("/", "text/html; charset=utf-8", b"start"), ("/index.html", "text/html; charset=utf-8", b"start"),
        ("/sub/", "text/html; charset=utf-8", b"below"), ("/about?x=1", "text/html; charset=utf-8", b"doctype"),
        ("/a%20b.txt", "text/plain; charset=utf-8", b"with a space"),
        ("/%C3%A9.txt", "text/plain; charset=utf-8", b"with an accent"),
        ("/app.mjs", "text/javascript; charset=utf-8", b"0"), ("/data.unknown", "application/octet-stream", b"?"),
        ("/large.bin", "application/octet-stream", bytes(range(256)) * 4096),
        # Our client is there whatever the directory holds.
        ("/tern.js", "text/javascript; charset=utf-8", b"./tern/client.js"),
        ("/tern/client.js", "text/javascript; charset=utf-8", b"export"),
    ):
        response = curl(server, path)
        equal((response.status, response.header("content-type")), (200, content_type), path)
        assert text in response.body, path
        equal(response.header("x-content-type-options"), "nosniff", path)
        equal(int(response.header("content-length")), len(response.body), path)


@case
def nothing_outside_of_the_site(server):
    for path in (
        "/../secret.txt", "/..%2fsecret.txt", "/%2e%2e/secret.txt", "/%2e%2e%2fsecret.txt", "/.%2e/secret.txt",
        "/sub/../../secret.txt", "/sub/..%2f..%2fsecret.txt", "/..\\secret.txt", "/..%5csecret.txt", "//secret.txt",
        "/%252e%252e/secret.txt", "/./secret.txt", "/..;/secret.txt", "/.../secret.txt", "/site/../../secret.txt",
        "/%c0%ae%c0%ae/secret.txt", "/%uff0e%uff0e/secret.txt", "/..%00/secret.txt", "/secret.txt%00.html",
        "/out.txt", "/passwd.txt", "/up/secret.txt", "/up/site/index.html", "/.hidden", "/.git/config",
        "/sub/.htpasswd", "/%2ehidden", "/.", "/..", "/sub/..", "/pipe.txt", "/sub", "/index.html/", "/index.html/x",
        "/etc/passwd", "//etc/passwd", "/file:///etc/passwd", "/" + "../" * 60 + "etc/passwd",
        server.file("secret.txt"),
    ):
        response = curl(server, path, "--path-as-is")
        assert response.status in (400, 404), f"{path}: {response.status}"
        assert b"SECRET" not in response.body and b"root:" not in response.body, path
        assert server.directory.encode() not in response.raw, f"{path}: the answer tells where the site is"
    # In absolute form, as proxies ask.
    response = curl(server, "/", "--request-target", f"{server.origin}/../secret.txt")
    assert response.status in (400, 404) and b"SECRET" not in response.body, "absolute form"
    os.unlink(server.file("site/index.html"))
    os.symlink("../secret.txt", server.file("site/index.html"))
    response = curl(server, "/")
    assert response.status == 404 and b"SECRET" not in response.body, "a page that became a link"
    os.unlink(server.file("site/index.html"))
    with open(server.file("site/index.html"), "w", encoding="ascii") as file:
        file.write("<title>start</title>")


@case
def shapes_of_cloudflare(server):
    body = curl(server, f"{CLOUDFLARE}/generate-ice-servers", bearer=server.key, body={"ttl": 86400})
    equal((body.status, body.header("cache-control")), (201, "no-store"), "generate-ice-servers")
    stun, turn = body.json()["iceServers"]
    equal(stun, {"urls": [f"stun:{server.host}:{server.turn_port}"]}, "STUN")
    equal(turn["urls"], [f"turn:{server.host}:{server.turn_port}?transport=udp"], "TURN")
    assert turn["username"] and turn["credential"], turn
    assert abs(int(turn["username"].split(":")[0]) - time.time() - 86400) < 5, turn["username"]
    single = curl(server, f"{CLOUDFLARE}/generate", bearer=server.key, body={"ttl": 60}).json()["iceServers"]
    equal(set(single), {"urls", "username", "credential"}, "generate")
    for ttl, seconds in ((1, 60), (10**9, 86400)):
        body = curl(server, f"{CLOUDFLARE}/generate", bearer=server.key, body={"ttl": ttl})
        name = body.json()["iceServers"]["username"]
        assert abs(int(name.split(":")[0]) - time.time() - seconds) < 5, f"a ttl of {ttl} is {seconds}"
    for bad in ("{", "[]", "7", '{"ttl":"1"}', '{"ttl":-1}', '{"ttl":1.5}', '{"ttl":1e400}'):
        equal(curl(server, f"{CLOUDFLARE}/generate", bearer=server.key, body=bad).status, 400, bad)


@case
def room_credentials(server):
    token = server.token(sub="ada")
    first = curl(server, "/v1/rooms/den/credentials", "--request", "POST", bearer=token)
    equal((first.status, first.header("cache-control")), (201, "no-store"), "credentials")
    body = first.json()
    equal(set(body), {"iceServers", "ttl", "expires_at", "username"}, "members")
    equal((body["ttl"], body["username"]), (600, body["iceServers"][1]["username"]), "body")
    again = curl(server, "/v1/rooms/den/credentials", bearer=server.token(sub="ada"), body={"ttl": 120}).json()
    equal(again["username"].split(":")[1], body["username"].split(":")[1], "one identity has one quota")
    equal(again["ttl"], 120, "ttl")
    other = curl(server, "/v1/rooms/den/credentials", bearer=server.token(sub="bob"), body={}).json()
    assert other["username"].split(":")[1] != body["username"].split(":")[1], "two identities"
    assert "ada" not in body["username"] and "den" not in body["username"], "names travel in clear over UDP"
    for bad in ("{", "[]", '{"ttl":0}', '{"identity":""}', '{"identity":7}', '{"time":60}', '{"ttl":1,"ttl":2}'):
        response = curl(server, "/v1/rooms/den/credentials", bearer=server.key, body=bad)
        equal((response.status, response.error), (400, "bad_request"), bad)
    equal(curl(server, "/v1/rooms/den/credentials", bearer=server.key, body={}).error, "bad_request", "whose?")
    for bad in ("{", '{"room":7}', '{"room":"a b"}', "{}", '{"room":"a","grant":{}}', '{"room":"a","ttl":0}',
                '{"room":"a","grants":{"fly":true}}', '{"room":"a","grants":[]}', '{"room":"a","cap":0}'):
        response = curl(server, "/v1/tokens", bearer=server.key, body=bad)
        equal((response.status, response.error), (400, "bad_request"), bad)
    large = curl(server, "/v1/tokens", bearer=server.key, body="x" * 70_000)
    equal(large.status, 413, "a body of more than 64 KiB")


@case
def link_headers(server):
    for method in ("GET", "OPTIONS"):
        response = ask(server, method, "/v1/rooms/den/ice", bearer=server.token())
        equal(response.status, 200, method)
        stun, turn = response.headers["link"]
        equal(stun, f'<stun:{server.host}:{server.turn_port}>; rel="ice-server"', "STUN")
        credential = response.json()["iceServers"][1]
        equal(turn, f'<turn:{server.host}:{server.turn_port}?transport=udp>; rel="ice-server"; '
                    f'username="{credential["username"]}"; credential="{credential["credential"]}"; '
                    'credential-type="password"', "TURN (RFC 9725 §4.6)")
        equal(response.header("cache-control"), "no-store", method)


@case
def turn_rest(server):
    query = f"key={server.key}"
    for path, arguments in (
        (f"/turn?{query}", ()), (f"/turn?service=turn&api={server.key}&username=ada", ()),
        (f"/turn/credentials?{query}&ttl=120", ()), ("/turn", ("--data", f"service=turn&{query}&username=ada")),
        (f"/turn?service=turn&{query}", ("--request", "POST")),
    ):
        response = curl(server, path, *arguments)
        equal((response.status, response.header("cache-control")), (200, "no-store"), path)
        body = response.json()
        equal(set(body), {"username", "password", "ttl", "uris"}, path)
        equal(body["ttl"], 120 if "ttl=" in path else 600, path)
        equal(body["uris"], [f"turn:{server.host}:{server.turn_port}?transport=udp"], path)
        if "username=ada" in path + "".join(arguments):
            equal(body["username"].split(":", 1)[1], "ada", path)
    for path, status in (
        ("/turn", 400), ("/turn?key=wrong", 403), (f"/turn?{query}&service=stun", 400),
        (f"/turn?key={server.admin_key}", 403),
        (f"/turn?{query}&username=a%20b", 400), (f"/turn?{query}&username=tern.1.x", 400),
        (f"/turn?{query}&username={'x' * 1000}", 400), ("/turn?key=", 403), (f"/turn?KEY={server.key}", 400),
    ):
        response = curl(server, path)
        equal(response.status, status, path)
        assert "username" not in response.json(), path


@case
async def operators_look_at_rooms(server):
    member = await Member.joined(server, name="Ada", hello={"token": server.token(sub="ada")})
    rooms = curl(server, "/v1/rooms", bearer=server.admin_key).json()
    equal(rooms, {"count": 1, "rooms": [{"room": "den", "participants": 1, "capacity": 64}]}, "rooms")
    room = curl(server, "/v1/rooms/den", bearer=server.admin_key).json()
    session = member.welcome["session"]
    equal(room["participants"], [{"id": member.id, "name": "Ada", "identity": "ada", "session": session,
                                  "address": server.host, "connected": True}], "room")
    body = curl(server, f"/v1/sessions/{session}", bearer=server.admin_key).json()
    equal((body["session"], body["identity"], body["rooms"]), (session, "ada", ["den"]), "session")
    assert member.welcome["resume"] not in str(body), "the secret is the client's"
    # A token of a room, even one that may kick, opens none of this.
    kicker = server.token(grants={"join": True, "kick": True})
    for path in ("/v1/rooms", "/v1/rooms/den", f"/v1/sessions/{session}"):
        equal(curl(server, path, bearer=kicker).status, 401, path)
    equal(ask(server, "DELETE", "/v1/rooms/den", bearer=server.admin_key).status, 204, "DELETE")
    equal((await member.next("left"))["reason"], "closed", "those in the room are told")
    await asyncio.sleep(0)
    equal(curl(server, "/v1/rooms", bearer=server.admin_key).json()["count"], 0, "rooms")


@case
def connections_go_on(server):
    # Two requests, one connection; and 100 Continue is waited for by who asked for it.
    twice = curl(server, "/readyz", server.origin + "/healthz", "--write-out", "%{num_connects}")
    bodies = [part.partition(b"\r\n\r\n")[2] for part in twice.raw.split(b"HTTP/1.1 200 OK\r\n")]
    equal(bodies, [b"", b"ok\n1", b"ready\n0"], "the second request makes no connection")
    response = curl(server, "/v1/tokens", "--header", "Expect: 100-continue", bearer=server.key, body={"room": "den"})
    assert response.raw.startswith(b"HTTP/1.1 100 Continue\r\n"), response.raw
    equal(response.status, 201, "after 100")
    response = curl(server, "/v1/tokens", "--header", "Transfer-Encoding: chunked", bearer=server.key,
                    body={"room": "den"})
    equal(response.status, 201, "chunked")
    response = curl(server, "/healthz", "--http1.0")
    equal((response.status, response.body), (200, b"ok\n"), "HTTP/1.0")
    equal(curl(server, "/healthz", "--http2").status, 200, "an upgrade that is not known is no reason to refuse")
    equal(curl(server, "/healthz", "--header", "Host: a b").status, 400, "Host")
    equal(curl(server, "/" + "a" * 20_000).status in (414, 431), True, "a long target")
    equal(curl(server, "/healthz", "--header", "X: " + "a" * 20_000).status, 431, "a long header")


run("curl")
