import math

import numpy as np
import pytest

from keras_gan.checks import check_number, finite_array, suggestion


@pytest.mark.parametrize("value", [1, 0.5, np.float32(0.5), np.float16(1), np.int64(1)])
def test_numbers(value):
    check_number("rate", value, maximum=1)


@pytest.mark.parametrize(
    "value", [True, np.True_, "1", None, 1j, math.inf, np.float32("nan"), np.float64("-inf"), -1]
)
def test_what_is_no_number_from_zero_on(value):
    with pytest.raises(ValueError, match=r"`rate` must be a finite number >= 0\. Received"):
        check_number("rate", value)


def test_arrays_of_finite_numbers():
    array = np.ones(2, "float32")
    assert finite_array("x", array) is array
    assert finite_array("x", [1, 2], "float64").dtype == "float64"
    for bad in ("a", None, [[1], [1, 2]], [1j], [True]):
        with pytest.raises(ValueError, match=r"`x` must be real numbers\. Received"):
            finite_array("x", bad)
    with pytest.raises(ValueError, match="`x` has entries"):
        finite_array("x", [np.nan])
    with pytest.raises(ValueError, match="`x` has entries"):
        finite_array("x", 1e300)


def test_suggestions():
    assert suggestion("emoij", ["emoji", "faces"]) == " Did you mean 'emoji'?"
    assert suggestion("x", ["emoji", "faces"]) == ""
