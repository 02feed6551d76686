import json
import os
import sys

import pytest

from keras_gan import default_backend


@pytest.fixture
def fresh(monkeypatch, tmp_path):
    """A process in which nobody has chosen, and with the packages that `installed` names."""
    installed = {"tensorflow"}
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.delitem(sys.modules, "keras", raising=False)
    monkeypatch.setattr(default_backend, "_is_installed", installed.__contains__)
    return installed, tmp_path / "keras.json"


@pytest.mark.parametrize(
    ("packages", "configured", "chosen"),
    [
        ({"tensorflow", "torch"}, None, None),
        ({"torch"}, None, "torch"),
        ({"jax", "torch"}, None, "jax"),
        ({"jax", "torch"}, {"backend": "torch"}, None),
        ({"torch"}, {"backend": "tensorflow"}, "torch"),
        ({"torch"}, ["not", "a", "configuration"], "torch"),
    ],
)
def test_an_installed_backend_is_chosen(fresh, packages, configured, chosen):
    installed, configuration = fresh
    installed.clear()
    installed.update(packages)
    if configured is not None:
        configuration.write_text(json.dumps(configured))
    default_backend.choose()
    assert os.environ.pop("KERAS_BACKEND", None) == chosen


def test_none_is_installed(fresh):
    fresh[0].clear()
    with pytest.raises(ImportError, match=r"pip install keras-gan\[torch\]"):
        default_backend.choose()


def test_the_users_choice_stays(fresh, monkeypatch):
    fresh[0].clear()
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    default_backend.choose()
    assert os.environ["KERAS_BACKEND"] == "jax"
