"""The commands of `keras-gan` for models with styles: mix, video, project."""

import itertools
import pathlib

import numpy as np

import keras_gan
from keras_gan import checkpoints, images, latents, metrics, videos
from keras_gan import cli_arguments as types
from keras_gan.files import atomic_file, check_writable
from keras_gan.latents.styles import check_has_styles

_NO_STYLES = "{} is no .npz file with an array 'w', as `keras-gan project` writes."


def add_commands(commands):
    """Add the commands to the parser's."""
    mix = commands.add_parser(
        "mix",
        help="mix the styles of two sets of seeds",
        description=(
            "A grid of images with the styles of the seeds of its rows, some of them replaced by "
            "those of its columns' seeds; the originals are along its edges. Needs a model with "
            "styles, such as StyleGAN2."
        ),
    )
    _add_model(mix)
    mix.add_argument(
        "--rows", "--row-seeds", required=True, type=types.seeds, help="seeds such as 85,100,75"
    )
    mix.add_argument(
        "--cols", "--columns", "--col-seeds", required=True, type=types.seeds, help="seeds: 55,821"
    )
    mix.add_argument(
        "--styles",
        "--col-styles",
        default="0-6",
        help="numbers of the styles that are the column's, from 0, the coarsest (default: 0-6)",
    )
    mix.add_argument(
        "--noise-mode", choices=("const", "random", "none"), default="const", help="default: const"
    )
    mix.add_argument("--outdir", default="out", type=pathlib.Path, help="default: out")
    mix.set_defaults(run=_mix)

    video = commands.add_parser(
        "video",
        help="a walk through the styles of seeds",
        description=(
            "A video that passes the images of seeds on a smooth closed curve and can be repeated "
            "without a jump. Needs a model with styles, such as StyleGAN2, and for .mp4 the "
            "packages of pip install keras-gan[video]."
        ),
    )
    _add_model(video)
    video.add_argument(
        "--seeds",
        required=True,
        type=types.seeds,
        help="such as 0-7, equally many for each place of the grid, the first ones for the first",
    )
    video.add_argument(
        "--frames",
        "--w-frames",
        type=types.positive,
        default=120,
        help="frames from one seed to the next (default: 120)",
    )
    video.add_argument(
        "--fps",
        type=float,
        help="frames in a second (default: 60; 50 in a .gif, which has no more)",
    )
    video.add_argument(
        "--num-keyframes",
        type=types.positive,
        metavar="N",
        help="seeds that each place of the grid walks through: they are repeated up to as many",
    )
    video.add_argument(
        "--grid", type=types.grid, default=(1, 1), help="COLUMNSxROWS of walks (default: 1x1)"
    )
    video.add_argument(
        "--output",
        "--out",
        required=True,
        type=pathlib.Path,
        help="file: .mp4, .mov, .mkv, .webm; or an animated .webp, .gif or .png",
    )
    video.set_defaults(run=_video)

    project = commands.add_parser(
        "project",
        help="find the styles of a picture",
        description=(
            "The styles whose image looks like a given one: target.png, proj.png and "
            "projected_w.npz, for `keras-gan generate --projected-w`. Needs a model with styles, "
            "such as StyleGAN2, and the weights of LPIPS, which are downloaded, or --extractor."
        ),
    )
    _add_model(project, truncation=False)
    project.add_argument(
        "--target", required=True, type=pathlib.Path, help="image file; its centre is cropped"
    )
    project.add_argument(
        "--steps", "--num-steps", type=types.positive, default=1000, help="default: 1000"
    )
    project.add_argument(
        "--space",
        choices=("w", "w+"),
        default="w",
        help="one vector for all layers, or one for each (default: w)",
    )
    project.add_argument("--seed", type=int, default=303, help="of the noise (default: 303)")
    project.add_argument(
        "--save-video",
        nargs="?",
        const="mp4",
        choices=("mp4", "webm", "webp", "gif"),
        help="write proj.mp4, or of this format, of the progress",
    )
    compared = project.add_mutually_exclusive_group()
    compared.add_argument(
        "--lpips-weights",
        nargs=2,
        metavar=("VGG16", "LPIPS"),
        help="files of the original weights, instead of a download",
    )
    compared.add_argument(
        "--extractor",
        help="what images are compared by instead of LPIPS: pixels, at all scales, or the preset "
        "of a feature network, such as fashion_mnist_classifier",
    )
    project.add_argument("--outdir", default="out", type=pathlib.Path, help="default: out")
    project.set_defaults(run=_project)


def _add_model(parser, truncation=True):
    parser.add_argument("--preset", "--network", required=True, help="see `keras-gan generate`")
    parser.add_argument(
        "--class", dest="label", type=int, help="of a conditional model: the class of all images"
    )
    parser.add_argument(
        "--batch-size", default=16, type=types.positive, help="images at once (default: 16)"
    )
    if truncation:
        parser.add_argument(
            "--truncation",
            "--trunc",
            type=float,
            help="factor of the distance from the mean style, such as 0.7: cleaner, less varied "
            "images (default: 1)",
        )


def _model(arguments):
    gan = keras_gan.GAN.from_preset(arguments.preset)
    if gan.num_classes is not None and arguments.label is None:
        raise ValueError(
            f"{type(gan).__name__} generates images of {gan.num_classes} classes: add for example "
            f"--class {gan.num_classes - 1}."
        )
    return gan


def _mix(arguments):
    check_writable(arguments.outdir)
    gan = _model(arguments)
    mixture = latents.mix(
        gan,
        arguments.rows,
        arguments.cols,
        arguments.styles,
        label=arguments.label,
        truncation=arguments.truncation,
        noise=arguments.noise_mode,
        batch_size=arguments.batch_size,
    )
    outdir = arguments.outdir
    for seeds, originals in ((arguments.rows, mixture.rows), (arguments.cols, mixture.columns)):
        for seed, image in zip(seeds, originals, strict=True):
            images.save_png(outdir / f"{seed}-{seed}.png", image)
    for row, line in zip(arguments.rows, mixture.images, strict=True):
        for column, image in zip(arguments.cols, line, strict=True):
            # The same seed mixed with itself is the original.
            if row != column:
                images.save_png(outdir / f"{row}-{column}.png", image)
    images.save_png(outdir / "grid.png", mixture.grid())
    print(f"{mixture.images.shape[0] * mixture.images.shape[1]} mixtures and grid.png in {outdir}")


def _video(arguments):
    check_writable(arguments.output.parent)
    gan = _model(arguments)
    columns, rows = arguments.grid
    seeds = arguments.seeds
    if arguments.num_keyframes is not None:
        count = arguments.num_keyframes * columns * rows
        seeds = list(itertools.islice(itertools.cycle(seeds), count))
    frames = latents.walk(
        gan,
        seeds,
        arguments.frames,
        rows=rows,
        columns=columns,
        labels=arguments.label,
        truncation=arguments.truncation,
        batch_size=arguments.batch_size,
    )
    fps = arguments.fps
    if fps is None:
        fps = videos.MAX_GIF_FPS if arguments.output.suffix.lower() == ".gif" else 60
    count = videos.save_video(arguments.output, frames, fps)
    print(f"{count} frames, {count / fps:.1f} seconds in {arguments.output}")


def read_lpips(paths):
    """The network of `--lpips-weights`, two files."""
    return metrics.LPIPS.from_preset(weights=dict(zip(("vgg16", "lpips"), paths, strict=True)))


def _project(arguments):
    # Told now, not after a thousand steps.
    check_writable(arguments.outdir)
    if arguments.save_video in ("mp4", "webm"):
        videos.import_imageio()
    gan = _model(arguments)
    distance = None
    if arguments.extractor == "pixels":
        distance = latents.pixel_pyramid
    elif arguments.extractor:
        distance = metrics.FeatureExtractor.from_preset(arguments.extractor)
    elif arguments.lpips_weights:
        distance = read_lpips(arguments.lpips_weights)
    projection = latents.project(
        gan,
        arguments.target,
        arguments.space,
        arguments.steps,
        distance=distance,
        seed=arguments.seed,
        label=arguments.label,
        verbose=1,
    )
    outdir = arguments.outdir
    images.save_png(outdir / "target.png", projection.target)
    images.save_png(outdir / "proj.png", projection.image)
    with atomic_file(outdir / "projected_w.npz") as temporary:
        maps = {f"noise{i}": x for i, x in enumerate(projection.noise)}
        np.savez(temporary, w=projection.ws, **maps)
    if arguments.save_video:
        frames = latents.progress(gan, projection, arguments.batch_size)
        videos.save_video(outdir / f"proj.{arguments.save_video}", frames, fps=30)
    print(
        f"distance {projection.distances[0]:.4f} at the beginning, {projection.distances[-1]:.4f} "
        f"at the end; proj.png and projected_w.npz in {outdir}"
    )


def read_projected(path, gan, with_noise=True):
    """Styles, and their noise, from a file that `project` wrote, or NVIDIA's projector.

    Args:
        path: path of an .npz file with an array `w`, and maybe maps `noise0`, `noise1`, ...
        gan: a model with styles.
        with_noise: bool, read the maps.

    Returns:
        Float array `(N, num_styles, style_dim)`, and a list of noise maps `(1 or N, h, w, 1)`,
        empty if there are none.

    Raises:
        ValueError: if the model has no styles, or the file holds none for it.
        OSError: if it cannot be read.
    """
    check_has_styles(gan)
    try:
        stored = checkpoints.read_tensors(path)
    except ValueError as error:
        raise ValueError(f"{_NO_STYLES.format(path)} ({error})") from error
    if "w" not in stored:
        raise ValueError(f"{_NO_STYLES.format(path)} It holds {list(stored)}.")
    synthesis = gan.ema_generator.synthesis
    ws = stored["w"]
    wanted = (gan.num_styles, synthesis.style_dim)
    if ws.shape[1:] != wanted or len(ws) == 0 or not _is_finite(ws):
        raise ValueError(
            f"The model takes finite styles of shape (N, {wanted[0]}, {wanted[1]}), floats. {path} "
            f"holds an array of type {ws.dtype} and shape {ws.shape}."
        )
    found = {name: x.shape for name, x in stored.items() if name.startswith("noise")}
    if not found or not with_noise:
        return ws, []
    shapes = [(*layer.noise_sides, 1) for layer in synthesis.noise_layers]
    maps = [stored.get(f"noise{i}", np.empty(0)) for i in range(len(found))]
    fits = [x.shape[1:] for x in maps] == shapes
    if not fits or not all(len(x) in (1, len(ws)) and _is_finite(x) for x in maps):
        raise ValueError(
            f"The model takes finite noise maps noise0, noise1, ... (1 or {len(ws)}, height, "
            f"width, 1) with (height, width, 1) = {shapes}. {path} holds {found}. Add --noise-mode "
            "const to do without them."
        )
    return ws, maps


def _is_finite(array):
    return array.dtype.kind == "f" and bool(np.isfinite(array).all())
