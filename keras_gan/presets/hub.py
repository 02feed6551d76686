"""Repositories of the Hugging Face Hub, `hf://user/repo[@revision]`, through `huggingface_hub`."""

import contextlib
import os
import pathlib
import re

_URI = re.compile(r"hf://(?P<repo>[^/@]+/[^/@]+)(?:/(?P<file>[^@]+))?(?:@(?P<revision>.+))?")
_REPO = re.compile(r"(?!.*(--|\.\.))(?!.*\.git$)[A-Za-z0-9_][\w.-]*/[A-Za-z0-9_][\w.-]*", re.ASCII)
_MAX_REPO, _MAX_PATH = 96, 255
# Git forbids these in revisions; in files they are separators or wildcards of some system.
_FORBIDDEN = set(' \\~^:?*[]"<>|')

_LOG_IN = "log in with `hf auth login` or set HF_TOKEN"
_REMEDIES = {
    401: f"{_LOG_IN[0].upper()}{_LOG_IN[1:]}; the token in use is missing, wrong or expired.",
    403: "Ask its owner for access, and " + _LOG_IN + ".",
    404: "Check the name; if it is private, " + _LOG_IN + ".",
    429: "Too many requests were made: wait some minutes; those who log in may make more.",
}


def parse(uri):
    """The parts of `hf://user/repo[/file][@revision]`.

    Args:
        uri: str.

    Returns:
        `(repo, file, revision)`, each a str; `None` for a file or revision that is not stated.

    Raises:
        ValueError: if it has another form, or characters that such names never have.

    Example:
    ```python
    keras_gan.presets.hub.parse("hf://user/repo@v1")  # ("user/repo", None, "v1")
    ```
    """
    match = _URI.fullmatch(uri)
    if match is None:
        raise ValueError(f"A repository is written hf://user/repo or with @revision: {uri!r}")
    repo, file, revision = match["repo"], match["file"], match["revision"]
    if not _REPO.fullmatch(repo) or repo[-1] in ".-" or len(repo) > _MAX_REPO:
        raise ValueError(
            f"{repo!r} in {uri!r} cannot be a repository: user and name consist of letters, digits "
            "and single '-', '_' and '.'."
        )
    for kind, value in (("file", file), ("revision", revision)):
        if value is not None:
            check_path(kind, value)
    return repo, file, revision


def check_path(kind, value):
    """Raises a ValueError unless `value` is a relative path, harmless on every system."""
    fine = (
        isinstance(value, str)
        and len(value) <= _MAX_PATH
        and value.isprintable()
        and not _FORBIDDEN & set(value)
        and not {"", ".", ".."} & set(value.split("/"))
    )
    if not fine:
        raise ValueError(f"{value!r} cannot be the name of a {kind}.")


class Repository:
    """A repository at one revision; all its files are read from the same commit.

    `huggingface_hub` downloads, compares lengths, keeps the cache (HF_HOME) and honours HF_TOKEN,
    HF_ENDPOINT and HF_HUB_OFFLINE.

    Args:
        repo: str, `user/name`.
        revision: str, a branch, tag or commit; the default branch by default.
        cache_dir: str or path of another cache.

    Raises:
        ImportError: if `huggingface_hub` is not installed.

    Example:
    ```python
    repository = keras_gan.presets.hub.Repository("user/repo", revision="v1")
    text = repository.read("config.json", parse=pathlib.Path.read_text, max_bytes=1 << 20)
    ```
    """

    def __init__(self, repo, revision=None, cache_dir=None):
        self._hub = huggingface_hub()
        self._repo, self._revision, self._cache_dir = repo, revision, cache_dir

    def __str__(self):
        return f"hf://{self._repo}" + (f"@{self._revision}" if self._revision else "")

    def read(self, name, parse, max_bytes):
        """What `parse` makes of a file's path.

        A copy that lay in the cache and that `parse` refuses with a ValueError is downloaded again,
        once.

        Args:
            name: str, the file's path in the repository.
            parse: function from a path, which may raise a ValueError.
            max_bytes: int, a larger file is refused, before it is downloaded if the hub states its
                size.

        Returns:
            What `parse` returns.

        Raises:
            FileNotFoundError: if there is no such repository, revision or file, or the hub is
                switched off (HF_HUB_OFFLINE) and the file not in the cache.
            OSError: if the hub cannot be reached, refuses, or breaks off, or the cache cannot be
                written.
            ValueError: if the file is too large, or from `parse`.
        """
        path, was_cached = self._fetch(name, max_bytes)
        try:
            return parse(path)
        except ValueError:
            if not was_cached or self._hub.constants.HF_HUB_OFFLINE:
                raise
        path, _ = self._fetch(name, max_bytes, force_download=True)
        return parse(path)

    def _fetch(self, name, max_bytes, **options):
        where = f"'{name}' of {self}"
        options.update(
            repo_id=self._repo,
            filename=name,
            revision=self._revision,
            cache_dir=self._cache_dir,
            library_name="keras_gan",
        )
        with explained(where, self._cache_dir):
            plan = self._hub.hf_hub_download(**options, dry_run=True)
            size = plan.file_size
            if size is None or size <= max_bytes:
                path = pathlib.Path(self._hub.hf_hub_download(**options))
                size = path.stat().st_size
        if size > max_bytes:
            raise ValueError(f"{where} has {size} bytes; at most {max_bytes} are accepted.")
        # A branch may move on between two files: the others come from this commit. The cache keeps
        # each commit in a folder of that name.
        self._revision = path.parents[name.count("/")].name
        return path, plan.is_cached


def commit(repo, files, message, private=None):
    """Put files into a repository, all in one commit; the repository is created if need be.

    Args:
        repo: str, `user/name`.
        files: dict from path in the repository to bytes or path of a local file.
        message: str, of the commit.
        private: bool, whether a repository that is created is private; the account's default by
            default.

    Returns:
        str, the address of the commit.

    Raises:
        ImportError: if `huggingface_hub` is not installed.
        OSError: if the hub cannot be reached or refuses.

    Example:
    ```python
    keras_gan.presets.hub.commit("user/repo", {"config.json": b"{}"}, "Add a preset")
    ```
    """
    hub = huggingface_hub()
    with explained(f"hf://{repo}"):
        hub.create_repo(repo, private=private, exist_ok=True)
        operations = [
            hub.CommitOperationAdd(path_in_repo=name, path_or_fileobj=content)
            for name, content in files.items()
        ]
        return hub.create_commit(repo, operations, commit_message=message).commit_url


def huggingface_hub():
    """The module, imported when it is first needed.

    Raises:
        ImportError: if it is not installed, or too old.
    """
    with contextlib.suppress(ImportError):
        import huggingface_hub.constants
        import huggingface_hub.errors

        if not huggingface_hub.__version__.startswith("0."):
            return huggingface_hub
    raise ImportError("hf:// needs huggingface_hub 1.0 or newer: pip install 'keras-gan[hub]'")


@contextlib.contextmanager
def explained(where, cache_dir=None):
    """Raise the many errors of `huggingface_hub` and its HTTP client as OSErrors with a remedy."""
    constants, errors = huggingface_hub().constants, huggingface_hub().errors
    try:
        yield
    except Exception as error:
        cache = os.fspath(cache_dir or constants.HF_HUB_CACHE)
        raise _explanation(error, where, cache, constants, errors) from error


def _explanation(error, where, cache, constants, errors):
    """The error to raise for `error`."""
    missed = isinstance(error, errors.LocalEntryNotFoundError)
    wrapped = error
    if missed or not isinstance(error, OSError):
        # What happened is wrapped in "not in the cache" or "the upload failed".
        wrapped = error.__cause__ or error
    uncached = f" It is not in the cache ({cache}) either." if missed else ""
    if missed and constants.HF_HUB_OFFLINE:
        return FileNotFoundError(
            f"{where} was not found in the cache ({cache}), and HF_HUB_OFFLINE forbids to look "
            "further. Run once without it."
        )
    if isinstance(wrapped, errors.EntryNotFoundError) and not missed:
        return FileNotFoundError(f"There is no {where}. Is it a preset of keras_gan, complete?")
    if isinstance(wrapped, errors.RevisionNotFoundError):
        return FileNotFoundError(
            f"{where}: there is no such revision. Use a branch, tag or commit."
        )
    if isinstance(wrapped, errors.GatedRepoError):
        return PermissionError(f"{where}: its page asks you to accept terms. Do, and {_LOG_IN}.")
    if isinstance(wrapped, errors.RepositoryNotFoundError):
        return FileNotFoundError(
            f"{where}: no such repository is visible at {constants.ENDPOINT}. {_REMEDIES[404]}"
        )
    if isinstance(wrapped, errors.HfHubHTTPError):
        status = wrapped.response.status_code
        kind = {401: PermissionError, 403: PermissionError, 404: FileNotFoundError}
        remedy = _REMEDIES.get(status, "Try again later.")
        return kind.get(status, OSError)(
            f"{where}: {constants.ENDPOINT} answered with HTTP status {status} "
            f"({wrapped.server_message or 'no reason given'}).{uncached} {remedy}"
        )
    if isinstance(wrapped, OSError) and wrapped.errno is not None:
        return unwritable(wrapped, where, cache, "`cache_dir` or HF_HOME")
    summary = f"{type(wrapped).__name__}: {str(wrapped).strip()}".splitlines()[0]
    return ConnectionError(
        f"{where}: no complete answer from {constants.ENDPOINT} ({summary}).{uncached} Check the "
        "connection (and HF_ENDPOINT, if you set it) and try again."
    )


def unwritable(error, where, cache, settings):
    """The OSError to raise where the cache could not be written: `error` with a remedy.

    Args:
        error: OSError of the operating system.
        where: str, what was to be stored.
        cache: str or path of the cache.
        settings: str, what sets another folder.

    Returns:
        OSError with the same `errno`.
    """
    return OSError(
        error.errno,
        f"{where} could not be stored in the cache ({cache}): {error.strerror}. Make room there, "
        f"or set {settings} to a folder that can be written",
    )
