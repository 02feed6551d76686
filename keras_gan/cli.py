"""The command `keras-gan`."""

import argparse
import glob
import inspect
import json
import pathlib
import re
import signal
import sys

import keras

import keras_gan
from keras_gan import callbacks, cli_styles, data, images, latents, metrics
from keras_gan import cli_arguments as types
from keras_gan.checkpoints.layouts import LAYOUTS, layout_of
from keras_gan.data.handles import open_images, parse_handle
from keras_gan.data.images import CROPS, FILTERS
from keras_gan.files import atomic_file, check_writable, remove_partial, sha256
from keras_gan.latents.styles import check_has_styles
from keras_gan.metrics.evaluation import METRICS, PATH_LENGTHS
from keras_gan.metrics.resize import RULES
from keras_gan.models.stylegan2 import RECIPES, recipe_for
from keras_gan.presets.download import local_files

_DESCRIPTION = """\
Generate images with trained GANs, and train GANs on images of your own.

  keras-gan presets                                    what can be generated at once
  keras-gan generate --preset dcgan_fashion_mnist_32 --seeds 0-35 --outdir out
  keras-gan prepare photos/ photos.zip --resolution 64
  keras-gan train --data photos.zip --outdir runs
  keras-gan generate --preset runs/00000-photos-dcgan/preset --seeds 0-35
  keras-gan evaluate --preset dcgan_fashion_mnist_32 --data t10k-images-idx3-ubyte.gz
  keras-gan mix --preset stylegan2_emoji_64 --rows 85,100 --cols 55,821 --styles 0-3
  keras-gan video --preset stylegan2_emoji_64 --seeds 0-7 --trunc 0.7 --output walk.mp4
  keras-gan project --preset stylegan2_emoji_64 --target photo.png
  keras-gan convert network.pkl my_preset

The backend is Keras': set KERAS_BACKEND to jax, tensorflow or torch.
Exit codes: 0 done, 1 could not be done (the reason is printed), 2 wrong usage, 130 interrupted.
"""

_SEEDS = "0-35"

_MODELS = {
    "acgan": keras_gan.ACGAN,
    "conditional_dcgan": keras_gan.ConditionalDCGAN,
    "conditional_gan": keras_gan.ConditionalGAN,
    "dcgan": keras_gan.DCGAN,
    "lsgan": keras_gan.LSGAN,
    "maxout_gan": keras_gan.MaxoutGAN,
    "mlp_gan": keras_gan.MLPGAN,
    "stylegan2": keras_gan.StyleGAN2,
    "wgan": keras_gan.WGAN,
    "wgan_gp": keras_gan.WGANGP,
}


def main(argv=None):
    """Run the command `keras-gan`.

    Args:
        argv: list of str, the arguments; those of the process by default.

    Returns:
        int, the exit code: 0 done, 1 could not be done, 130 interrupted. Wrong usage exits with 2.

    Example:
    ```python
    keras_gan.cli.main(["generate", "--preset", "dcgan_emoji_64", "--seeds", "0-3"])
    ```
    """
    arguments = _parser().parse_args(argv)
    if argv is None:
        # The process is the command's own: terminated, it removes what is half written.
        signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        arguments.run(arguments)
    except (ValueError, OSError, ImportError) as error:
        print(f"keras-gan {arguments.command}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    return 0


def _parser():
    formatter = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(
        "keras-gan", description=_DESCRIPTION, formatter_class=formatter
    )
    parser.add_argument("--version", action="version", version=keras_gan.__version__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    generate = commands.add_parser(
        "generate",
        help="make images with a preset",
        description="Make images with a preset: one PNG file for each seed, and all in one grid.",
    )
    generate.add_argument(
        "--preset",
        "--network",
        required=True,
        help="a name from `keras-gan presets`, hf://user/repo[@revision], or a preset folder",
    )
    generate.add_argument(
        "--seeds", type=types.seeds, help=f"such as 0-35 or 85,265 (default: {_SEEDS})"
    )
    generate.add_argument(
        "--truncation",
        "--trunc",
        type=float,
        help="cleaner, less varied images: the largest magnitude of a latent entry, such as 1.5; "
        "of a model with styles, the factor of the distance from the mean style, such as 0.7",
    )
    generate.add_argument(
        "--noise-mode",
        choices=("const", "random", "none"),
        help="of a model with styles: the same noise for all images, that of each seed, or none "
        "(default: const)",
    )
    generate.add_argument(
        "--projected-w",
        "--projected_w",
        type=pathlib.Path,
        metavar="FILE",
        help="of a model with styles: images of the styles that `keras-gan project` wrote, with "
        "their noise unless there is --noise-mode, instead of seeds",
    )
    generate.add_argument("--outdir", default="out", type=pathlib.Path, help="default: out")
    generate.add_argument(
        "--batch-size",
        default=64,
        type=types.positive,
        help="images computed at once (default: 64)",
    )
    generate.add_argument(
        "--labels",
        "--class",
        type=types.labels,
        help="of a conditional model: classes such as 3 or 0-9, each of which gets an image of "
        "every seed, or random: one class for each seed",
    )
    generate.add_argument("--columns", type=types.positive, help="images in a row of the grid")
    generate.set_defaults(run=_generate)

    cli_styles.add_commands(commands)

    train = commands.add_parser(
        "train",
        help="train a GAN on images of your own",
        description=(
            "Train a GAN with its paper's recipe. Each run gets a folder of its own in OUTDIR, "
            "numbered and named after the data: options.json, history.jsonl, reals.png, samples/, "
            "checkpoints/ and at the end preset/, for `keras-gan generate --preset`. With --resume "
            "a run that was killed goes on as if it had not been: repeat the command."
        ),
    )
    train.add_argument(
        "--data",
        required=True,
        type=pathlib.Path,
        help="folder of images (searched through), zip of images, IDX file "
        "(train-images-idx3-ubyte.gz) or tfds:NAME[:SPLIT]",
    )
    train.add_argument("--outdir", required=True, type=pathlib.Path, help="folder of all runs")
    train.add_argument("--model", choices=_MODELS, default="dcgan", help="default: dcgan")
    train.add_argument(
        "--preset", help="start from this preset's networks and weights instead of --model"
    )
    train.add_argument(
        "--resolution",
        type=types.resolution,
        help="size to bring the images to, 64 or 96x64 (width x height); default: 64 for folders, "
        "the images' own for others",
    )
    train.add_argument(
        "--channels", type=int, choices=(1, 3, 4), help="gray, RGB or RGBA (default: 3 for folders)"
    )
    train.add_argument(
        "--crop",
        choices=CROPS,
        default="center",
        help="how images of another shape are made to fit (default: center)",
    )
    train.add_argument(
        "--resample",
        choices=FILTERS,
        default="lanczos",
        help="filter of the resize (default: lanczos)",
    )
    train.add_argument(
        "--labels",
        default="auto",
        help="of conditional models: auto (those that come with the images), folders, "
        "dataset.json, an IDX file of labels, or a TFDS feature (default: auto)",
    )
    train.add_argument("--mirror", action="store_true", help="mirror images at random")
    train.add_argument(
        "--skip-corrupt", action="store_true", help="leave out files that cannot be read"
    )
    train.add_argument("--epochs", type=types.positive, default=25, help="default: 25")
    train.add_argument(
        "--batch",
        type=types.positive,
        help="images per update (default: of stylegan2, that of --cfg for such images; else 64)",
    )
    train.add_argument(
        "--width", type=types.positive, help="filters of the finest layer (default: 64)"
    )
    train.add_argument("--latent-dim", type=types.positive, help="default: the paper's")
    train.add_argument(
        "--cfg",
        choices=("auto", *RECIPES),
        default="auto",
        help="of stylegan2: the configuration of networks and training (default: auto)",
    )
    train.add_argument("--gamma", type=float, help="of stylegan2: weight of R1")
    train.add_argument(
        "--cond", action="store_true", help="of stylegan2: a model of the classes of --labels"
    )
    train.add_argument(
        "--freezed",
        type=int,
        default=0,
        help="of a stylegan2 that starts from --preset: layers of the discriminator that stay",
    )
    train.add_argument(
        "--aug",
        choices=("noaug", "ada"),
        default="noaug",
        help="ada: augmentation that adapts, for few images (default: noaug)",
    )
    train.add_argument(
        "--augpipe",
        choices=("blit", "geom", "color", "bg", "bgc", "bgcf", "bgcfn", "bgcfnc"),
        help="of --aug ada: its transformations (default: bgc; bg where there are no colours to "
        "change)",
    )
    train.add_argument(
        "--target", type=float, help="of --aug ada: the r_t to keep to (default: 0.6)"
    )
    train.add_argument("--ema-decay", type=float, help="of the averaged generator, such as 0.999")
    train.add_argument("--seed", type=int, default=0, help="of data order and noise (default: 0)")
    train.add_argument(
        "--snap",
        type=types.positive,
        default=1,
        help="epochs from one sample grid and checkpoint to the "
        "next (default: 1); the last two checkpoints are kept",
    )
    train.add_argument(
        "--checkpoint-steps",
        type=types.positive,
        help="steps from one checkpoint to the next, where epochs are too long",
    )
    train.add_argument(
        "--resume",
        action="store_true",
        help="go on with the last run in OUTDIR of the same data and options, if there is one",
    )
    train.add_argument(
        "--tensorboard", action="store_true", help="write the sample grids for TensorBoard as well"
    )
    train.add_argument(
        "--dry-run", action="store_true", help="check data and options, print them, do not train"
    )
    train.set_defaults(run=_train)

    prepare = commands.add_parser(
        "prepare",
        help="bring images to one size, into a zip",
        description=(
            "Bring images to one size and write them into a zip, in the layout of NVIDIA's "
            "dataset_tool, with labels and a record of how they were made."
        ),
    )
    prepare.add_argument(
        "source",
        metavar="SRC",
        help="folder of images (searched through), zip of images, IDX file "
        "(train-images-idx3-ubyte.gz) or tfds:NAME[:SPLIT]",
    )
    prepare.add_argument("out", metavar="OUT", type=pathlib.Path, help="zip file to write")
    prepare.add_argument(
        "--resolution",
        type=types.resolution,
        help="size to bring the images to, 64 or 96x64 (width x height); default: their own",
    )
    prepare.add_argument(
        "--channels", type=int, choices=(1, 3, 4), help="gray, RGB or RGBA (default: their own)"
    )
    prepare.add_argument(
        "--crop",
        choices=CROPS,
        default="center",
        help="how images of another shape are made to fit (default: center)",
    )
    prepare.add_argument(
        "--resample",
        "--resize-filter",
        choices=FILTERS,
        default="lanczos",
        help="filter of the resize (default: lanczos)",
    )
    prepare.add_argument(
        "--background",
        help="colour behind transparent images and of bars, such as '#808080' (default: white; "
        "black for IDX files)",
    )
    prepare.add_argument(
        "--labels",
        default="auto",
        help="auto (those that come with the images), none, folders, dataset.json, an IDX file of "
        "labels, or a TFDS feature (default: auto)",
    )
    prepare.add_argument(
        "--skip-corrupt", action="store_true", help="leave out files that cannot be read"
    )
    prepare.add_argument("--force", action="store_true", help="replace OUT if it exists")
    prepare.add_argument(
        "--workers", type=types.positive, default=4, help="threads that prepare images (default: 4)"
    )
    prepare.set_defaults(run=_prepare)

    evaluate = commands.add_parser(
        "evaluate",
        help="FID and other metrics of a preset or of a folder of images",
        description=(
            "Compare generated with real images: FID, KID, precision and recall, and more. Prints "
            "the numbers and what they depend on."
        ),
    )
    made = evaluate.add_mutually_exclusive_group(required=True)
    made.add_argument("--preset", "--network", help="what generates, see `keras-gan generate`")
    made.add_argument("--images", help="folder, zip or IDX file of generated images")
    evaluate.add_argument(
        "--data",
        help="real images, of the generated ones' resolution: folder, zip, IDX file or "
        "tfds:NAME[:SPLIT]; only the feature network's rule resizes them. Path lengths (ppl) "
        "need none",
    )
    evaluate.add_argument(
        "--metrics",
        type=lambda text: text.split(","),
        default=["fid", "kid", "pr"],
        help=f"some of {','.join([*METRICS, *PATH_LENGTHS])} (default: fid,kid,pr)",
    )
    evaluate.add_argument(
        "--num-samples", type=types.positive, help="generated images (default: 10000, or all)"
    )
    evaluate.add_argument("--num-real", type=types.positive, help="real images (default: all)")
    evaluate.add_argument(
        "--extractor",
        help="preset of the feature network (default: fashion_mnist_classifier for gray images of "
        "up to 32 px, inception_v3_2015_12_05 for others)",
    )
    evaluate.add_argument(
        "--extractor-weights", help="file of the network's original weights, instead of a download"
    )
    evaluate.add_argument(
        "--lpips-weights",
        nargs=2,
        metavar=("VGG16", "LPIPS"),
        help="files of the original weights for path lengths, instead of a download",
    )
    evaluate.add_argument(
        "--resize-rule", choices=RULES, help="how images are resized (default: the network's)"
    )
    evaluate.add_argument("--seed", type=int, default=0, help="of the samples (default: 0)")
    evaluate.add_argument("--truncation", "--trunc", type=float, help="see `keras-gan generate`")
    evaluate.add_argument(
        "--batch-size",
        default=64,
        type=types.positive,
        help="images computed at once (default: 64)",
    )
    evaluate.add_argument("--out", type=pathlib.Path, help="file to append the result to, as JSON")
    evaluate.add_argument(
        "--no-cache", action="store_true", help="do not keep the real images' features"
    )
    evaluate.set_defaults(run=_evaluate)

    convert = commands.add_parser(
        "convert",
        help="make a preset of another project's checkpoint",
        description=(
            "Read a checkpoint of another project, without running anything of it, and write a "
            "preset folder with its weights, for `keras-gan generate --preset`. The folder names "
            "the file, its SHA-256, its layout and its licence, which stays that of the weights."
        ),
    )
    convert.add_argument(
        "source",
        metavar="IN",
        help="path or address (https://... or hf://user/repo/file@revision) of the checkpoint: "
        "NVIDIA's .pkl, PyTorch's .pt or .pth, .safetensors, .npz",
    )
    convert.add_argument("out", metavar="OUT", type=pathlib.Path, help="preset folder to write")
    convert.add_argument(
        "--discriminator",
        metavar="FILE",
        help="the discriminator's file, where IN is only that of the generator",
    )
    convert.add_argument(
        "--layout", choices=LAYOUTS, help="default: recognised by the tensors' names"
    )
    convert.add_argument(
        "--networks",
        type=lambda text: tuple(text.split(",")),
        default=("generator", "discriminator"),
        help="those that the checkpoint holds, such as generator (default: "
        "generator,discriminator)",
    )
    convert.add_argument("--sha256", help="64 hexadecimal digits that the file IN must have")
    convert.add_argument("--licence", "--license", help="of the weights; it is not changed by this")
    convert.add_argument("--dataset", help="what the weights were trained on")
    convert.add_argument("--description", help="one line for the card")
    convert.add_argument("--force", action="store_true", help="replace OUT if it is a preset")
    convert.set_defaults(run=_convert)

    presets = commands.add_parser(
        "presets", help="list what can be generated at once", description="List the presets."
    )
    presets.add_argument("pattern", nargs="?", default="*", help="such as 'dcgan*' (default: *)")
    presets.add_argument("--json", action="store_true", help="all metadata, as JSON")
    presets.set_defaults(run=_presets)
    return parser


# generate -----------------------------------------------------------------------------------------


def _generate(arguments):
    check_writable(arguments.outdir)
    gan = keras_gan.GAN.from_preset(arguments.preset)
    if arguments.projected_w is not None:
        _generate_projected(gan, arguments)
        return
    options = {}
    if arguments.noise_mode is not None:
        check_has_styles(gan)
        options["noise"] = arguments.noise_mode
    seeds = latents.parse_seeds(_SEEDS if arguments.seeds is None else arguments.seeds)
    wanted, columns, samples = _wanted(gan, seeds, arguments.labels), arguments.columns, []
    if isinstance(arguments.labels, list) and columns is None:
        columns = len(seeds)
    progress = keras.utils.Progbar(len(wanted), unit_name="image")
    for start in range(0, len(wanted), arguments.batch_size):
        part = wanted[start : start + arguments.batch_size]
        labels = [label for _, label in part]
        samples.extend(
            gan.generate(
                seeds=[seed for seed, _ in part],
                labels=None if None in labels else labels,
                truncation=arguments.truncation,
                batch_size=arguments.batch_size,
                **options,
            )
        )
        for (seed, label), image in zip(part, samples[start:], strict=True):
            name = f"seed{seed:04d}" if label is None else f"seed{seed:04d}-label{label}"
            images.save_png(arguments.outdir / f"{name}.png", image)
        progress.add(len(part))
    images.save_png(arguments.outdir / "grid.png", images.make_grid(samples, columns))
    print(f"{len(wanted)} images and grid.png in {arguments.outdir}")


def _generate_projected(gan, arguments):
    of_seeds = (arguments.seeds, arguments.labels, arguments.truncation)
    if of_seeds != (None,) * 3 or arguments.noise_mode == "random":
        raise ValueError(
            "--projected-w are styles, which have no class, truncation or seed. Remove --class, "
            "--trunc, --seeds and --noise-mode random."
        )
    mode = arguments.noise_mode
    ws, maps = cli_styles.read_projected(arguments.projected_w, gan, with_noise=mode is None)
    noise = mode or maps or "const"
    samples = gan.generate_from_styles(ws, noise=noise, batch_size=arguments.batch_size)
    for i, image in enumerate(samples):
        images.save_png(arguments.outdir / f"proj{i:02d}.png", image)
    images.save_png(arguments.outdir / "grid.png", images.make_grid(samples, arguments.columns))
    print(f"{len(samples)} images and grid.png in {arguments.outdir}")


def _wanted(gan, seeds, labels):
    """The `(seed, label)` of each image; labels are `None` without classes."""
    if labels is None:
        if gan.num_classes is not None:
            raise ValueError(
                f"{type(gan).__name__} generates images of {gan.num_classes} classes: add for "
                f"example --class 0-{gan.num_classes - 1}, or --class random."
            )
        return [(seed, None) for seed in seeds]
    if gan.num_classes is None:
        raise ValueError(f"{type(gan).__name__} knows no classes. Remove --class.")
    if labels == "random":
        labels = latents.labels_from_seeds(seeds, gan.num_classes)
        return list(zip(seeds, labels.tolist(), strict=True))
    return [(seed, label) for label in labels for seed in seeds]


# evaluate -----------------------------------------------------------------------------------------


def _evaluate(arguments):
    subject = arguments.images
    if arguments.preset:
        subject = keras_gan.GAN.from_preset(arguments.preset)
    extractor = arguments.extractor
    if arguments.extractor_weights or arguments.resize_rule:
        if extractor is None:
            raise ValueError("--extractor-weights and --resize-rule need --extractor.")
        extractor = metrics.FeatureExtractor.from_preset(
            extractor,
            logits="is" in arguments.metrics,
            resize=arguments.resize_rule,
            weights=arguments.extractor_weights,
        )
    if arguments.data is None and set(arguments.metrics) - set(PATH_LENGTHS):
        raise ValueError("Add --data: all metrics but path lengths compare with real images.")
    lpips = cli_styles.read_lpips(arguments.lpips_weights) if arguments.lpips_weights else None
    result = metrics.evaluate(
        subject,
        arguments.data,
        arguments.metrics,
        arguments.num_samples,
        arguments.num_real,
        extractor,
        seed=arguments.seed,
        truncation=arguments.truncation,
        batch_size=arguments.batch_size,
        cache=not arguments.no_cache,
        lpips=lpips,
    )
    name = arguments.preset or arguments.images
    result = result._replace(subject={"name": str(name), **result.subject})
    print(result)
    if arguments.out:
        result.append_to(arguments.out)


# train --------------------------------------------------------------------------------------------


def _train(arguments):
    keras.utils.set_random_seed(arguments.seed)
    gan, dataset = _model_and_data(arguments)
    gan.compile(ema_decay=arguments.ema_decay, **_objective(gan, arguments))
    controllers = _controllers(arguments)
    options = {
        "model": type(gan).__name__,
        "config": gan.get_config(),
        "epochs": arguments.epochs,
        "batch": arguments.batch,
        "seed": arguments.seed,
        "start": arguments.preset,
        **({"target": controllers[0].target} if controllers else {}),
        "data": dataset.protocol,
        "compile": gan.get_compile_config(),
        "keras_gan": keras_gan.__version__,
        "keras": keras.__version__,
        "backend": keras.backend.backend(),
    }
    text = json.dumps(options, indent=2)
    if arguments.dry_run:
        print(text)
        print(f"{dataset.num_images} images, {len(dataset)} batches. Dry run: nothing was trained.")
        return
    names = {cls: name for name, cls in _MODELS.items()}
    model = names.get(type(gan), type(gan).__name__)
    # The handle of a TFDS data set has characters that no file name should have.
    name = re.sub(r"[^\w.-]+", "-", f"{arguments.data.name}-{model}")
    run = _last_run_folder(arguments.outdir, name, options) if arguments.resume else None
    run = run or _new_run_folder(arguments.outdir, name)
    print(f"run folder: {run}")
    remove_partial(run)
    if not (run / "options.json").exists():
        with atomic_file(run / "options.json") as temporary:
            temporary.write_text(text + "\n")
    images.save_png(run / "reals.png", _reals(dataset))
    snapshot = callbacks.Snapshot(
        run / "checkpoints", every_steps=arguments.checkpoint_steps, every_epochs=arguments.snap
    )
    gan.fit(
        dataset,
        epochs=arguments.epochs,
        callbacks=[
            *controllers,
            callbacks.SampleGrid(
                run / "samples",
                every_epochs=arguments.snap,
                tensorboard=run if arguments.tensorboard else None,
            ),
            callbacks.HistoryFile(run / "history.jsonl"),
            snapshot,
        ],
    )
    if snapshot.diverged_at is not None:
        raise ValueError(
            f"training diverged at step {snapshot.diverged_at}; {run / 'checkpoints'} holds the "
            "last good states"
        )
    gan.save_to_preset(
        run / "preset",
        description=f"{type(gan).__name__} trained on {arguments.data.name}.",
        dataset=f"{dataset.num_images} images of {arguments.data.name}",
        overwrite=arguments.resume,
    )
    print(f"done: keras-gan generate --preset {run / 'preset'}")


def _objective(gan, arguments):
    """Arguments of `compile` beside the paper's recipe."""
    objective = {}
    if arguments.aug == "ada":
        pipeline = arguments.augpipe or ("bgc" if gan.image_shape[-1] in (1, 3) else "bg")
        objective["augmentations"] = [keras_gan.augmentation.ADA(pipeline)]
    if arguments.gamma is not None:
        rest = [r for r in gan.recipe()["regularizers"] if r.name != "r1"]
        objective["regularizers"] = [keras_gan.regularizers.R1(arguments.gamma, 16), *rest]
    return objective


def _controllers(arguments):
    """The callbacks that move what training depends on."""
    if arguments.aug == "ada":
        target = 0.6 if arguments.target is None else arguments.target
        # The paper's transfer learning moves p faster.
        kimg = 100 if arguments.preset else 500
        return [callbacks.AdaptiveAugmentation(target, kimg=kimg)]
    given = {"--target": arguments.target, "--augpipe": arguments.augpipe}
    flags = [flag for flag, value in given.items() if value is not None]
    if flags:
        raise ValueError(f"{flags} are of --aug ada. Remove them, or add --aug ada.")
    return []


def _check_flags_of_stylegan2(arguments, is_stylegan2):
    given = {
        "--gamma": arguments.gamma is not None,
        "--cond": arguments.cond,
        "--freezed": arguments.freezed,
        "--cfg": arguments.cfg != "auto",
    }
    flags = [flag for flag, is_given in given.items() if is_given]
    if flags and not is_stylegan2:
        raise ValueError(f"{flags} are of stylegan2. Remove them, or add --model stylegan2.")
    if arguments.freezed and not arguments.preset:
        raise ValueError("--freezed keeps layers of a trained discriminator: add --preset.")
    if arguments.cond and arguments.preset:
        raise ValueError("Whether it knows classes comes from the preset. Remove --cond.")


def _model_and_data(arguments):
    gan = None
    if arguments.preset:
        architecture = {"--width": arguments.width, "--latent-dim": arguments.latent_dim}
        given = [flag for flag, value in architecture.items() if value is not None]
        if given:
            raise ValueError(f"{given} come from the preset and cannot be changed. Remove them.")
        settings = {"seed": arguments.seed}
        known = keras_gan.presets.metadata(arguments.preset)
        is_stylegan2 = known["class_name"] == "StyleGAN2"
        _check_flags_of_stylegan2(arguments, is_stylegan2)
        if arguments.batch is None:
            arguments.batch = _own_batch(arguments, is_stylegan2, lambda: known["image_shape"])
        if is_stylegan2:
            settings["training_recipe"] = arguments.cfg
            settings["batch_size"] = arguments.batch
            settings["frozen_layers"] = arguments.freezed
        gan = keras_gan.GAN.from_preset(arguments.preset, **settings)
        image_shape = gan.image_shape
        wanted = (arguments.resolution or image_shape[:2], arguments.channels or image_shape[2])
        if (*wanted[0], wanted[1]) != image_shape:
            raise ValueError(
                f"The preset makes images of shape {image_shape}: remove --resolution, --channels."
            )
        is_conditional = gan.num_classes is not None
        dataset = _data(arguments, image_shape[:2], image_shape[2], is_conditional)
    else:
        accepted = inspect.signature(_MODELS[arguments.model]).parameters
        is_stylegan2 = arguments.model == "stylegan2"
        _check_flags_of_stylegan2(arguments, is_stylegan2)
        is_conditional = arguments.cond if is_stylegan2 else "num_classes" in accepted
        wanted = (arguments.resolution, arguments.channels, is_conditional)
        if arguments.batch is None:
            arguments.batch = _own_batch(
                arguments, is_stylegan2, lambda: _data(arguments, *wanted, batch_size=1).image_shape
            )
        dataset = _data(arguments, *wanted)
        options = {
            "image_shape": dataset.image_shape,
            "seed": arguments.seed,
            "width": arguments.width,
            "latent_dim": arguments.latent_dim,
        }
        if is_conditional:
            options["num_classes"] = dataset.num_classes
        if arguments.width is not None and "width" not in accepted:
            raise ValueError(f"{arguments.model} has no --width. Remove it.")
        if arguments.model == "wgan_gp" and dataset.image_shape[0] != 28:
            options["architecture"] = "resnet"
        options = {k: v for k, v in options.items() if v is not None}
        if is_stylegan2:
            gan = keras_gan.StyleGAN2.from_recipe(
                arguments.cfg, batch_size=arguments.batch, **options
            )
        else:
            gan = _MODELS[arguments.model](**options)
    return gan, dataset


def _own_batch(arguments, is_stylegan2, image_shape):
    """The batch size where none is asked for; `image_shape` is a function, since data may tell."""
    return recipe_for(arguments.cfg, image_shape()).batch_size if is_stylegan2 else 64


def _data(arguments, resolution, channels, is_conditional, batch_size=None):
    handle = str(arguments.data)
    if arguments.labels != "auto" and not is_conditional:
        raise ValueError(
            "--labels are the classes of a conditional model. Remove them, or, of stylegan2, add "
            "--cond."
        )
    if parse_handle(handle)[0] == "folder":
        resolution, channels = resolution or (64, 64), channels or 3
    dataset = open_images(
        handle,
        _image_shape(resolution, channels),
        batch_size or arguments.batch,
        labels=arguments.labels if is_conditional else None,
        crop=arguments.crop,
        resample=arguments.resample,
        on_error="skip" if arguments.skip_corrupt else "raise",
        flip=arguments.mirror,
        seed=arguments.seed,
        drop_remainder=True,
    )
    if is_conditional and dataset.labels is None:
        raise ValueError(
            f"a conditional model needs the classes of the images, and {handle} has none. Say "
            "where they are with --labels, for example --labels folders."
        )
    return dataset


def _reals(dataset):
    (batch, *_) = dataset.batch(0, 0)
    return images.make_grid(batch[:36])


def _last_run_folder(outdir, name, options):
    """The newest run of the same data and options, or `None`; `Snapshot` checks its recipe."""
    keys = ("model", "batch", "seed", "start", "data")
    wanted = json.loads(json.dumps([options[key] for key in keys]))
    for path in sorted(outdir.glob(f"[0-9][0-9][0-9][0-9][0-9]-{glob.escape(name)}"), reverse=True):
        if (path / "options.json").is_file():
            found = json.loads((path / "options.json").read_text())
            if [found.get(key) for key in keys] == wanted:
                return path
    return None


def _new_run_folder(outdir, name):
    """`00000-name`, `00001-name`, ...: the next number in `outdir`."""
    outdir.mkdir(parents=True, exist_ok=True)
    numbers = [int(path.name[:5]) for path in outdir.iterdir() if re.match(r"\d{5}-", path.name)]
    run = outdir / f"{max(numbers, default=-1) + 1:05d}-{name}"
    run.mkdir()
    return run


# prepare ------------------------------------------------------------------------------------------


def _prepare(arguments):
    record = data.prepare(
        arguments.source,
        arguments.out,
        _image_shape(arguments.resolution, arguments.channels),
        labels=None if arguments.labels == "none" else arguments.labels,
        crop=arguments.crop,
        resample=arguments.resample,
        background=arguments.background,
        on_error="skip" if arguments.skip_corrupt else "raise",
        overwrite=arguments.force,
        workers=arguments.workers,
    )
    protocol = record["protocol"]
    height, width, channels = protocol["image_shape"]
    classes = protocol["num_classes"]
    print(
        f"{protocol['count']} images of {width}x{height} with {channels} channels and "
        f"{'no labels' if classes is None else f'labels of {classes} classes'} in "
        f"{arguments.out}: keras-gan train --data {arguments.out}"
    )


def _image_shape(resolution, channels):
    """The shape asked for; what is None is the images' own."""
    return (*(resolution or (None, None)), channels)


# convert ------------------------------------------------------------------------------------------


def _convert(arguments):
    if arguments.out.exists() and not arguments.force:
        raise ValueError(f"{arguments.out} exists. Choose another folder, or pass --force.")
    check_writable(arguments.out.resolve().parent)
    sources, hashes = {"generator": arguments.source}, {"generator": arguments.sha256}
    if arguments.discriminator:
        sources["discriminator"] = arguments.discriminator
    paths = local_files(sources, hashes)
    for path in paths.values():
        if arguments.out.resolve() in pathlib.Path(path).resolve().parents:
            raise ValueError(f"{path} lies in {arguments.out}. Move it, or choose another OUT.")
    checkpoint = paths if arguments.discriminator else paths["generator"]
    layout = layout_of(checkpoint, arguments.layout).name
    gan = keras_gan.GAN.from_checkpoint(checkpoint, layout=layout, networks=arguments.networks)
    origin = {
        "source": ", ".join(map(_without_secrets, sources.values())),
        "sha256": ", ".join(sha256(path) for path in paths.values()),
        "layout": layout,
    }
    missing = {"generator", "discriminator"} - set(arguments.networks)
    if missing:
        origin["networks"] = ", ".join(arguments.networks)
    gan.save_to_preset(
        arguments.out,
        description=arguments.description,
        dataset=arguments.dataset,
        licence=arguments.licence,
        converted_from=origin,
        overwrite=arguments.force,
    )
    print(f"{type(gan).__name__} of {gan.image_shape} in {arguments.out}")
    for network in missing:
        print(f"The checkpoint holds no {network}: that of the preset is random.")
    if arguments.licence is None:
        print("No licence is stated: that of the checkpoint holds. Pass it as --licence.")


def _without_secrets(source):
    """A source as a card names it: without signatures of addresses and folders of this machine."""
    if source.startswith("hf://"):
        return source
    return re.split("[?#]", source)[0] if "://" in source else pathlib.Path(source).name


# presets ------------------------------------------------------------------------------------------


def _presets(arguments):
    found = keras_gan.list_presets(arguments.pattern)
    if not found:
        raise ValueError(f"no preset matches '{arguments.pattern}'")
    if arguments.json:
        print(json.dumps(found, indent=2))
        return
    width = max(map(len, found))
    for name, metadata in found.items():
        shape = "x".join(map(str, metadata["image_shape"]))
        count = sum(metadata["parameters"].values()) / 1e6
        licence = metadata.get("licence") or "no licence stated"
        print(f"{name:{width}}  {shape:9}  {count:4.1f} M  {licence}  {metadata['description']}")


if __name__ == "__main__":
    sys.exit(main())
