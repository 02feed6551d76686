"""Checkpoint files from elsewhere: https:// into a cache of our own, hf:// into the Hub's."""

import contextlib
import hashlib
import http.client
import ipaddress
import os
import pathlib
import re
import socket
import string
import urllib.error
import urllib.parse
import urllib.request
import warnings

from keras_gan import files
from keras_gan.presets import hub

# The largest public GAN checkpoint has 2.4 GB.
_MAX_BYTES = 8 << 30
_CHUNK = 1 << 20
_TIMEOUT = 30


def cache_folder(cache_dir=None):
    """The folder that keeps what was downloaded or converted.

    Args:
        cache_dir: str or path; by default KERAS_GAN_HOME, or `~/.cache/keras_gan`.

    Returns:
        `pathlib.Path`, which need not exist.

    Example:
    ```python
    keras_gan.presets.download.cache_folder()  # PosixPath("/home/me/.cache/keras_gan")
    ```
    """
    folder = cache_dir or os.environ.get("KERAS_GAN_HOME") or "~/.cache/keras_gan"
    return pathlib.Path(folder).expanduser()


def local_files(source, sha256=None, cache_dir=None, by_user=True):
    """Paths for a checkpoint's files, which are downloaded unless they are in the cache.

    A full SHA-256 is what makes a file trusted or at least intact. The eight digits in some file
    names are no proof: without a full one there is a warning that the file is unverified.

    - `https://...` is kept in `cache_folder()` and fetched once: delete it to fetch it again.
      Redirections are followed by the same rules as the address itself.
    - `http://...` is for a user who gives the SHA-256, or asks a server on the same machine.
    - `hf://user/repo/file[@revision]` is kept in the Hub's cache.

    Args:
        source: str as above, a list of the addresses of one file, which are tried in turn, or a
            dict of them by network. Paths and arrays are given back as they are, once a path's
            SHA-256 is checked if there is one.
        sha256: str, or dict by network: 64 hexadecimal digits.
        cache_dir: str or path of another cache.
        by_user: bool; `False` where the source was read from a preset: only https:// at public
            addresses and hf:// are followed, and no path.

    Returns:
        `source` with paths in place of addresses.

    Raises:
        ValueError: if an address or hash is not acceptable, a file is too large, or its SHA-256 is
            another.
        FileNotFoundError: if there is no such file.
        OSError: if it cannot be downloaded completely or not be stored.

    Example:
    ```python
    keras_gan.presets.download.local_files("hf://user/repo/netG.pth@v1", sha256="0123...")
    ```
    """
    if not isinstance(source, dict):
        return _local_file(source, sha256, cache_dir, by_user)
    hashes = sha256 if isinstance(sha256, dict) else dict.fromkeys(source, sha256)
    unknown = sorted(set(map(str, hashes)) - set(map(str, source)))
    if unknown:
        raise ValueError(f"`sha256` has entries that `source` has not: {unknown}")
    return {
        key: _local_file(each, hashes.get(key), cache_dir, by_user) for key, each in source.items()
    }


def _local_file(source, sha256, cache_dir, by_user):
    if sha256 is not None and not (
        isinstance(sha256, str) and re.fullmatch("[0-9a-f]{64}", sha256.lower())
    ):
        raise ValueError(
            f"`sha256` is the 64 hexadecimal digits of a whole SHA-256. Received: {sha256!r}"
        )

    if isinstance(source, list):
        return _first_of(source, sha256, cache_dir, by_user)

    def verified(path):
        check_sha256(path, sha256, source)
        return path

    if not isinstance(source, str) or "://" not in source:
        if not by_user:
            raise ValueError(f"A preset's source is https:// or hf://. Received: {source!r}")
        if sha256 is not None and not isinstance(source, (str, os.PathLike)):
            raise ValueError("A SHA-256 is that of a file; the source is no path or address.")
        return source if sha256 is None else verified(source)
    if source.startswith("hf://"):
        repo, file, revision = hub.parse(source)
        if file is None:
            raise ValueError(f"{source} names no file: write hf://user/repo/file@revision.")
        path = hub.Repository(repo, revision, cache_dir).read(file, verified, _MAX_BYTES)
    else:
        path = _cached(source, sha256, cache_dir, by_user, verified)
    if sha256 is None:
        warnings.warn(
            f"{source} is unverified: nobody stated its sha256. What was received has "
            f"{files.sha256(path)}; pass it as `sha256` to be sure to get the same again.",
            stacklevel=2,
        )
    return path


def _first_of(addresses, sha256, cache_dir, by_user):
    if not addresses:
        raise ValueError("There is no address: `source` is an empty list.")
    if any(isinstance(address, (list, dict)) for address in addresses):
        raise ValueError(f"A list of addresses holds nothing else. Received: {addresses!r:.200}")
    failures = []
    for address in addresses:
        try:
            return _local_file(address, sha256, cache_dir, by_user)
        # Another file than that of the hash is a ValueError.
        except (OSError, ValueError) as error:
            failures.append(error)
    kinds = {type(error) for error in failures}
    kind = kinds.pop() if len(kinds) == 1 else OSError
    raise kind(" ".join(map(str, failures))) from failures[-1]


def check_sha256(path, expected, origin=None):
    """Raises a ValueError if a file's SHA-256 is not the expected one; `None` is any."""
    if expected is None:
        return
    received = files.sha256(path)
    if received != str(expected).lower():
        raise ValueError(
            f"{origin or path} is corrupted or was exchanged: its sha256 is {received}, but "
            f"{expected} was expected. Get it again, or a newer statement of its sha256."
        )


# Plain addresses ----------------------------------------------------------------------------------


def _cached(url, sha256, cache_dir, by_user, verified):
    _host(url)
    # Nothing of the address becomes part of a path.
    name = sha256.lower() if sha256 else "url-" + hashlib.sha256(url.encode()).hexdigest()
    path = cache_folder(cache_dir) / "downloads" / name
    if path.is_file():
        # A damaged file is replaced below.
        with contextlib.suppress(ValueError):
            return verified(path)
    if os.environ.get("HF_HUB_OFFLINE", "").upper() in {"1", "ON", "YES", "TRUE"}:
        raise FileNotFoundError(
            f"{url} is not in the cache ({path.parent}), and HF_HUB_OFFLINE forbids to download. "
            "Run once without it."
        )
    rules = _Rules(url, by_user, sha256 is not None)
    rules.check(url)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Downloads of today may still be running.
        files.remove_partial(path.parent, older_than=files.STALE_SECONDS)
        # Two processes may both download; each replaces the file by the same complete one.
        with files.atomic_file(path) as temporary:
            with open(temporary, "wb") as stream:
                for chunk in _body(url, rules):
                    stream.write(chunk)
                stream.flush()
                os.fsync(stream.fileno())
            verified(temporary)
    except OSError as error:
        if error.errno is None:
            raise
        raise hub.unwritable(error, url, path.parent, "`cache_dir` or KERAS_GAN_HOME") from error
    return path


class _Rules(urllib.request.HTTPRedirectHandler):
    """Which addresses may be asked, be it at first or after a redirection."""

    def __init__(self, url, by_user, has_hash):
        # Who writes the address of a private server means it; nobody else is led to one.
        self._private = by_user and not all(map(_is_public, _addresses(url)))
        self._http = by_user and has_hash

    def check(self, url):
        """Raises a ValueError if this address is not to be asked."""
        addresses = _addresses(url)
        if not self._private and not all(map(_is_public, addresses)):
            raise ValueError(f"{url} is refused: it is a private address, not a public server.")
        if not url.lower().startswith("https://"):
            here = self._private and all(address.is_loopback for address in addresses)
            if not (self._http or here):
                raise ValueError(
                    f"{url} is refused: over http:// anybody may exchange the file. Use https://, "
                    "or pass its `sha256`, or download it yourself and give the path."
                )

    def opener(self):
        """What opens addresses by these rules."""
        # A proxy is of no use for a server on the own network.
        proxies = [urllib.request.ProxyHandler({})] if self._private else []
        return urllib.request.build_opener(self, *proxies)

    def redirect_request(self, request, file, code, message, headers, url):
        self.check(url)
        return super().redirect_request(request, file, code, message, headers, url)


def _host(url):
    """The host and the port of a URL, or a ValueError if the URL is not a plain one."""
    try:
        parts = urllib.parse.urlsplit(url)
        plain = parts.scheme in ("http", "https") and parts.hostname and parts.hostname.isascii()
        port = parts.port
    except ValueError:
        plain = False
    if not plain or parts.username is not None or parts.password is not None:
        raise ValueError(
            f"{url!r} is refused: a file is given as https://host/path, hf://user/repo/file "
            "or as a path, without user names and passwords."
        )
    return parts.hostname, port


def _addresses(url):
    """The network addresses of a URL's host."""
    host, port = _host(url)
    try:
        found = socket.getaddrinfo(host, port or 443, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        if urllib.request.getproxies():
            return []  # Only the proxy knows the name.
        raise ConnectionError(
            f"{url}: no address of {host} was found ({error}). Check the name and the connection."
        ) from None
    return [_unmapped(ipaddress.ip_address(address[0])) for *_, address in found]


def _unmapped(address):
    return getattr(address, "ipv4_mapped", None) or address


def _is_public(address):
    return address.is_global and not address.is_multicast


def _body(url, rules):
    """Yield the bytes of a URL; raises an OSError without `errno` unless all of them came."""
    # Spaces and letters of other alphabets are escaped, what is escaped already stays.
    request = urllib.request.Request(
        urllib.parse.quote(url, safe=string.punctuation), headers={"User-Agent": "keras_gan"}
    )
    try:
        with rules.opener().open(request, timeout=_TIMEOUT) as response:
            expected = _length(url, response)
            received = 0
            while chunk := response.read(_CHUNK):
                received += len(chunk)
                if received > _MAX_BYTES:
                    raise ValueError(f"{url} sends more than {_MAX_BYTES} bytes.")
                yield chunk
    except urllib.error.HTTPError as error:
        error.close()
        kind = FileNotFoundError if error.code in (404, 410) else OSError
        raise kind(
            f"{url}: the server answered with HTTP status {error.code} ({error.reason})."
        ) from None
    except (OSError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", None) or f"{type(error).__name__}: {error}"
        raise ConnectionError(f"{url}: no complete answer ({reason}). Try again.") from error
    if received != (expected or received or 1):
        raise ConnectionError(f"{url}: {received} of {expected} bytes came. Try again.")


def _length(url, response):
    """The number of bytes to come; `None` where the transfer itself marks the end."""
    encoding = response.headers.get("Content-Encoding", "identity")
    content = response.headers.get_content_type()
    if response.status != 200 or encoding.lower() != "identity" or content == "text/html":
        raise ValueError(
            f"{url} is not answered with a file but with status {response.status}, {content}, "
            f"encoding {encoding}. Is it the address of the file itself?"
        )
    if response.chunked:
        return None
    if response.length is None:
        raise ValueError(
            f"{url} is sent without its length, so that a part could not be told from the whole. "
            "Download it yourself and give the path."
        )
    if response.length > _MAX_BYTES:
        raise ValueError(f"{url} has {response.length} bytes; at most {_MAX_BYTES} are accepted.")
    return response.length
