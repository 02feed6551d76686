import sys
import weakref

import numpy as np
import pytest
from PIL import Image, ImageSequence

from keras_gan import videos


def frames(count=5, shape=(16, 24, 3)):
    for i in range(count):
        yield np.full(shape, 40 * i, "uint8")


@pytest.mark.parametrize("suffix", [".gif", ".webp", ".png", ".apng"])
def test_animated_images(tmp_path, suffix):
    path = tmp_path / "deep" / f"walk{suffix}"
    assert videos.save_video(path, frames(), fps=20) == 5
    with Image.open(path) as image:
        assert image.size == (24, 16) and image.n_frames == 5
        means, durations = [], []
        for frame in ImageSequence.Iterator(image):
            means.append(np.asarray(frame.convert("RGB")).mean())
            durations.append(image.info["duration"])
    np.testing.assert_allclose(means, [0, 40, 80, 120, 160], atol=2)
    np.testing.assert_allclose(durations, 50)
    assert [p.name for p in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize("shape", [(16, 24, 3), (17, 23, 3), (16, 16, 1)])
def test_mp4(tmp_path, shape):
    imageio = videos.import_imageio()
    path = tmp_path / "walk.mp4"
    assert videos.save_video(str(path), frames(shape=shape), fps=10) == 5
    with imageio.get_reader(path, format="FFMPEG") as reader:
        read = [np.asarray(frame) for frame in reader]
        assert reader.get_meta_data()["fps"] == 10
    assert len(read) == 5
    assert read[0].shape == (shape[0] + shape[0] % 2, shape[1] + shape[1] % 2, 3)
    np.testing.assert_allclose([x.mean() for x in read], [0, 40, 80, 120, 160], atol=4)


def test_webm(tmp_path, capfd):
    squares = np.random.RandomState(0).randint(0, 256, (5, 4, 4, 3))
    made = np.kron(squares, np.ones((1, 8, 8, 1))).astype("uint8")
    assert videos.save_video(tmp_path / "walk.webm", made, fps=30) == 5
    with videos.import_imageio().get_reader(tmp_path / "walk.webm", format="FFMPEG") as reader:
        read = np.stack([np.asarray(frame) for frame in reader]).astype(int)
    assert np.abs(read - made).mean() < 4
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("fps", [7, 30, 35])
def test_a_gif_is_as_long_as_asked(tmp_path, fps):
    videos.save_video(tmp_path / "walk.gif", frames(6), fps)
    with Image.open(tmp_path / "walk.gif") as image:
        durations = [frame.info["duration"] for frame in ImageSequence.Iterator(image)]
    assert len(durations) == 6 and abs(sum(durations) - 6000 / fps) <= 5
    assert max(durations) - min(durations) <= 10


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".webm"])
def test_a_full_disk_is_told_and_the_old_video_kept(tmp_path, suffix):
    resource = pytest.importorskip("resource")
    path = tmp_path / f"walk{suffix}"
    path.write_bytes(b"old")
    noise = np.random.RandomState(0).randint(0, 256, (40, 64, 64, 3)).astype("uint8")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, limits[1]))
    try:
        with pytest.raises(OSError):
            videos.save_video(path, noise)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_a_file_without_all_frames_is_refused(tmp_path):
    videos.save_video(tmp_path / "walk.mp4", frames())
    with pytest.raises(OSError, match="5 of 6 frames can be read"):
        videos._check_complete(tmp_path / "walk.mp4", 6)
    (tmp_path / "walk.mp4").write_bytes(b"no video")
    with pytest.raises(OSError, match="0 of 5 frames"):
        videos._check_complete(tmp_path / "walk.mp4", 5)


def test_frames_are_streamed(tmp_path):
    """No frame is kept: there are never more than a few."""
    alive = weakref.WeakSet()

    class Frame:
        def __array__(self, dtype=None, copy=None):
            return np.zeros((16, 16, 3), "uint8")

    def made():
        for _ in range(30):
            frame = Frame()
            alive.add(frame)
            yield frame
            assert len(alive) < 4

    assert videos.save_video(tmp_path / "walk.mp4", made()) == 30


def test_a_failure_leaves_nothing(tmp_path):
    def broken():
        yield from frames(2)
        raise RuntimeError("the generator has diverged")

    for suffix in (".mp4", ".gif", ".webp"):
        with pytest.raises(RuntimeError, match="diverged"):
            videos.save_video(tmp_path / f"walk{suffix}", broken())
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("path", "made", "fps", "message"),
    [
        ("walk.avi", frames(), 30, r"suffix of a video is one of \['.mp4'"),
        ("walk", frames(), 30, "suffix"),
        ("walk.gif", frames(), 60, "at most 50"),
        ("walk.mp4", frames(), 0, r"`fps` must be a finite number in \[0.1, 1000\]"),
        ("walk.mp4", frames(), 1e9, "`fps`"),
        ("walk.webp", frames(), 1e-9, "`fps`"),
        ("walk.mp4", frames(), "fast", "`fps`"),
        ("walk.mp4", [], 30, "at least one frame"),
        ("walk.gif", [], 30, "at least one frame"),
        ("walk.mp4", frames(shape=(8, 8, 4)), 30, "no transparency"),
        ("walk.gif", [np.zeros((4, 4, 3))], 30, "dtype float64"),
        ("walk.gif", [np.zeros((4, 4, 3), "uint8"), np.zeros((4, 5, 3), "uint8")], 30, "one shape"),
    ],
)
def test_bad_input(tmp_path, path, made, fps, message):
    with pytest.raises(ValueError, match=message):
        videos.save_video(tmp_path / path, made, fps)
    assert not list(tmp_path.iterdir())


def test_no_folder_is_made_for_no_frame(tmp_path):
    for made in ([], [np.zeros((4, 4, 3))]):
        with pytest.raises(ValueError):
            videos.save_video(tmp_path / "new" / "walk.gif", made)
    assert not list(tmp_path.iterdir())


def test_a_folder_is_no_video(tmp_path):
    (tmp_path / "walk.mp4").mkdir()
    with pytest.raises(IsADirectoryError, match="Choose another name"):
        videos.save_video(tmp_path / "walk.mp4", frames())


def test_too_many_frames_for_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(videos, "_MAX_BYTES", 3 * 16 * 24 * 3)
    with pytest.raises(ValueError, match=r"More than 3 frames .* Write \.mp4"):
        videos.save_video(tmp_path / "walk.webp", frames())
    assert videos.save_video(tmp_path / "walk.webp", frames(3)) == 3


def test_without_imageio(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    with pytest.raises(ImportError, match=r"keras-gan\[video\].*\.webp"):
        videos.save_video(tmp_path / "walk.mp4", frames())
    assert not list(tmp_path.iterdir())
