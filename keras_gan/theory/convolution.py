"""Sizes of feature maps."""

from keras_gan.checks import check_integer


def transposed_convolution_size(size, kernel_size, stride=1, padding=0, output_padding=0):
    """The side of a transposed convolution's output: (size - 1) stride - 2 padding + kernel_size.

    Kernel 4, stride 1, padding 0 makes 4 of 1; kernel 4, stride 2, padding 1 doubles. A generator
    of the first and n of the second kind ends at 4 * 2^n pixels.

    Args:
        size: int >= 1, the side of its input.
        kernel_size: int >= 1.
        stride: int >= 1.
        padding: int >= 0, rows taken away at each end, as PyTorch counts.
        output_padding: int >= 0, rows added at the last end.

    Returns:
        int.

    Raises:
        ValueError: if an argument is out of its range or nothing would be left.

    Example:
    ```python
    keras_gan.theory.transposed_convolution_size(8, 4, stride=2, padding=1)  # 16
    ```
    """
    for name, number, minimum in (
        ("size", size, 1),
        ("kernel_size", kernel_size, 1),
        ("stride", stride, 1),
        ("padding", padding, 0),
        ("output_padding", output_padding, 0),
    ):
        check_integer(name, number, minimum)
    result = (size - 1) * stride - 2 * padding + kernel_size + output_padding
    if result < 1:
        raise ValueError(
            f"A padding of {padding} leaves nothing of size={size}, kernel_size={kernel_size}, "
            f"stride={stride}: the output would have {result} rows. Use a smaller `padding`."
        )
    return result
