"""What folders and zips of images have in common: names, labels and the record of `prepare`."""

import json
import os
import posixpath
import reprlib

import numpy as np

from keras_gan.data import images

EXTENSIONS = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff")
LABELS = "dataset.json"
RECORD = "keras_gan.json"
_MAX_LABEL = np.iinfo("int32").max
_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxother = 100


def is_image(name):
    """Tells whether a relative path is that of an image file that is not hidden."""
    return name.lower().endswith(EXTENSIONS) and not any(
        part.startswith(".") for part in name.split("/")
    )


def plain(name):
    """Returns a path inside a container with forward slashes, relative to its root.

    Paths that point out of the container (`/a`, `../a`) end at its root.
    """
    return posixpath.normpath("/" + name.replace("\\", "/")).lstrip("/")


class NamedFiles:
    """A container of image files with names.

    Subclasses have `names` (sorted relative paths with forward slashes), `place`, `where(name)`,
    `open(name)`, `source` (the name of the reader) and `_read(name)`, which returns the content of
    another file of the container, or None if there is no such file.
    """

    @property
    def protocol(self):
        """JSON-able dict that says where the images come from."""
        made = {"source": self.source, "path": os.path.basename(self.place)}
        record = self._record()
        return {**made, "prepared": record["protocol"]} if record else made

    def label(self, labels):
        """Returns the class ids in the order of `names`, and the names of the classes, or None."""
        images.check_choice("labels", labels, (None, "folders", LABELS, "auto"))
        if labels is None:
            return None, None
        if labels == "folders":
            return self._label_by_folder()
        content = self._read(LABELS)
        if content is None and labels == "auto":
            return None, None
        if content is None:
            raise ValueError(
                f"`labels='{LABELS}'` needs the file {LABELS} in {self.place}, but there is none. "
                "Add it, or use `labels='folders'` or `labels=None`."
            )
        ids = parse_labels(content, self.names, f"{LABELS} of {self.place}")
        if ids is None and labels == "auto":
            return None, None
        if ids is None:
            raise ValueError(f"{LABELS} of {self.place} holds no labels (null). Use `labels=None`.")
        class_names = (self._record() or {}).get("class_names")
        if class_names is not None and max(ids) >= len(class_names):
            raise ValueError(
                f"{LABELS} of {self.place} has the class id {max(ids)}, but {RECORD} names only "
                f"{len(class_names)} classes. Prepare the images again."
            )
        return ids, class_names

    def _label_by_folder(self):
        tops = [name.partition("/") for name in self.names]
        loose = [name for name, slash, _ in tops if not slash]
        if loose:
            raise ValueError(
                f"`labels='folders'` needs every image in a sub-folder, but {len(loose)} lie "
                f"directly in {self.place}, e.g. {loose[0]!r}. Move them into the folder of their "
                "class, or use `labels=None`."
            )
        names, ids = np.unique([top for top, _, _ in tops], return_inverse=True)
        return ids.tolist(), names.tolist()

    def _record(self):
        content = self._read(RECORD)
        return None if content is None else parse_record(content, f"{RECORD} of {self.place}")


def parse_labels(content, names, where):
    """Reads NVIDIA's `dataset.json`: `{"labels": [["00000/img00000000.png", 6], ...]}`.

    Args:
        content: Bytes of the file.
        names: Sequence of the names of all images.
        where: What messages call the file.

    Returns:
        List of integer class ids in the order of `names`, or None if the labels are null.

    Raises:
        ValueError: If it is no such file, or does not hold one class id for each image and for
            nothing else.
    """
    found = _parse_json(content, where)
    if not isinstance(found, dict) or not isinstance(found.get("labels", 0), (list, type(None))):
        raise ValueError(
            f'{where} must hold {{"labels": [[file name, class id], ...]}} or {{"labels": null}}. '
            f"Received: {_shorten(found)}"
        )
    if found["labels"] is None:
        return None
    ids = {}
    for pair in found["labels"]:
        if not isinstance(pair, list) or len(pair) != 2 or not isinstance(pair[0], str):
            raise ValueError(
                f"{where}: labels are pairs [file name, class id], such as "
                f'["00000/img00000000.png", 6]. Received: {_shorten(pair)}'
            )
        name, label = plain(pair[0]), pair[1]
        if type(label) is not int or not 0 <= label <= _MAX_LABEL:
            raise ValueError(
                f"{where}: labels are integer class ids in [0, {_MAX_LABEL}]. Received: "
                f"{_shorten(label)} for {_shorten(name)}. Write class ids instead (of a one-hot "
                "vector, the index of the 1), or use `labels=None`."
            )
        if name in ids:
            raise ValueError(f"{where} labels {_shorten(name)} twice. Remove one of the labels.")
        ids[name] = label
    keys = [plain(name) for name in names]
    missing = [key for key in keys if key not in ids]
    if missing:
        raise ValueError(
            f"{where} lacks the labels of {len(missing)} of {len(keys)} images: {_some(missing)}. "
            "Add them, or remove the images."
        )
    unknown = sorted(ids.keys() - set(keys))
    if unknown:
        raise ValueError(
            f"{where} labels {len(unknown)} files that are no images there: {_some(unknown)}. "
            "Remove these labels, or add the images."
        )
    return [ids[key] for key in keys]


def parse_record(content, where):
    """Reads `keras_gan.json`, which `keras_gan.data.prepare` writes beside the images.

    Args:
        content: Bytes of the file.
        where: What messages call the file.

    Returns:
        Dict with "protocol" (a dict) and "class_names" (a list of strings, or None).

    Raises:
        ValueError: If it is no such file.
    """
    found = _parse_json(content, where)
    names = found.get("class_names") if isinstance(found, dict) else None
    if (
        not isinstance(found, dict)
        or not isinstance(found.get("protocol"), dict)
        or not isinstance(names, (list, type(None)))
        or not all(isinstance(name, str) for name in names or ())
    ):
        raise ValueError(
            f"{where} is not what `keras_gan.data.prepare` writes. Received: {_shorten(found)}. "
            "Remove the file, or prepare the images again."
        )
    return {"protocol": found["protocol"], "class_names": names}


def _parse_json(content, where):
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{where} is not valid JSON: {error}. Write it again.") from error


def _some(names):
    return ", ".join(map(_shorten, names[:5])) + (", ..." if len(names) > 5 else "")


def _shorten(value):
    return _SHORT.repr(value)
