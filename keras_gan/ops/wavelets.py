"""Filters that come from wavelets."""

import functools

import numpy as np

# The low-pass filters of the symlets of Daubechies with 12 and with 4 taps, of sum sqrt(2).
_SYM6 = (
    0.015404109327027373,
    0.0034907120842174702,
    -0.11799011114819057,
    -0.048311742585633,
    0.4910559419267466,
    0.787641141030194,
    0.3379294217276218,
    -0.07263752278646252,
    -0.021060292512300564,
    0.04472490177066578,
    0.0017677118642428036,
    -0.007800708325034148,
)
_SYM2 = (
    -0.12940952255092145,
    0.22414386804185735,
    0.836516303737469,
    0.48296291314469025,
)
_OCTAVES = 3


def low_pass():
    """The filter that halves or doubles a resolution: float64 array `(12,)` of sum 1."""
    return np.array(_SYM6) / np.sum(_SYM6)


@functools.lru_cache
def band_filters():
    """Filters that divide a signal into four bands of frequencies, each an octave wide.

    Returns:
        float64 array `(4, 43)`, the lowest band first. Together they leave a signal as it is.
    """
    low = np.array(_SYM2)
    high = low * (-1.0) ** np.arange(len(low))
    # Followed by their mirror images, which undoes their shift in phase.
    low, high = (np.convolve(h, h[::-1]) / 2 for h in (low, high))
    bands = np.eye(_OCTAVES + 1, 1)
    for octave in range(1, _OCTAVES + 1):
        wider = np.zeros((len(bands), 2 * bands.shape[1] - 1))
        wider[:, ::2] = bands
        bands = np.array([np.convolve(band, low) for band in wider])
        start = (bands.shape[1] - len(high)) // 2
        bands[octave, start : start + len(high)] += high
    return bands
