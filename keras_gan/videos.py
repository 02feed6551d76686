"""Videos from frames that come one after another."""

import contextlib
import itertools
import pathlib

import numpy as np

from keras_gan import images
from keras_gan.checks import check_number, check_path
from keras_gan.files import atomic_file

# Delays are hundredths of a second, and players keep to no shorter ones than two.
MAX_GIF_FPS = 50
# Every container keeps times that lie so far apart.
_MIN_FPS, _MAX_FPS = 0.1, 1000

# By suffix: the codec of what ffmpeg writes, the format of what Pillow does.
_CODECS = {".mp4": "libx264", ".mov": "libx264", ".mkv": "libx264", ".webm": "libvpx-vp9"}
_FORMATS = {".gif": "GIF", ".webp": "WEBP", ".png": "PNG", ".apng": "PNG"}
# Pillow puts a file together in memory.
_MAX_BYTES = 2**31


def save_video(path, frames, fps=30):
    """Write frames as a video; the file is either complete or not there.

    `.mp4`, `.mov`, `.mkv` and `.webm` take the packages imageio and imageio-ffmpeg; no frame is
    kept in memory. `.gif`, `.webp`, `.png` and `.apng` are written by Pillow, repeat for ever, and
    are put together in memory: they are for short ones.

    Args:
        path: str or path of the file, whose suffix is the format; its folder is created.
        frames: iterable of uint8 arrays `(H, W, C)` of one shape, C of 1 or 3, of animated images
            also 4.
        fps: float in [0.1, 1000], frames in a second; of a GIF, at most 50, which players keep to.

    Returns:
        int, the number of frames.

    Raises:
        ValueError: if the suffix is of no known format, `fps` is out of range, a frame is of
            another shape, there is none, or they are too many for an animated image.
        ImportError: if imageio or its ffmpeg is needed and not installed.
        OSError: if the file cannot be written as a whole.

    Example:
    ```python
    frames = keras_gan.latents.walk(gan, "0-7", truncation=0.7)
    keras_gan.videos.save_video("walk.mp4", frames, fps=30)
    ```
    """
    check_path("path", path)
    check_number("fps", fps, minimum=_MIN_FPS, maximum=_MAX_FPS)
    path = pathlib.Path(path)
    suffix = path.suffix.lower()
    if suffix not in {**_CODECS, **_FORMATS}:
        raise ValueError(
            f"The suffix of a video is one of {[*_CODECS, *_FORMATS]}. Received: '{path}'"
        )
    if suffix == ".gif" and fps > MAX_GIF_FPS:
        raise ValueError(
            f"`fps` is at most {MAX_GIF_FPS} in a GIF, which counts hundredths of a second. "
            f"Received: {fps}"
        )
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder. Choose another name for the video.")
    write = _write_ffmpeg if suffix in _CODECS else _write_pillow
    if suffix in _CODECS:
        import_imageio()
    counted = _Counted(frames)
    # Looked at before a folder is made.
    first = next(counted, None)
    if first is None:
        raise ValueError("A video has at least one frame. Received: none")
    if suffix in _CODECS and first.shape[2] == 4:
        raise ValueError(f"A {suffix} has no transparency. Write .webp or .png, or RGB frames.")
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_file(path) as temporary:
        write(temporary, first, counted, fps, suffix)
        if suffix in _CODECS:
            _check_complete(temporary, counted.count)
    return counted.count


def import_imageio():
    """The module imageio, if it can call ffmpeg.

    Raises:
        ImportError: if it is not installed; it says how.
    """
    try:
        import imageio
        import imageio_ffmpeg  # noqa: F401
    except ImportError:
        raise ImportError(
            "Videos need the packages imageio and imageio-ffmpeg: pip install keras-gan[video]. "
            "Without them, write an animated image: a path that ends in .webp or .gif."
        ) from None
    return imageio


class _Counted:
    """An iterator of frames, each checked against the first."""

    def __init__(self, frames):
        self._frames = iter(frames)
        self._shape = None
        self.count = 0

    def __iter__(self):
        return self

    def __next__(self):
        frame = np.asarray(next(self._frames))
        if frame.dtype != np.uint8 or frame.ndim != 3 or frame.shape[2] not in (1, 3, 4):
            raise ValueError(
                "A frame is a uint8 array (H, W, C) with 1, 3 or 4 channels. Received: dtype "
                f"{frame.dtype}, shape {frame.shape}"
            )
        if self._shape not in (None, frame.shape):
            raise ValueError(
                f"The frames of a video have one shape. Received: {self._shape} and then "
                f"{frame.shape}"
            )
        self._shape = frame.shape
        self.count += 1
        return frame


def _write_ffmpeg(path, first, frames, fps, suffix):
    # The codecs' colour has half the resolution, so sides are even.
    margin = [(0, side % 2) for side in first.shape[:2]] + [(0, 0)]
    settings = {"fps": fps, "codec": _CODECS[suffix], "macro_block_size": 2}
    # Constant quality, at which a small picture looks like its source.
    if suffix == ".webm":
        settings |= {"quality": None, "ffmpeg_params": ["-crf", "18", "-b:v", "0"]}
    else:
        settings["quality"] = 8
    # The writer's own context leaves ffmpeg running after an error.
    with contextlib.closing(
        import_imageio().get_writer(path, format="FFMPEG", **settings)
    ) as writer:
        for frame in itertools.chain([first], frames):
            frame = np.pad(frame, margin, mode="edge")
            writer.append_data(np.broadcast_to(frame, (*frame.shape[:2], 3)))


def _check_complete(path, count):
    """Raises an OSError unless so many frames are there: the writer hides that ffmpeg failed."""
    import imageio_ffmpeg

    try:
        found, _ = imageio_ffmpeg.count_frames_and_secs(path)
    except RuntimeError:  # its message is all that ffmpeg has printed
        found = 0
    if found != count:
        raise OSError(
            f"ffmpeg could not write the video: {found} of {count} frames can be read. Is the disk "
            "full?"
        )


def _write_pillow(path, first, frames, fps, suffix):
    limit = _MAX_BYTES // first.nbytes
    # Some of Pillow's writers would make a list of them anyway.
    rest = list(itertools.islice(frames, limit))
    if len(rest) == limit:
        raise ValueError(
            f"More than {limit} frames of shape {first.shape} are too much for an animated image, "
            "which is put together in memory. Write .mp4."
        )
    options = {"lossless": True} if suffix == ".webp" else {}
    duration = 1000 / fps
    if suffix == ".gif":
        # Rounded one by one, the errors of the delays would add up.
        duration = (10 * np.diff(np.round(np.arange(len(rest) + 2) * 100 / fps))).tolist()
    first, *rest = [images.to_pil(frame[None])[0] for frame in (first, *rest)]
    first.save(
        path,
        format=_FORMATS[suffix],
        save_all=True,
        append_images=rest,
        duration=duration,
        loop=0,
        **options,
    )
