"""A headless Chromium that is driven over the DevTools protocol. No program itself."""

import asyncio
import base64
import json
import os
import shutil
import signal
import tempfile

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
    # Otherwise Chromium gathers nothing on a machine whose only interface is lo.
    "--allow-loopback-in-peer-connection",
    # Several people sit before one browser here, and none of them is ever in the background.
    "--disable-background-timer-throttling",
    "--disable-renderer-backgrounding",
    "--disable-backgrounding-occluded-windows",
    "--force-color-profile=srgb",
    # DevTools speak over the descriptors 3 and 4, so that there is no port that somebody else could find.
    "--remote-debugging-pipe",
)
REPLY_BYTES_MAX = 64 << 20
COMMAND_SECONDS_MAX = 20


class Refusal(Exception):
    """An expression threw in the page, or DevTools did not do what they were told."""


class Browser:
    """`async with Browser() as browser:`, and it ends with the block, whatever happens in it."""

    async def __aenter__(self):
        program = next(filter(None, map(shutil.which, BROWSERS)), None)
        if program is None:
            raise Refusal("no chromium: run Scripts/setup test")
        self.profile = tempfile.mkdtemp(prefix="tern-chromium-")
        with open(os.path.join(self.profile, "log"), "w", encoding="utf-8") as log:
            self.process = await asyncio.create_subprocess_exec(
                "/bin/sh", "-c", 'exec "$@" 3<&0 4>&1 </dev/null >&2', "sh",
                program, *FLAGS, f"--user-data-dir={self.profile}", "about:blank",
                stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=log, limit=REPLY_BYTES_MAX,
                # What it leaves behind goes with the profile; and its own session makes all its helpers one group.
                env=os.environ | {"TMPDIR": self.profile}, start_new_session=True)
        self.last_id = 0
        self.replies = {}
        self.pages = {}
        self.reader = asyncio.ensure_future(self._read())
        return self

    async def __aexit__(self, *_):
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        await self.process.wait()
        self.reader.cancel()
        shutil.rmtree(self.profile, ignore_errors=True)

    async def command(self, method, session=None, **parameters):
        """Has DevTools do something, in the page of `session` or in the browser."""
        self.last_id += 1
        message = {"id": self.last_id, "method": method, "params": parameters}
        reply = self.replies[self.last_id] = asyncio.get_running_loop().create_future()
        self.process.stdin.write(json.dumps(message | ({"sessionId": session} if session else {})).encode() + b"\0")
        answer = await asyncio.wait_for(reply, COMMAND_SECONDS_MAX)
        if "error" in answer:
            raise Refusal(f"{method}: {answer['error']['message']}")
        return answer["result"]

    async def open(self, url, script="", size=(1280, 800), is_dark=False):
        """A page of somebody who has nothing in common with the others: no storage, no window.

        `script` runs in it before any of its own, whenever it is loaded.
        """
        context = (await self.command("Target.createBrowserContext"))["browserContextId"]
        target = (await self.command(
            "Target.createTarget", url="about:blank", browserContextId=context, newWindow=True))["targetId"]
        session = (await self.command("Target.attachToTarget", targetId=target, flatten=True))["sessionId"]
        page = self.pages[session] = Page(self, session, target, context)
        for domain in ("Page", "Runtime", "Log", "Network"):
            await page.command(f"{domain}.enable")
        await page.command("Page.addScriptToEvaluateOnNewDocument", source=script)
        await page.resize(size, is_dark)
        await page.go(url)
        return page

    async def close_pages(self):
        for page in list(self.pages.values()):
            await page.close()

    async def _read(self):
        try:
            while True:
                message = json.loads((await self.process.stdout.readuntil(b"\0"))[:-1])
                if "id" in message:
                    self.replies.pop(message["id"]).set_result(message)
                elif page := self.pages.get(message.get("sessionId")):
                    page.note(message["method"], message["params"])
        except asyncio.IncompleteReadError:
            for reply in self.replies.values():
                reply.set_exception(Refusal("the browser has ended"))


class Page:
    """What somebody has open."""

    def __init__(self, browser, session, target, context):
        self.browser, self.session, self.target, self.context = browser, session, target, context
        # Exceptions, and what the console or the content policy complains about.
        self.complaints = []
        # Every message that came over a WebSocket.
        self.received = []

    async def command(self, method, **parameters):
        return await self.browser.command(method, self.session, **parameters)

    async def eval(self, expression):
        """What an expression comes to, awaited if it is a promise, as JSON can say it."""
        result = await self.command(
            "Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True, userGesture=True)
        if details := result.get("exceptionDetails"):
            raise Refusal(details.get("exception", {}).get("description", details["text"]))
        return result["result"].get("value")

    async def until(self, expression, seconds=10):
        """Waits until an expression holds, and answers what it came to."""
        deadline = asyncio.get_running_loop().time() + seconds
        while True:
            problem = None
            try:
                if value := await self.eval(expression):
                    return value
            except Refusal as refusal:
                # While a page loads there is nothing yet to ask.
                problem = refusal
            if asyncio.get_running_loop().time() > deadline:
                raise AssertionError(f"not within {seconds} s: {expression}; {problem or ''} {self.complaints[-5:]}")
            await asyncio.sleep(0.03)

    async def go(self, url):
        await self.command("Page.navigate", url=url)
        await self.until("document.readyState === 'complete' && location.href !== 'about:blank'")

    async def click(self, identifier):
        await self.eval(f"document.getElementById({json.dumps(identifier)}).click()")

    async def text(self, identifier):
        """What is to be read there; nothing where it is hidden, which innerText alone would read, too."""
        return await self.eval(
            f"(element => element.checkVisibility() ? element.innerText.trim() : '')"
            f"(document.getElementById({json.dumps(identifier)}))")

    async def resize(self, size, is_dark=False):
        width, height = size
        await self.command(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1 if width > 600 else 2,
            mobile=width <= 600)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if is_dark else "light"}
        await self.command("Emulation.setEmulatedMedia", features=[scheme])

    async def screenshot(self, path):
        data = (await self.command("Page.captureScreenshot", format="png"))["data"]
        with open(path, "wb") as file:
            file.write(base64.b64decode(data))

    async def close(self):
        """Closes the window as a person does, so that the page may say goodbye."""
        self.browser.pages.pop(self.session, None)
        await self.browser.command("Target.closeTarget", targetId=self.target)

    def note(self, method, parameters):
        if method == "Runtime.exceptionThrown":
            details = parameters["exceptionDetails"]
            self.complaints.append(details.get("exception", {}).get("description", details["text"]))
        elif method == "Log.entryAdded":
            entry = parameters["entry"]
            self.complaints.append(f"{entry['source']}: {entry['text']} {entry.get('url', '')}")
        elif method == "Runtime.consoleAPICalled" and parameters["type"] in ("error", "warning"):
            words = [str(each.get("value", each.get("description"))) for each in parameters["args"]]
            self.complaints.append(" ".join(words))
        elif method == "Network.webSocketFrameReceived":
            self.received.append(parameters["response"]["payloadData"])
