import errno
import os
import stat

import pytest

from keras_gan.files import atomic_file, atomic_folder, check_writable


def test_replaces_at_the_end(tmp_path):
    path = tmp_path / "a.weights.h5"
    path.write_text("old")
    with atomic_file(path) as temporary:
        assert temporary.name.endswith(".weights.h5") and temporary.parent == tmp_path
        temporary.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert os.listdir(tmp_path) == ["a.weights.h5"]


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_an_exception_leaves_nothing_behind(tmp_path, error):
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(error), atomic_file(str(path)) as temporary:
        temporary.write_text("half")
        raise error
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_a_target_that_cannot_be_replaced_leaves_nothing_behind(tmp_path):
    (tmp_path / "folder").mkdir()
    with pytest.raises(OSError), atomic_file(tmp_path / "folder") as temporary:
        temporary.write_text("x")
    assert os.listdir(tmp_path) == ["folder"]


def test_a_writer_that_removes_its_file_fails_without_a_trace(tmp_path):
    with pytest.raises(FileNotFoundError), atomic_file(tmp_path / "a") as temporary:
        temporary.unlink()
    assert os.listdir(tmp_path) == []


def test_usual_permissions(tmp_path):
    umask = os.umask(0o022)
    try:
        with atomic_file(tmp_path / "a") as temporary:
            temporary.write_text("x")
    finally:
        os.umask(umask)
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o644


def test_a_missing_folder_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError), atomic_file(tmp_path / "no" / "a"):
        pass


def replace_folder(path):
    with atomic_folder(path) as temporary:
        (temporary / "file").write_text("new")


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "file").write_text("old")
    return tmp_path / "folder"


def test_a_folder_is_replaced(tmp_path, folder):
    (tmp_path / "link").symlink_to(folder)
    replace_folder(tmp_path / "link")
    assert (folder / "file").read_text() == "new"
    assert sorted(os.listdir(tmp_path)) == ["folder", "link"]


@pytest.mark.parametrize("failing", [1, 2])
@pytest.mark.parametrize("error", [OSError, KeyboardInterrupt])
def test_a_folder_that_cannot_be_replaced_stays(tmp_path, folder, monkeypatch, failing, error):
    moved, move = [], os.replace

    def fails_once(*paths):
        moved.append(paths)
        if len(moved) == failing:
            raise error
        move(*paths)

    monkeypatch.setattr(os, "replace", fails_once)
    with pytest.raises(error):
        replace_folder(folder)
    assert (folder / "file").read_text() == "old"
    assert os.listdir(tmp_path) == ["folder"]


def test_a_file_is_not_replaced_by_a_folder(tmp_path):
    (tmp_path / "file").write_text("old")
    with pytest.raises(NotADirectoryError):
        replace_folder(tmp_path / "file")
    assert os.listdir(tmp_path) == ["file"]


def test_what_can_be_written_to(tmp_path):
    check_writable(tmp_path)
    check_writable(tmp_path / "a" / "b")
    (tmp_path / "file").write_text("")
    for path in ("file", "file/a"):
        with pytest.raises(NotADirectoryError, match="file is a file"):
            check_writable(tmp_path / path)
    assert os.listdir(tmp_path) == ["file"]


@pytest.mark.parametrize("error", [PermissionError, OSError])
def test_what_cannot_be_written_to(tmp_path, monkeypatch, error):
    def refused(*_):
        raise error(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "mkdir", refused)
    with pytest.raises(error, match=r"is not writable .No space.* Choose another folder"):
        check_writable(tmp_path)


@pytest.mark.skipif(not os.path.isdir("/proc"), reason="there is no /proc")
def test_a_folder_that_only_looks_writable():
    with pytest.raises(OSError, match="Nothing can be written to /proc/x"):
        check_writable("/proc/x")
