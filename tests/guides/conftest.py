"""A browser for tests of pages: Debian's Chromium without a window, spoken to through a pipe."""

import base64
import json
import os
import pathlib
import select
import shutil
import subprocess
import sys
import time

import pytest

_NAMES = ("chromium", "chromium-browser", "google-chrome")
_SECONDS = 120
# Chromium reads commands from its file 3 and writes to 4, each ended by a zero byte.
_START = """
import fcntl, os, sys
for number, end in enumerate([fcntl.fcntl(int(end), fcntl.F_DUPFD, 10) for end in sys.argv[1:3]]):
    os.dup2(end, 3 + number)
os.execv(sys.argv[3], sys.argv[3:])
"""


class Browser:
    """Chromium with one page open, driven by the DevTools protocol.

    Args:
        program: path of Chromium.
        profile: folder for what it writes.

    Attributes:
        events: list of all that the browser told since the page was opened.
    """

    def __init__(self, program, profile):
        commands, self._commands = os.pipe()
        self._messages, messages = os.pipe()
        self._process = subprocess.Popen(
            [
                sys.executable,
                "-c",
                _START,
                str(commands),
                str(messages),
                program,
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-dev-shm-usage",
                "--remote-debugging-pipe",
                f"--user-data-dir={profile}",
                "about:blank",
            ],
            pass_fds=(commands, messages),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(commands)
        os.close(messages)
        self._buffer, self._count, self._session = b"", 0, None
        self.events = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)[
            "sessionId"
        ]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.call(f"{domain}.enable")

    def call(self, method, **params):
        """The result of a command of the protocol."""
        self._count += 1
        message = {"id": self._count, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._commands, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._read()
            if answer.get("id") == self._count:
                assert "error" not in answer, f"{method}: {answer['error']}"
                return answer["result"]
            self.events.append(answer)

    def open(self, path, width=1000, height=900, **features):
        """Show a file, in a window of that many pixels and with those media features."""
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=width < 600,
        )
        self.call(
            "Emulation.setEmulatedMedia",
            features=[{"name": name, "value": value} for name, value in features.items()],
        )
        self.events.clear()
        self.call("Page.navigate", url=pathlib.Path(path).resolve().as_uri())
        while not any(event["method"] == "Page.loadEventFired" for event in self.events):
            self.events.append(self._read())

    def evaluate(self, expression):
        """The value of a JavaScript expression in the page; of a promise, when it is kept."""
        result = self.call(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in result, result["exceptionDetails"]
        return result["result"].get("value")

    def press(self, key, text=""):
        """Press and release a key, as a user does."""
        code = {" ": "Space"}.get(key, key)
        number = {" ": 32, "ArrowLeft": 37, "ArrowRight": 39, "End": 35, "Tab": 9}[key]
        for kind in ("keyDown", "keyUp"):
            self.call(
                "Input.dispatchKeyEvent",
                type=kind,
                key=key,
                code=code,
                windowsVirtualKeyCode=number,
                **({"text": text} if text and kind == "keyDown" else {}),
            )

    def click(self, selector):
        """Click in the middle of an element."""
        x, y = self.evaluate(
            f"(box => [box.x + box.width / 2, box.y + box.height / 2])"
            f"(document.querySelector({selector!r}).getBoundingClientRect())"
        )
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def screenshot(self, path):
        """Write what the window shows as PNG."""
        data = self.call("Page.captureScreenshot", format="png")["data"]
        pathlib.Path(path).write_bytes(base64.b64decode(data))

    def close(self):
        """End the browser."""
        os.close(self._commands)
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        os.close(self._messages)

    def _read(self):
        end = time.monotonic() + _SECONDS
        while b"\0" not in self._buffer:
            ready, _, _ = select.select([self._messages], [], [], max(0, end - time.monotonic()))
            data = os.read(self._messages, 1 << 20) if ready else b""
            if not data:
                state = f"exit {self._process.poll()}" if ready else "no answer"
                raise RuntimeError(f"Chromium is gone or hangs ({state}).")
            self._buffer += data
        message, self._buffer = self._buffer.split(b"\0", 1)
        return json.loads(message)


@pytest.fixture
def browser(tmp_path):
    """A `Browser`; fails where there is none, for pages would go untested."""
    program = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, _NAMES)), None)
    if program is None:
        pytest.fail(
            f"No {' or '.join(_NAMES)} on the PATH, and pages are tested in one. Install it "
            "(`apt-get install --no-install-recommends chromium`) or let CHROMIUM name it."
        )
    browser = Browser(program, tmp_path / "profile")
    yield browser
    browser.close()
