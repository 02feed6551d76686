"""Spectral normalisation: a layer's kernel, divided by its largest singular value."""

import math

import keras
from keras import ops

from keras_gan import backend
from keras_gan.checks import check_integer
from keras_gan.initializers import RandomNormal
from keras_gan.layers.maxout import Maxout

_TRANSPOSED = (
    keras.layers.Conv1DTranspose,
    keras.layers.Conv2DTranspose,
    keras.layers.Conv3DTranspose,
)
_ACCEPTED = (
    keras.layers.Dense,
    Maxout,
    keras.layers.Conv1D,
    keras.layers.Conv2D,
    keras.layers.Conv3D,
    *_TRANSPOSED,
    keras.layers.Embedding,
)


@keras.saving.register_keras_serializable(package="keras_gan")
class SpectralNormalization(keras.layers.Wrapper):
    """Lets a layer work with W / sigma(W) in the place of its kernel W.

    W stays the trained weight, and gradients of all orders flow through sigma. (Keras' layer of
    this name writes W / sigma(W) into the weight in every step.) As a matrix, W has a row for each
    output and a column for each tap and input; the table of an `Embedding` is taken as it is. sigma
    is estimated by the power method, with u and v as constants:
    v <- W^T u / |W^T u|, u <- W v / |W v|, sigma = u^T W v.
    Computed in float32 under every dtype policy.

    In each call with `training=True`, u moves on by one iteration; with several in one update (real
    images, generated ones, a penalty), by several. Outside of training it stays, and the two
    conventions of the literature differ:

    - `"iterate"`: sigma comes from one more iteration, which is forgotten (Miyato's code, mimicry's
      own layers, BigGAN-PyTorch). State: `u`.
    - `"stored"`: sigma = u^T W v with both vectors of the last training call (PyTorch's
      `torch.nn.utils.spectral_norm`). State: `u` and `v`.

    Args:
        layer: `Dense`, `Maxout`, `Conv1D` to `Conv3D`, their transposes, or `Embedding`, of Keras
            or of `keras_gan.layers`.
        power_iterations: int >= 1, in each training call.
        epsilon: float > 0, lower bound of the norms that are divided by.
        inference: str, one of the above.
        **kwargs: of `keras.Layer`.

    Call arguments:
        inputs: what the layer takes.
        training: bool. Move u on.

    Raises:
        ValueError: if the layer is of another kind or an argument out of its range.

    Example:
    ```python
    layer = keras_gan.layers.SpectralNormalization(keras_gan.layers.Conv2D(64, 3))
    y = layer(images, training=True)
    ```

    Reference: Miyato et al. (2018), Spectral Normalization for Generative Adversarial Networks,
    arXiv:1802.05957.
    """

    def __init__(self, layer, power_iterations=1, epsilon=1e-12, inference="iterate", **kwargs):
        if not isinstance(layer, _ACCEPTED):
            names = [kind.__name__ for kind in _ACCEPTED]
            raise ValueError(
                f"Spectral normalisation is for the layers {names}. Received: {layer!r}"
            )
        check_integer("power_iterations", power_iterations, minimum=1)
        if not isinstance(epsilon, (int, float)) or not epsilon > 0:
            raise ValueError(f"`epsilon` is a number > 0. Received: {epsilon!r}")
        if inference not in ("iterate", "stored"):
            raise ValueError(f"`inference` is 'iterate' or 'stored'. Received: {inference!r}")
        kwargs.setdefault("dtype", layer.dtype_policy)
        # The kernel is divided in float32, then cast by the layer itself.
        super().__init__(layer, autocast=False, **kwargs)
        self.power_iterations = power_iterations
        self.epsilon = epsilon
        self.inference = inference

    def build(self, input_shape):
        """Create the layer's weights and the singular vectors."""
        super().build(input_shape)
        rows = self._kernel().shape[self._output_axis()]
        self.u = self._add_vector("u", rows)
        if self.inference == "stored":
            self.v = self._add_vector("v", math.prod(self._kernel().shape) // rows)

    def _add_vector(self, name, size):
        draw = RandomNormal(stddev=1.0)
        return self.add_weight(
            name=name,
            shape=(size,),
            dtype="float32",
            initializer=lambda shape, dtype: self._unit(draw(shape, dtype)),
            trainable=False,
        )

    def call(self, inputs, training=False):
        """What the layer makes of `inputs` with the normalised kernel."""
        kernel = self.normalized_kernel(training)
        return backend.with_values([self._kernel()], [kernel], lambda: self.layer(inputs))

    def normalized_kernel(self, training=False):
        """W / sigma(W), which the layer works with.

        Args:
            training: bool. Move u on.

        Returns:
            A float32 tensor of the kernel's shape.
        """
        kernel = ops.cast(self._kernel(), "float32")
        return kernel / self._singular_value(kernel, training)

    def _singular_value(self, kernel, training):
        matrix = self._matrix(kernel)
        constant = ops.stop_gradient(matrix)
        u = ops.convert_to_tensor(self.u)
        if not training and self.inference == "stored":
            v = ops.convert_to_tensor(self.v)
        else:
            for _ in range(self.power_iterations if training else 1):
                v = self._unit(ops.matmul(constant, u))
                u = self._unit(ops.matmul(v, constant))
        if training:
            self.u.assign(u)
            if self.inference == "stored":
                self.v.assign(v)
        return ops.sum(v * ops.matmul(matrix, u))

    def _matrix(self, kernel):
        """The transpose of W, `(taps * inputs, outputs)`: how most kernels lie in memory."""
        kernel = ops.moveaxis(kernel, self._output_axis(), -1)
        return ops.reshape(kernel, (-1, kernel.shape[-1]))

    def _kernel(self):
        is_table = isinstance(self.layer, keras.layers.Embedding)
        return self.layer.embeddings if is_table else self.layer.kernel

    def _output_axis(self):
        if isinstance(self.layer, keras.layers.Embedding):
            return 0
        return -2 if isinstance(self.layer, _TRANSPOSED) else -1

    def _unit(self, vector):
        norm = ops.sqrt(ops.sum(ops.square(vector)))
        return vector / ops.maximum(norm, self.epsilon)

    def compute_output_shape(self, input_shape):
        """That of the layer."""
        return self.layer.compute_output_shape(input_shape)

    def get_config(self):
        """The constructor's arguments."""
        return {
            **super().get_config(),
            "power_iterations": self.power_iterations,
            "epsilon": self.epsilon,
            "inference": self.inference,
        }
