"""Files and folders that are either complete or not there."""

import contextlib
import glob
import hashlib
import os
import pathlib
import shutil
import tempfile
import time

_PREFIX = ".partial-"
# What others may still be writing is younger.
STALE_SECONDS = 24 * 60 * 60


class atomic_file:
    """Context manager: a temporary path beside `path` that replaces it when the block succeeds.

    Args:
        path: str or path of the final file, in an existing folder.

    Example:
    ```python
    with keras_gan.files.atomic_file("weights.h5") as temporary:
        model.save_weights(temporary)
    ```
    """

    def __init__(self, path):
        self.path = pathlib.Path(path)

    def __enter__(self):
        # Keeps the suffixes: writers choose the format by them.
        handle, name = tempfile.mkstemp(prefix=_PREFIX, suffix=self.path.name, dir=self.path.parent)
        os.close(handle)
        self._temporary = pathlib.Path(name)
        return self._temporary

    def __exit__(self, kind, *_):
        try:
            if kind is None:
                # mkstemp makes private files; give the usual permissions.
                self._temporary.chmod(0o666 & ~_umask())
                os.replace(self._temporary, self.path)
        finally:
            # Gone by now if it has become the file.
            self._temporary.unlink(missing_ok=True)


class atomic_folder:
    """Context manager: a temporary folder that becomes `path` when the block succeeds.

    Args:
        path: str or path of the final folder, or of a link to it, which is replaced if it is there;
            its parent exists.

    Example:
    ```python
    with keras_gan.files.atomic_folder("run/snapshot") as temporary:
        model.save_weights(temporary / "model.weights.h5")
    ```
    """

    def __init__(self, path):
        self.path = pathlib.Path(path).resolve()

    def __enter__(self):
        self._temporary = self._new_folder()
        return self._temporary

    def __exit__(self, kind, *_):
        try:
            if kind is None:
                self._temporary.chmod(0o777 & ~_umask())
                self._replace()
        finally:
            # Gone by now if it has become the folder.
            shutil.rmtree(self._temporary, ignore_errors=True)

    def _new_folder(self):
        name = tempfile.mkdtemp(prefix=_PREFIX, suffix=self.path.name, dir=self.path.parent)
        return pathlib.Path(name)

    def _replace(self):
        """Put the new folder in place of the old one, which comes back if that fails."""
        aside = self._new_folder()
        old = aside / "old"
        try:
            if self.path.is_dir():
                os.replace(self.path, old)
            os.replace(self._temporary, self.path)
        except BaseException:
            if old.exists() and not self.path.exists():
                os.replace(old, self.path)
            shutil.rmtree(aside, ignore_errors=True)
            raise
        shutil.rmtree(aside, ignore_errors=True)


def remove_partial(folder, name="", older_than=0):
    """Remove what processes that were killed left unfinished in a folder.

    Args:
        folder: path of a folder, which need not be there.
        name: str, the name of the one file to look for, where others may be writing to the folder.
        older_than: float, seconds since the last change: what other processes may still be writing
            is younger.
    """
    for path in pathlib.Path(folder).glob(f"{_PREFIX}*{glob.escape(name)}"):
        # Another process may remove it, or finish it, at the same time.
        with contextlib.suppress(FileNotFoundError):
            if older_than and time.time() - path.stat().st_mtime <= older_than:
                continue
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()


def check_writable(folder):
    """Raises an OSError if nothing can be written to a folder, which need not be there yet.

    For what takes long: it is better to know before. Nothing is left behind.

    Args:
        folder: str or path.

    Example:
    ```python
    keras_gan.files.check_writable("out")
    ```
    """
    path = pathlib.Path(folder).absolute()
    existing = next(each for each in (path, *path.parents) if each.exists())
    if not existing.is_dir():
        raise NotADirectoryError(
            f"{folder} is no folder: {existing} is a file. Choose another folder."
        )
    try:
        # Permissions alone do not tell: /proc has them, and so has a full disk.
        with (
            tempfile.TemporaryDirectory(prefix=_PREFIX, dir=existing) as inside,
            tempfile.TemporaryFile(dir=inside) as file,
        ):
            file.write(b"0")
    except OSError as error:
        raise type(error)(
            f"Nothing can be written to {folder}: {existing} is not writable ({error.strerror}). "
            "Choose another folder."
        ) from error


def sha256(path):
    """The SHA-256 of a file.

    Args:
        path: str or path.

    Returns:
        str, 64 hexadecimal digits.

    Example:
    ```python
    keras_gan.files.sha256("model.weights.h5")
    ```
    """
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _umask():
    mask = os.umask(0)
    os.umask(mask)
    return mask
