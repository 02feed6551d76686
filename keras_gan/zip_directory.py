"""The directory of a zip file, read with less trust than `zipfile` has."""

import zipfile


def open_zip(stream, max_directory):
    """Open a zip file whose directory must not be larger than a bound.

    `zipfile` reads the whole directory and makes an object of each entry, however many there are.

    Args:
        stream: binary file object, from its start.
        max_directory: int, the most bytes that the directory may have.

    Returns:
        `zipfile.ZipFile`.

    Raises:
        ValueError: if the directory is larger.
        zipfile.BadZipFile: if it is not a zip file.

    Example:
    ```python
    with open("photos.zip", "rb") as file:
        entries = keras_gan.zip_directory.open_zip(file, 1 << 20).infolist()
    ```
    """
    capped = _Capped(stream, max_directory)
    archive = zipfile.ZipFile(capped)
    capped.limit = None
    return archive


class _Capped:
    """A stream that gives no more than `limit` bytes at once."""

    def __init__(self, stream, limit):
        self._stream = stream
        self.limit = limit

    def read(self, size=-1):
        if self.limit is not None and not 0 <= size <= self.limit:
            data = self._stream.read(self.limit + 1)
            if len(data) > self.limit:
                raise ValueError(f"the zip directory is larger than {self.limit} bytes")
            return data
        return self._stream.read(size)

    def __getattr__(self, name):
        return getattr(self._stream, name)
