"""How much a checkpoint may ask of the machine that reads it."""

MAX_PICKLE_BYTES = 64 << 20
MAX_PICKLE_OPCODES = 2_000_000
MAX_HEADER_BYTES = 16 << 20
MAX_TENSORS = 100_000
MAX_MODULES = 10_000
MAX_DEPTH = 64
MAX_NAME = 1024


class Budget:
    """Count what reading one file gives back, and stop it before it is allocated.

    A file may decode to at most four times its size plus 64 MiB. Four leaves room for bfloat16
    (twice), tensors shared under two names (twice) and ordinary compression; the constant lets
    small files hold broadcast or well compressed arrays. Neither lets a bomb grow.

    Args:
        file_size: Size of the file in bytes.

    Example:
        >>> budget = keras_gan.checkpoints.limits.Budget(file_size=1000)
        >>> budget.spend(4000)
    """

    EXPANSION = 4
    ALLOWANCE = 64 << 20

    def __init__(self, file_size):
        self.limit = self.EXPANSION * file_size + self.ALLOWANCE
        self.spent = 0
        self.tensors = 0

    def spend(self, nbytes):
        """Record one more array.

        Args:
            nbytes: Its size in bytes once decoded.

        Raises:
            ValueError: If the file asks for more bytes or more tensors than it may.
        """
        self.spent += nbytes
        self.tensors += 1
        if self.spent > self.limit:
            raise ValueError(f"it decodes to more than {self.limit} bytes, the bound for its size")
        if self.tensors > MAX_TENSORS:
            raise ValueError(f"it holds more than {MAX_TENSORS} tensors")
