"""Files that are either complete or not there."""

import hashlib
import os
import pathlib
import tempfile


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
        handle, name = tempfile.mkstemp(
            prefix=".partial-", suffix=self.path.name, dir=self.path.parent
        )
        os.close(handle)
        self._temporary = pathlib.Path(name)
        return self._temporary

    def __exit__(self, kind, *_):
        try:
            if kind is None:
                # mkstemp makes private files; give the usual permissions.
                umask = os.umask(0)
                os.umask(umask)
                self._temporary.chmod(0o666 & ~umask)
                os.replace(self._temporary, self.path)
        finally:
            # Gone by now if it has become the file.
            self._temporary.unlink(missing_ok=True)


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
