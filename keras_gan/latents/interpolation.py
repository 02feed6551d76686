"""Closed curves through the styles of seeds, and the images along them."""

import numpy as np

from keras_gan import images
from keras_gan.checks import check_integers, finite_array
from keras_gan.latents.seeds import parse_seeds
from keras_gan.latents.styles import check_has_styles, images_in_batches


def spline(points, positions):
    """Points of the smoothest closed curve through given ones: a periodic cubic spline.

    Args:
        points: float array `(K, ...)`, which the curve passes at the positions 0, 1, ..., K - 1
            before it comes back to the first at K.
        positions: float array `(N,)`; whole turns do not matter.

    Returns:
        float64 array `(N, ...)`.

    Raises:
        ValueError: if there are no points, positions are no list, or a number is not finite.

    Example:
    ```python
    ws = keras_gan.latents.spline(gan.styles_from_seeds("0-7"), np.arange(0, 8, 1 / 60))
    ```
    """
    points = finite_array("points", points, "float64")
    positions = finite_array("positions", positions, "float64")
    if points.ndim == 0 or len(points) == 0:
        raise ValueError("A curve passes at least one point. Received: none")
    if positions.ndim != 1:
        raise ValueError(f"`positions` are numbers (N,). Received: shape {positions.shape}")
    count = len(points)
    flat = points.reshape(count, -1)
    # Second derivatives that make the first ones continuous.
    eye = np.eye(count)
    system = 4 * eye + np.roll(eye, 1, axis=0) + np.roll(eye, -1, axis=0)
    bends = np.roll(flat, -1, axis=0) - 2 * flat + np.roll(flat, 1, axis=0)
    second = np.linalg.solve(system, 6 * bends)
    positions = positions % count
    # A negative number that is nearly 0 is rounded to `count`.
    low = np.floor(positions).astype("int64") % count
    high = (low + 1) % count
    b = (positions - np.floor(positions))[:, None]
    a = 1 - b
    curve = a * flat[low] + b * flat[high]
    curve += ((a**3 - a) * second[low] + (b**3 - b) * second[high]) / 6
    return curve.reshape(len(positions), *points.shape[1:])


def walk(
    gan,
    seeds,
    frames=60,
    *,
    rows=1,
    columns=1,
    labels=None,
    truncation=None,
    truncation_cutoff=None,
    noise="const",
    batch_size=16,
    ema=True,
):
    """Frames of a walk along a closed curve through the styles of seeds, one after another.

    The last frame is followed by the first one without a jump. In a grid, each place has a curve
    of its own, through its share of the seeds.

    Args:
        gan: `keras_gan.StyleGAN2`, or another model with styles.
        seeds: as `keras_gan.GAN.generate` takes them; equally many for each place of the grid, the
            first ones for the first place.
        frames: int, from one seed to the next.
        rows: int, of the grid.
        columns: int, of the grid.
        labels: of a conditional model, see `keras_gan.GAN.generate`.
        truncation: float, see `keras_gan.latents.truncate`; `None` for none.
        truncation_cutoff: int, see there.
        noise: `"const"` or `"none"`. Random noise would flicker.
        batch_size: int, images computed at once.
        ema: bool, use the averaged generator.

    Returns:
        Generator of uint8 arrays `(rows * H, columns * W, C)`: `frames` for each seed of a place.

    Raises:
        ValueError: if the model has no styles, an argument is out of range, or the seeds do not
            make two or more for each place.

    Example:
    ```python
    frames = keras_gan.latents.walk(gan, "0-7", frames=60, truncation=0.7)
    keras_gan.videos.save_video("walk.mp4", frames, fps=30)
    ```
    """
    check_has_styles(gan)
    seeds = parse_seeds(seeds)
    check_integers(frames=frames, rows=rows, columns=columns, batch_size=batch_size)
    places = rows * columns
    if len(seeds) % places or len(seeds) < 2 * places:
        raise ValueError(
            f"Each of the {places} places of a {columns}x{rows} grid walks through equally many "
            f"seeds, two or more. Received: {len(seeds)} seeds"
        )
    if noise not in ("const", "none"):
        raise ValueError(f"`noise` of a walk is 'const' or 'none'. Received: {noise!r}")
    ws = gan.styles_from_seeds(seeds, labels, truncation, truncation_cutoff, ema=ema)
    stops = len(seeds) // places
    tracks = ws.reshape(places, stops, *ws.shape[1:])
    # A generator of its own: bad arguments are told now, not at the first frame.
    return _frames(gan, tracks, frames, columns, batch_size, noise=noise, ema=ema)


def _frames(gan, tracks, frames, columns, batch_size, **options):
    places, stops = tracks.shape[:2]
    # So many frames at once as fit into a batch.
    step = max(batch_size // places, 1)
    for start in range(0, stops * frames, step):
        stop = min(start + step, stops * frames)
        positions = np.arange(start, stop) / frames
        # Frame by frame, and in each of them place by place.
        ws = np.stack([spline(track, positions) for track in tracks], axis=1)
        ws = ws.reshape(-1, *tracks.shape[2:]).astype("float32")
        missing = step * places - len(ws)
        ws = np.concatenate([ws, np.repeat(ws[-1:], missing, axis=0)])
        made = np.concatenate(list(images_in_batches(gan, ws, batch_size, **options)))
        for i in range(stop - start):
            yield images.make_grid(made[i * places : (i + 1) * places], columns)
