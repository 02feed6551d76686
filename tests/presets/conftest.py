"""A hub on loopback that speaks the Hub's HTTP, and processes that talk to it.

`huggingface_hub` reads HF_ENDPOINT when it is imported: whatever needs the hub runs in a process of
its own, which stays for all tests of a module since starting one takes seconds.
"""

import base64
import contextlib
import hashlib
import http.server
import json
import os
import pathlib
import socket
import struct
import subprocess
import sys
import threading
import urllib.parse

import pytest

_LARGE = (".h5", ".npz")  # What the hub keeps as LFS files, served by another host.
TOKEN = "hf_of_the_tests"


class Hub(http.server.ThreadingHTTPServer):
    """Repositories, plain files, and the misfortunes that a test wants.

    `broken` holds functions by file name that answer in place of the file's bytes,
    `errors` HTTP statuses by file name, with an X-Error-Code or `None`. Large files are answered
    with a redirection to `storage`, another host.
    """

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.port = self.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.reset()

    def reset(self):
        """Forget everything."""
        self.commits, self.refs, self.objects, self.files = {}, {}, {}, {}
        self.broken, self.errors, self.requests = {}, {}, []
        self.storage = f"http://localhost:{self.port}/cdn"

    def commit(self, repo, files, ref="main"):
        """Add or replace files; the new commit."""
        old = self.refs.setdefault(repo, {}).get(ref)
        tree = {**(self.commits[old] if old else {}), **files}
        text = repr((repo, ref, old, sorted((k, digest(v)) for k, v in tree.items())))
        sha = hashlib.sha1(text.encode()).hexdigest()
        self.commits[sha], self.refs[repo][ref] = tree, sha
        return sha

    def tree(self, repo, revision="main"):
        """dict: path to bytes, or `None` if there is no such revision."""
        sha = self.refs.get(repo, {}).get(revision, revision)
        return self.commits.get(sha), sha

    def asked(self, method, part):
        """The requests of a method whose path contains `part`."""
        return [path for how, path, _ in self.requests if how == method and part in path]


def digest(content):
    return hashlib.sha256(content).hexdigest()


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def send(self, body=b"", status=200, **headers):
        """Answer completely; underscores in names of headers stand for hyphens."""
        body = json.dumps(body).encode() if isinstance(body, dict) else body
        self.send_response(status)
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        for name, value in {"Content-Length": len(body), **headers}.items():
            self.send_header(name, str(value))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def handle_one_request(self):
        # Clients hang up where a test lets them.
        with contextlib.suppress(ConnectionError):
            super().handle_one_request()

    def do_GET(self):
        self.server.requests.append((self.command, self.path, dict(self.headers)))
        path = urllib.parse.unquote(urllib.parse.urlsplit(self.path).path)
        if path.startswith("/cdn/"):
            _, _, oid, name = path.split("/", 3)
            self.content(name, self.server.objects[oid])
        elif path.startswith("/files/"):
            name = path.removeprefix("/files/")
            if not self.error(name):
                self.content(name, self.server.files.get(name))
        elif "/resolve/" in path:
            self.resolve(path)
        elif path.startswith("/api/models/"):
            repo, _, revision = path.removeprefix("/api/models/").partition("/revision/")
            self.send({"id": repo, "sha": self.server.tree(repo, revision or "main")[1]})
        else:
            self.send(status=404)

    do_HEAD = do_GET

    def error(self, name):
        if name not in self.server.errors:
            return False
        status, code = self.server.errors[name]
        self.send(status=status, **({"X-Error-Code": code} if code else {}))
        return True

    def resolve(self, path):
        repo = path[1:].partition("/resolve/")[0]
        # A revision may contain slashes, which the client quotes.
        quoted = urllib.parse.urlsplit(self.path).path.partition("/resolve/")[2]
        revision, _, name = map(urllib.parse.unquote, quoted.partition("/"))
        if repo not in self.server.refs:
            return self.send(status=404, **{"X-Error-Code": "RepoNotFound"})
        tree, sha = self.server.tree(repo, revision)
        if tree is None:
            return self.send(status=404, **{"X-Error-Code": "RevisionNotFound"})
        if self.error(name):
            return None
        if name not in tree:
            headers = {"X-Error-Code": "EntryNotFound", "X-Repo-Commit": sha}
            return self.send(status=404, **headers)
        content, headers = tree[name], {"X-Repo-Commit": sha}
        if not name.endswith(_LARGE):
            headers["ETag"] = f'"{hashlib.sha1(content).hexdigest()}"'
            return self.content(name, content, **headers)
        oid = digest(content)
        self.server.objects[oid] = content
        headers.update({"X-Linked-Etag": f'"{oid}"', "X-Linked-Size": len(content)})
        return self.send(status=302, Location=f"{self.server.storage}/{oid}/{name}", **headers)

    def content(self, name, content, **headers):
        if self.command == "GET" and name in self.server.broken:
            self.close_connection = True
            self.server.broken[name](self, content)
        elif content is None:
            self.send(status=404)
        elif "Range" in self.headers:
            first = int(self.headers["Range"].removeprefix("bytes=").partition("-")[0])
            headers["Content-Range"] = f"bytes {first}-{len(content) - 1}/{len(content)}"
            self.send(content[first:], 206, **headers)
        else:
            self.send(content, **headers)

    # Uploads

    def do_POST(self):
        self.server.requests.append((self.command, self.path, dict(self.headers)))
        body = self.rfile.read(int(self.headers["Content-Length"]))
        hub, path = self.server, self.path
        if self.headers.get("Authorization") != f"Bearer {TOKEN}":
            self.send({"error": "Invalid username or password."}, status=401)
        elif path == "/api/repos/create":
            asked = json.loads(body)
            repo = f"{asked.get('organization') or 'me'}/{asked['name']}"
            known = repo in hub.refs
            hub.refs.setdefault(repo, {})
            self.send({"url": f"{hub.url}/{repo}"}, status=409 if known else 200)
        elif path == "/api/validate-yaml":
            self.send({"warnings": [], "errors": []})
        elif "/preupload/" in path:
            names = [file["path"] for file in json.loads(body)["files"]]
            modes = {name: "lfs" if name.endswith(_LARGE) else "regular" for name in names}
            files = [{"path": n, "uploadMode": m, "shouldIgnore": False} for n, m in modes.items()]
            self.send({"files": files})
        elif path.endswith("/info/lfs/objects/batch"):
            objects = [
                {**each, "actions": {"upload": {"href": f"{hub.url}/lfs/{each['oid']}"}}}
                for each in json.loads(body)["objects"]
            ]
            self.send({"transfer": "basic", "objects": objects})
        else:
            repo = path.removeprefix("/api/models/").partition("/commit/")[0]
            lines = [json.loads(line) for line in body.splitlines()]
            files = {
                line["value"]["path"]: base64.b64decode(line["value"]["content"])
                if line["key"] == "file"
                else hub.objects[line["value"]["oid"]]
                for line in lines
                if line["key"] in ("file", "lfsFile")
            }
            sha = hub.commit(repo, files)
            self.send({"commitUrl": f"{hub.url}/{repo}/commit/{sha}", "commitOid": sha})

    def do_PUT(self):
        self.server.requests.append((self.command, self.path, dict(self.headers)))
        oid = self.path.removeprefix("/lfs/")
        self.server.objects[oid] = self.rfile.read(int(self.headers["Content-Length"]))
        self.send()


# Misfortunes: functions from a handler and the content --------------------------------------------


def truncated(handler, content):
    """The headers promise more than comes."""
    handler.send_response(200)
    handler.send_header("Content-Length", str(len(content)))
    handler.end_headers()
    handler.wfile.write(content[: len(content) // 2])


def cut_connection(handler, content):
    """The same, but the connection is reset."""
    truncated(handler, content)
    handler.wfile.flush()
    linger = struct.pack("ii", 1, 0)
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    handler.connection.close()


def shortened(handler, content):
    """A complete answer with half of the file."""
    handler.send(content[: len(content) // 2])


def exchanged(handler, content):
    """A complete answer of the right length with another file."""
    handler.send(bytes(byte ^ 1 for byte in content))


def in_chunks(handler, content, end=b"0\r\n\r\n"):
    """No length, but chunks."""
    handler.send_response(200)
    handler.send_header("Transfer-Encoding", "chunked")
    handler.end_headers()
    for part in (content[:1000], content[1000:]):
        handler.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))
    handler.wfile.write(end)


def chunks_without_end(handler, content):
    """Chunks, the last of which never comes."""
    in_chunks(handler, content[: len(content) // 2], end=b"")


class Slow:
    """Send half of the file, tell, and wait until the test goes on."""

    def __init__(self):
        self.half_sent, self.go_on = threading.Event(), threading.Event()

    def __call__(self, handler, content):
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        half = len(content) // 2
        handler.wfile.write(content[:half])
        handler.wfile.flush()
        self.half_sent.set()
        self.go_on.wait(60)
        handler.wfile.write(content[half:])


# Processes ----------------------------------------------------------------------------------------

_PROGRAM = """
import contextlib, io, json, sys
import keras_gan

answers, namespace = sys.stdout, {"keras_gan": keras_gan}
for line in sys.stdin:
    printed, answer = io.StringIO(), {}
    namespace["result"] = None
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
        try:
            exec(json.loads(line), namespace)
        except Exception as error:
            answer["kinds"] = [cls.__name__ for cls in type(error).__mro__]
            answer["message"] = str(error)
    answer.update(result=namespace["result"], printed=printed.getvalue())
    print(json.dumps(answer), file=answers, flush=True)
"""


class Client:
    """A process with keras_gan and an environment of its own."""

    def __init__(self, **environment):
        root = pathlib.Path(__file__).parents[2]
        environment = {**os.environ, "PYTHONPATH": str(root), "NO_PROXY": "*", **environment}
        self.process = subprocess.Popen(
            [sys.executable, "-W", "ignore::DeprecationWarning", "-c", _PROGRAM],
            env=environment,
            text=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def start(self, code):
        """Begin to run some lines."""
        self.process.stdin.write(json.dumps(code) + "\n")
        self.process.stdin.flush()

    def finish(self):
        """What the lines gave: `(result, printed)`, or a `Failed`."""
        answer = json.loads(self.process.stdout.readline())
        if "kinds" in answer:
            raise Failed(answer["kinds"], answer["message"])
        return answer["result"], answer["printed"]

    def run(self, code):
        """The `result` of some lines."""
        self.start(code)
        return self.finish()[0]

    def close(self):
        self.process.kill()
        self.process.communicate()


class Failed(Exception):
    """An exception in a client's process."""

    def __init__(self, kinds, message):
        super().__init__(f"{kinds[0]}: {message}")
        self.kinds = kinds


@pytest.fixture(scope="session")
def _server():
    server = Hub()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def hub(_server):
    """A hub with nothing in it."""
    _server.reset()
    return _server


@pytest.fixture(scope="module")
def start_client(_server, tmp_path_factory):
    """Function that starts a client; more environment may be given."""
    clients = []

    def start(**environment):
        home = str(tmp_path_factory.mktemp("home"))
        settings = {
            "HF_ENDPOINT": _server.url,
            "HF_HOME": f"{home}/hf",
            "KERAS_GAN_HOME": f"{home}/keras_gan",
            "HF_TOKEN": TOKEN,
            # Its own protocol and servers, which have no part in what is tested here.
            "HF_HUB_DISABLE_XET": "1",
            "HF_HUB_DISABLE_PROGRESS_BARS": "1",
            "HF_HUB_DISABLE_TELEMETRY": "1",
        }
        clients.append(Client(**{**settings, **environment}))
        return clients[-1]

    yield start
    for client in clients:
        client.close()


@pytest.fixture(scope="module")
def client(start_client):
    """A client that does not wait long before it tries again."""
    client = start_client()
    client.run("import time; wait = time.sleep; time.sleep = lambda seconds: wait(seconds / 1000)")
    return client


@pytest.fixture(scope="session")
def misfortunes():
    """The functions above by name, for test modules (which pytest imports without a package)."""
    return {
        each.__name__: each
        for each in (
            truncated,
            cut_connection,
            shortened,
            exchanged,
            in_chunks,
            chunks_without_end,
            Slow,
        )
    }
