import numpy as np
import pytest
from keras import ops

from keras_gan import latents


def test_sefa_stretches_most(gan):
    synthesis = gan.ema_generator.synthesis
    directions = latents.sefa(gan, count=8)
    assert directions.vectors.shape == (8, 8) and directions.mean is None
    np.testing.assert_allclose(directions.vectors @ directions.vectors.T, np.eye(8), atol=1e-5)
    assert (np.diff(directions.scales) <= 0).all()
    # The singular values of the affine layers together: 5 of convolutions, 3 of images.
    affine = [layer.affine for block in synthesis.blocks for layer in block.convolutions]
    affine += [block.torgb.affine for block in synthesis.blocks]
    matrix = np.concatenate([ops.convert_to_numpy(a.kernel) for a in affine], axis=1) / np.sqrt(8)
    np.testing.assert_allclose(
        directions.scales, np.linalg.svd(matrix, compute_uv=False), rtol=1e-4
    )
    stretched = np.linalg.norm(directions.vectors @ matrix, axis=1)
    np.testing.assert_allclose(stretched, directions.scales, rtol=1e-4)


def test_sefa_of_chosen_layers(gan):
    synthesis = gan.ema_generator.synthesis
    # Style 1 is that of the first image layer and of the second convolution.
    matrix = np.concatenate(
        [
            ops.convert_to_numpy(synthesis.blocks[0].torgb.affine.kernel),
            ops.convert_to_numpy(synthesis.blocks[1].conv0.affine.kernel),
        ],
        axis=1,
    ) / np.sqrt(8)
    directions = latents.sefa(gan, count=2, layers=[1])
    expected = np.linalg.svd(matrix, compute_uv=False)[:2]
    np.testing.assert_allclose(directions.scales, expected, rtol=1e-4)
    assert (latents.sefa(gan, 2, "5").scales != directions.scales).all()


def test_principal_components(gan):
    vectors, scales, mean = latents.pca(gan, count=3, samples=1500, seed=7)
    z = np.random.RandomState(7).randn(1500, 5)
    w = np.concatenate(
        [
            ops.convert_to_numpy(gan.ema_generator.mapping(z[i : i + 500]))
            for i in range(0, 1500, 500)
        ]
    )
    np.testing.assert_allclose(mean, w.mean(axis=0), atol=1e-5)
    variances = np.linalg.eigvalsh(np.cov(w.T.astype("float64")))[::-1][:3]
    np.testing.assert_allclose(scales, np.sqrt(variances), rtol=1e-4)
    np.testing.assert_allclose(((w - mean) @ vectors.T).std(axis=0), scales, rtol=1e-3)
    largest = np.take_along_axis(vectors, np.abs(vectors).argmax(axis=1)[:, None], axis=1)
    assert (largest > 0).all()


def test_principal_components_of_a_class(make_gan):
    gan = make_gan(num_classes=2)
    found = [latents.pca(gan, 1, samples=10, label=label) for label in (0, 1)]
    assert (found[0].mean != found[1].mean).any()
    with pytest.raises(ValueError, match="Pass `label`"):
        latents.pca(gan, 1)
    with pytest.raises(ValueError, match="A label lies in"):
        latents.pca(gan, 1, label=2)
    for label in ([1], "random"):
        with pytest.raises(ValueError, match="`label` is one class id"):
            latents.pca(gan, 1, samples=50, label=label)


def test_edit():
    ws = np.random.RandomState(0).randn(3, 6, 4).astype("float32")
    direction = np.array([0.0, 1.0, 0.0, 0.0])
    edited = latents.edit(ws, direction, [0, 1, -2], layers="0-1")
    moved = edited - ws
    np.testing.assert_allclose(moved[:, :2, 1], [[0, 0], [1, 1], [-2, -2]], atol=1e-6)
    assert not moved[:, 2:].any() and not moved[:, :, [0, 2, 3]].any()
    np.testing.assert_allclose(latents.edit(ws, direction, 2.0)[..., 1], ws[..., 1] + 2)


@pytest.mark.parametrize(
    ("tool", "message"),
    [
        (lambda gan: latents.sefa(gan, count=0), "`count`"),
        (lambda gan: latents.sefa(gan, count=9), "at most 8 directions"),
        (lambda gan: latents.sefa(gan, layers="6"), "styles 0-5"),
        (lambda gan: latents.pca(gan, samples=1), "`samples`"),
        (lambda gan: latents.pca(gan, 1, seed=-1), "A seed lies in"),
        (lambda gan: latents.pca(gan, 1, label=0), "knows no classes"),
        (lambda gan: latents.edit(np.zeros((1, 8)), np.zeros(8), 1.0), "move along a vector"),
        (lambda gan: latents.edit(np.zeros((1, 6, 8)), np.zeros(7), 1.0), "shape \\(7,\\)"),
        (lambda gan: latents.edit(np.zeros((2, 6, 8)), np.zeros(8), [1.0]), "each of the 2"),
        (lambda gan: latents.edit(np.zeros((1, 6, 8)), np.zeros(8), np.nan), "finite"),
        (lambda gan: latents.edit(np.zeros((1, 6, 8)), np.full(8, np.inf), 1), "`direction` has"),
        (lambda gan: latents.edit(np.full((1, 6, 8), np.nan), np.zeros(8), 1), "`ws` has"),
        (
            lambda gan: latents.edit(np.zeros((1, 6, 8)), np.zeros(8), "a"),
            "`strength` must be real",
        ),
        (lambda gan: latents.edit([[1], [1, 2]], np.zeros(8), 1), "`ws` must be real"),
        (
            lambda gan: latents.edit(np.zeros((1, 6, 8)), latents.sefa(gan, 2), 1),
            r"directions\.vectors\[0\]",
        ),
    ],
)
def test_bad_input(gan, tool, message):
    with pytest.raises(ValueError, match=message):
        tool(gan)
