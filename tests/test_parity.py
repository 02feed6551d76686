"""The golden cases of tests/goldens; tools/check_parity.py runs those of any folder."""

import pathlib
import shutil
import sys

import numpy as np
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tools"))

import check_parity  # noqa: E402
from parity.case import Case, Unsupported, draw, find  # noqa: E402
from parity.compare import compare  # noqa: E402

GOLDENS = ROOT / "tests" / "goldens"


@pytest.mark.parametrize("folder", [str(f.relative_to(GOLDENS)) for f in find(GOLDENS)])
def test_golden(folder):
    worst = check_parity.check(GOLDENS / folder)[0]
    assert worst.ratio <= 1, f"{worst.name}: error {worst.seen:.2e}, tolerance {worst.allowed:.2e}"


def test_draws_are_functions_of_seed_and_name():
    first = draw(3, "main.0.weight", [2, 3], mean=1.0, std=0.1)
    assert first.dtype == np.float32
    np.testing.assert_array_equal(first, draw(3, "main.0.weight", [2, 3], mean=1.0, std=0.1))
    assert not np.array_equal(first, draw(3, "main.1.weight", [2, 3], mean=1.0, std=0.1))
    assert draw(3, "labels", [4], "integer", low=5, high=6).tolist() == [5] * 4
    assert (draw(3, "x", [99], "positive", mean=0.5) >= 0.5).all()
    with pytest.raises(Unsupported, match="cauchy"):
        draw(3, "x", [1], "cauchy")


@pytest.mark.parametrize("change", [1.001, float("nan")])
def test_a_wrong_number_is_noticed(change):
    case = Case(GOLDENS / "gan" / "losses")
    computed = {name: np.array(value) for name, value in case.outputs.items()}
    assert compare(case, computed)[0].ratio == 0
    computed["hinge/g_grad_fake"][3] *= change
    worst = compare(case, computed)[0]
    assert worst.name == "hinge/g_grad_fake"
    assert worst.ratio > 1
    computed["hinge/d_loss"] = np.zeros(2)
    with pytest.raises(ValueError, match="shape"):
        compare(case, computed)
    del computed["hinge/d_loss"]
    with pytest.raises(Unsupported, match="hinge/d_loss"):
        compare(case, computed)


def test_a_share_of_the_sampled_elements_may_be_off():
    case = Case(GOLDENS / "dcgan" / "seed32_steps")
    computed = {name: np.array(value) for name, value in case.outputs.items()}
    samples = [name for name in computed if name.startswith("delta_sample/")]
    computed[samples[0]] += 1.0
    assert compare(case, computed)[0].ratio <= 1
    for name in samples:
        computed[name] += 1.0
    assert compare(case, computed)[0].ratio > 1


def test_report_and_exit_status(tmp_path, capsys):
    shutil.copytree(GOLDENS / "gan" / "losses", tmp_path / "gan" / "losses")
    assert check_parity.main([str(tmp_path)]) == 0
    shutil.copytree(GOLDENS / "gan" / "losses", tmp_path / "poetry" / "sonnet")
    assert check_parity.main([str(tmp_path)]) == 1
    assert check_parity.main([str(tmp_path), "--family", "gan", "--case", "lo*"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("passed      gan/losses")
    assert lines[1] == "1 passed, 0 failed, 0 unsupported"
    assert lines[4] == "1 passed, 0 failed, 1 unsupported"
    with pytest.raises(SystemExit):
        check_parity.main([str(tmp_path), "--family", "none"])
