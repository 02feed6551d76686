"""Checkpoints by plain address, over HTTP."""

import hashlib
import http.client
import os
import resource
import socket
import time
import urllib.request
import warnings

import numpy as np
import pytest

import keras_gan
from keras_gan.presets import download

CONTENT = np.random.RandomState(0).bytes(5000)
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """A cache of its own for each test."""
    monkeypatch.setenv("KERAS_GAN_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    return tmp_path / "cache" / "downloads"


@pytest.fixture
def url(hub):
    """The address of a file."""
    hub.files["net.pth"] = CONTENT
    return f"{hub.url}/files/net.pth"


def get(url, sha256=SHA256, **arguments):
    return download.local_files(url, sha256, **arguments)


def test_fetched_once(hub, url, cache):
    path = get(url)
    assert path.read_bytes() == CONTENT and path.parent == cache
    assert get(url) == path and get(url, SHA256.upper()) == path
    assert len(hub.requests) == 1
    path.write_bytes(CONTENT[:-1])
    assert get(url).read_bytes() == CONTENT
    assert len(hub.requests) == 2 and os.listdir(cache) == [SHA256]


def test_unverified_files_are_told_with_the_hash_they_have(hub, url, tmp_path):
    with pytest.warns(UserWarning, match=f"unverified.*{SHA256}"):
        path = get(url, None)
    with warnings.catch_warnings(action="error"):
        get(url)
    with pytest.warns(UserWarning, match="unverified"):
        assert get(url, None, cache_dir=tmp_path / "other") != path
    assert len(hub.requests) == 3


def test_another_hash(url, cache):
    with pytest.raises(ValueError, match=f"sha256 is {SHA256}, but 0{{64}} was expected"):
        get(url, "0" * 64)
    assert os.listdir(cache) == []
    # An eight-digit suffix is no hash.
    for nonsense in (SHA256[:8], "", 7, SHA256 + "0"):
        with pytest.raises(ValueError, match="64 hexadecimal digits"):
            get(url, nonsense)


def test_another_address_of_a_file(hub, url, cache):
    hub.files["other.pth"] = CONTENT[::-1]
    other, missing = f"{hub.url}/files/other.pth", f"{hub.url}/files/missing.pth"
    assert get([other, missing, url]).read_bytes() == CONTENT
    assert os.listdir(cache) == [SHA256]
    with pytest.raises(ValueError, match="was exchanged"):
        get([other], SHA256[::-1])
    with pytest.raises(OSError, match=r"was exchanged.*404"):
        get([other, missing], SHA256[::-1])


def test_paths_and_dicts(url, tmp_path):
    (tmp_path / "net.pth").write_bytes(CONTENT)
    mixed = {"generator": url, "discriminator": tmp_path / "net.pth"}
    paths = get(mixed)
    assert [path.read_bytes() for path in paths.values()] == [CONTENT] * 2
    with pytest.raises(ValueError, match="was expected"):
        get(mixed, {"generator": SHA256, "discriminator": "0" * 64})
    arrays = {"main.0.weight": np.zeros(3)}
    assert get(arrays, None) == arrays
    with pytest.raises(ValueError, match="of a file"):
        get(arrays)


def test_a_checkpoint_by_address(hub, url):
    with pytest.raises(ValueError, match="found a file that begins with"):
        keras_gan.DCGAN.from_checkpoint(url, sha256=SHA256)
    with pytest.raises(ValueError, match="was expected"):
        keras_gan.checkpoints.load_checkpoint(url, sha256="0" * 64)


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("truncated", ConnectionError),
        ("cut_connection", ConnectionError),
        ("chunks_without_end", ConnectionError),
        ("shortened", ValueError),
        ("exchanged", ValueError),
    ],
)
def test_half_a_file_is_never_kept(hub, url, cache, misfortunes, kind, error):
    hub.broken["net.pth"] = misfortunes[kind]
    with pytest.raises(error, match=r"Try again|was expected"):
        get(url)
    assert os.listdir(cache) == []
    if error is ConnectionError:
        with pytest.raises(error):
            get(url, None)
    hub.broken.clear()
    assert get(url).read_bytes() == CONTENT


def answer(body=CONTENT, status=200, **headers):
    return lambda handler, _: handler.send(body, status, **headers)


def without_length(handler, content):
    handler.send_response(200)
    handler.end_headers()
    handler.wfile.write(content)


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (answer(Content_Length=1 << 50), "at most 8589934592"),
        (answer(Content_Encoding="gzip"), "encoding gzip"),
        (answer(b"<html>", Content_Type="text/html; charset=utf-8"), "text/html"),
        (answer(status=206), "status 206"),
        (without_length, "without its length"),
        (answer(b""), "Try again"),
    ],
)
def test_answers_that_are_no_file(hub, url, cache, broken, message):
    hub.broken["net.pth"] = broken
    with pytest.raises((ValueError, ConnectionError), match=message):
        get(url, None)
    assert os.listdir(cache) == []


def test_chunks_are_files_too(hub, url, misfortunes):
    hub.broken["net.pth"] = misfortunes["in_chunks"]
    assert get(url).read_bytes() == CONTENT


def test_more_than_is_accepted(hub, url, misfortunes, monkeypatch):
    monkeypatch.setattr(download, "_MAX_BYTES", 4999)
    hub.broken["net.pth"] = misfortunes["in_chunks"]
    with pytest.raises(ValueError, match="more than 4999"):
        get(url)


@pytest.mark.parametrize("status", [401, 403, 404, 410, 416, 429, 500, 503])
def test_refusals(hub, url, status):
    hub.errors["net.pth"] = (status, None)
    kind = FileNotFoundError if status in (404, 410) else OSError
    with pytest.raises(kind, match=f"{url}.*HTTP status {status}"):
        get(url)


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("http://localhost:{port}/files/other", None),
        ("/files/other", None),
        ("file:///etc/passwd", "not allowed"),
        ("ftp://127.0.0.1/x", "refused"),
        ("http://user:password@127.0.0.1:{port}/files/other", "user names"),
        ("/files/net.pth", "infinite loop"),
        ("http://93.184.216.34/x", "over http://"),
    ],
)
def test_redirections(hub, url, target, message):
    hub.files["other"] = CONTENT
    hub.broken["net.pth"] = answer(b"", 302, Location=target.format(port=hub.port))
    if message is None:
        with pytest.warns(UserWarning, match="unverified"):
            assert get(url, None).read_bytes() == CONTENT
    else:
        with pytest.raises((ValueError, OSError), match=message):
            get(url, None)


@pytest.mark.parametrize("target", ["http://127.0.0.1/x", "https://10.0.0.1/x", "http://[::1]/x"])
def test_public_servers_lead_nobody_to_private_ones(monkeypatch, target):
    rules = download._Rules("https://93.184.216.34/net.pth", by_user=True, has_hash=True)
    request = urllib.request.Request("https://93.184.216.34/net.pth")
    with pytest.raises(ValueError, match="private address"):
        rules.redirect_request(request, None, 302, "", http.client.HTTPMessage(), target)


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("https://127.0.0.1/x", "private"),
        ("https://localhost/x", "private"),
        ("https://10.1.2.3/x", "private"),
        ("https://192.168.0.1/x", "private"),
        ("https://169.254.169.254/latest/meta-data", "private"),
        ("https://[::1]/x", "private"),
        ("https://[::ffff:127.0.0.1]/x", "private"),
        ("https://[fe80::1]/x", "private"),
        ("https://2130706433/x", "private"),
        ("https://0x7f.1/x", "private"),
        ("https://0.0.0.0/x", "private"),
        ("https://224.0.0.1/x", "private"),
        ("http://93.184.216.34/x", "over http://"),
        ("file:///etc/passwd", "refused"),
        ("ftp://example.com/x", "refused"),
        ("data://text/plain,x", "refused"),
        ("https://user:password@93.184.216.34/x", "user names"),
        ("https://93.184.216.34:port/x", "refused"),
        ("https:///x", "refused"),
        ("https://exämple.com/x", "refused"),
        ("/etc/passwd", "https:// or hf://"),
        (7, "https:// or hf://"),
        (["https://127.0.0.1/x", "https://10.0.0.1/x"], "private"),
        (["/etc/passwd"], "https:// or hf://"),
        ([["hf://user/repo/x"]], "holds nothing else"),
        ([], "empty list"),
        ({"generator": "../x"}, "https:// or hf://"),
    ],
)
def test_what_metadata_may_not_name(hub, address, message):
    with pytest.raises(ValueError, match=message):
        get(address, SHA256, by_user=False)
    assert hub.requests == []


def test_http_is_for_those_who_know_the_hash(monkeypatch):
    with pytest.raises(ValueError, match="over http://"):
        get("http://93.184.216.34/x", None)
    download._Rules("http://93.184.216.34/x", True, True).check("http://93.184.216.34/x")
    with pytest.raises(ConnectionError, match=r"no address of nowhere\.invalid"):
        get("https://nowhere.invalid/x", None)


def test_names_are_escaped_and_never_become_paths(hub, cache):
    hub.files["a b/../ü.pth"] = CONTENT
    assert get(f"{hub.url}/files/a b/../ü.pth").read_bytes() == CONTENT
    assert os.listdir(cache) == [SHA256]


def test_offline(url, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(FileNotFoundError, match="HF_HUB_OFFLINE"):
        get(url)
    monkeypatch.delenv("HF_HUB_OFFLINE")
    get(url)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    get(url)


@pytest.mark.parametrize("offline", ["", "1"])
def test_what_is_in_the_cache_needs_no_network(cache, monkeypatch, offline):
    monkeypatch.setenv("HF_HUB_OFFLINE", offline)
    cache.mkdir(parents=True)
    (cache / SHA256).write_bytes(CONTENT)
    assert get("https://nowhere.invalid/x", by_user=False) == cache / SHA256


def test_offline_is_said_before_a_name_is_looked_up(monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(FileNotFoundError, match="HF_HUB_OFFLINE"):
        get("https://nowhere.invalid/x")


def test_a_server_that_is_not_there():
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        with pytest.raises(ConnectionError, match=r"refused.*Try again"):
            get(f"http://127.0.0.1:{closed.getsockname()[1]}/x")


def test_a_cache_without_room(url, cache, tmp_path):
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limit[1]))
    try:
        with pytest.raises(OSError, match=r"could not be stored.*Make room"):
            get(url)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
    assert os.listdir(cache) == []
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="KERAS_GAN_HOME"):
        get(url, cache_dir=tmp_path / "file")


def test_what_killed_downloads_leave_is_removed_after_a_day(url, cache):
    cache.mkdir(parents=True)
    for name, age in (("old", 2), ("new", 0.5)):
        (cache / f".partial-{name}").write_text("x")
        then = time.time() - age * 24 * 3600
        os.utime(cache / f".partial-{name}", (then, then))
    get(url)
    assert sorted(os.listdir(cache)) == sorted([".partial-new", SHA256])
