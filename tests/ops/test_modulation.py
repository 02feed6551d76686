"""All forms of a modulated convolution are its definition, in values and derivatives."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_gan import backend
from keras_gan.ops import conv, conv_upsample, modulated_conv, modulation, setup_filter

FORMS = {
    "activations": modulation.scale_activations,
    "kernel": modulation.scale_kernel,
    "pointwise": modulation.scale_pointwise_kernels,
}
TAPS = setup_filter((1, 3, 3, 1))


def draw(*shape, seed=0):
    return np.random.RandomState(seed).standard_normal(shape).astype("float32")


def numpy(x):
    return np.asarray(ops.convert_to_numpy(ops.cast(x, "float32")))


def definition(x, kernel, styles, demodulate=True, taps=None, gain=1.0):
    """A kernel of its own for each sample, in float64."""
    rows = []
    kernel = kernel.astype("float64")
    if taps is not None:
        kernel = np.transpose(kernel, (0, 1, 3, 2))
    for image, style in zip(x, styles, strict=True):
        own = kernel * style[:, None]
        if demodulate:
            own = own / np.sqrt(np.sum(own**2, axis=(0, 1, 2)) + 1e-8)
        own = (gain * own).astype("float32")
        if taps is None:
            rows.append(numpy(conv(image[None], own, padding="same")))
        else:
            own = np.transpose(own, (0, 1, 3, 2))
            rows.append(numpy(conv_upsample(ops.convert_to_tensor(image[None]), own, taps)))
    return np.concatenate(rows)


CASES = {
    "several samples": (3, 3, True, None),
    "several samples, upsampling": (3, 3, True, TAPS),
    "several samples, raw": (3, 3, False, None),
    "one sample": (1, 3, True, None),
    "one sample, upsampling": (1, 3, True, TAPS),
    "one sample, raw": (1, 3, False, None),
    "pointwise": (3, 1, True, None),
    "pointwise, raw": (3, 1, False, None),
}


def forms(count, size, taps):
    """The forms that apply."""
    names = ["activations"]
    if count == 1:
        names.append("kernel")
    if size == 1 and taps is None:
        names.append("pointwise")
    return names


@pytest.mark.parametrize("name", CASES)
def test_forms_are_the_definition(name, monkeypatch):
    count, size, demodulate, taps = CASES[name]
    x, styles = draw(count, 6, 4, 3), draw(count, 3, seed=1)
    kernel = draw(size, size, *((3, 2) if taps is None else (2, 3)), seed=2)
    expected = definition(x, kernel, styles, demodulate, taps, gain=1.5)
    derivatives = []
    for form in forms(count, size, taps):
        for other in FORMS.values():
            monkeypatch.setattr(modulation, other.__name__, FORMS[form])
        arguments = [keras.Variable(v) for v in (x, kernel, styles)]

        def compute(x, kernel, styles):
            return modulated_conv(x, kernel, styles, demodulate, taps, gain=1.5)

        found = numpy(compute(*arguments))
        np.testing.assert_allclose(found, expected, atol=2e-5 * np.abs(expected).max())

        def penalty(arguments=arguments):
            # Of the slope at the styles, as path length regularisation has it.
            _, (slope,) = backend.grads(
                lambda w: ops.sum(ops.square(compute(*arguments[:2], w))), [arguments[2] * 1.0]
            )
            return ops.sum(ops.square(slope)), ()

        _, gradients = backend.value_and_grad(penalty, arguments)
        derivatives.append([numpy(g) for g in gradients])
    for others in derivatives[1:]:
        for ours, theirs in zip(others, derivatives[0], strict=True):
            np.testing.assert_allclose(ours, theirs, atol=1e-4 * np.abs(theirs).max())


@pytest.mark.parametrize("count, taps", [(1, None), (1, TAPS), (4, None), (4, TAPS)])
def test_the_form_that_is_chosen(count, taps, monkeypatch):
    """The kernel is scaled where it is small against the activations of a single sample."""
    used = []
    for name, form in FORMS.items():
        monkeypatch.setattr(
            modulation,
            form.__name__,
            lambda *args, name=name, form=form: used.append(name) or form(*args),
        )
    for sides in (4, 32):
        modulated_conv(draw(count, sides, sides, 8), draw(3, 3, 8, 8), draw(count, 8), taps=taps)
    assert used == ["activations", "kernel" if count == 1 else "activations"]
    modulated_conv(draw(count, 4, 4, 8), draw(1, 1, 8, 3), draw(count, 8), demodulate=False)
    assert used[2] == "pointwise"


def test_scale_of_a_style_cancels():
    x, kernel, styles = draw(2, 4, 4, 3), draw(3, 3, 3, 2, seed=1), draw(2, 3, seed=2)
    plain = numpy(modulated_conv(x, kernel, styles))
    np.testing.assert_allclose(numpy(modulated_conv(x, kernel, 7 * styles)), plain, rtol=1e-4)
    # And the norm of a demodulated kernel is 1: noise keeps its variance.
    scales = numpy(modulation.demodulation(kernel, styles))
    own = kernel[None] * styles[:, None, None, :, None] * scales[:, None, None, None, :]
    np.testing.assert_allclose(np.sum(own**2, axis=(1, 2, 3)), 1.0, rtol=1e-5)


@pytest.mark.parametrize(
    "count, size, taps", [(2, 3, None), (2, 3, TAPS), (1, 3, None), (2, 1, None)]
)
def test_half_precision_does_not_overflow(count, size, taps):
    """Sums of large activations, styles and kernels are beyond float16; the results are not."""
    arrays = [
        100 * draw(count, 4, 4, 128),
        draw(size, size, *((128, 4) if taps is None else (4, 128)), seed=1),
        50 * draw(count, 128, seed=2),
    ]
    expected = numpy(modulated_conv(*arrays, taps=taps))
    half = [ops.cast(array, "float16") for array in arrays]
    found = modulated_conv(*half, taps=taps)
    assert keras.backend.standardize_dtype(found.dtype) == "float16"
    np.testing.assert_allclose(numpy(found), expected, atol=5e-3 * np.abs(expected).max())
    zeros = numpy(modulated_conv(half[0], half[1], half[2] * 0, taps=taps))
    np.testing.assert_array_equal(zeros, 0)
