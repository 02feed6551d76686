"""Write StyleGAN2 checkpoints in the exact public layouts, of tensors drawn from a seed.

    python tools/public_checkpoints.py OUT.pkl [--resolution 1024] [--layout pytorch|tensorflow]

No weights can be had where tests run; these have the names, axes, sizes and the pickle opcodes of
the real files. Neither torch nor TensorFlow is needed to write them.
"""

import argparse
import collections
import io
import pathlib
import pickle
import re
import struct
import sys

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from parity.case import draw

# Pickles of classes that are not there -----------------------------------------------------------


class Global:
    """A name to be pickled as if it could be imported."""

    def __init__(self, module, name):
        self.module, self.name = module, name


class Call:
    """What a pickle is to call when it is read.

    Args:
        function: `Global`.
        *arguments: to be called with.
        new: bool, make an object of a class (NEWOBJ) instead.
        items: dict of items to set.
        state: to restore.
    """

    def __init__(self, function, *arguments, new=False, items=None, state=None):
        self.function, self.arguments, self.new = function, arguments, new
        self.items, self.state = items, state


class PersistentId:
    """A reference to what lies outside of the pickle."""

    def __init__(self, value):
        self.value = value


class Pickler(pickle._Pickler):
    """Pickles the classes above, whose modules need not exist."""

    def save(self, obj, save_persistent_id=True):
        """Write an object."""
        if not isinstance(obj, (Global, Call, PersistentId)):
            super().save(obj, save_persistent_id)
            return
        if id(obj) in self.memo:
            self.write(self.get(self.memo[id(obj)][0]))
            return
        if isinstance(obj, PersistentId):
            self.save(obj.value)
            self.write(pickle.BINPERSID)
            return
        if isinstance(obj, Global) and self.proto >= 4:
            self.save(obj.module)
            self.save(obj.name)
            self.write(pickle.STACK_GLOBAL)
        elif isinstance(obj, Global):
            self.write(pickle.GLOBAL + f"{obj.module}\n{obj.name}\n".encode())
        else:
            self.save(obj.function)
            self.save(obj.arguments)
            self.write(pickle.NEWOBJ if obj.new else pickle.REDUCE)
        if id(obj) in self.memo:
            # It is one of its own arguments, and was made on the way.
            self.write(pickle.POP + self.get(self.memo[id(obj)][0]))
            return
        self.memoize(obj)
        if isinstance(obj, Call) and obj.items:
            self._batch_setitems(list(obj.items.items()))
        if isinstance(obj, Call) and obj.state is not None:
            self.save(obj.state)
            self.write(pickle.BUILD)


def dumps(obj, protocol):
    """The pickle of an object that may hold the classes above."""
    stream = io.BytesIO()
    Pickler(stream, protocol).dump(obj)
    return stream.getvalue()


# PyTorch ------------------------------------------------------------------------------------------

MAGIC = 0x1950A86A20F9469CFC6C
_RECONSTRUCT = Global("torch_utils.persistence", "_reconstruct_persistent_obj")
_PARAMETER = Global("torch._utils", "_rebuild_parameter")
_TENSOR = Global("torch._utils", "_rebuild_tensor_v2")
_BYTES = Global("torch.storage", "_load_from_bytes")
_EASY_DICT = Global("dnnlib.util", "EasyDict")
_STORAGES = {"float32": "Float", "float16": "Half", "int64": "Long", "float64": "Double"}
_MACHINE = {
    "protocol_version": 1001,
    "little_endian": True,
    "type_sizes": {"short": 2, "int": 4, "long": 4},
}
_HOOKS = (
    "_backward_hooks _forward_hooks _forward_pre_hooks _state_dict_hooks _load_state_dict_pre_hooks"
).split()
# What a state dict calls buffers: constants and averages, which no optimizer trains.
_BUFFERS = ("w_avg", "noise_const", "resample_filter")
# The text that NVIDIA's loader would run.
_SOURCE = "raise RuntimeError('the source of a pickled class was run')\n"


def storage_bytes(array, key="94286240"):
    """The file of `torch.save` before 1.6 of one storage."""
    kind = Global("torch", f"{_STORAGES[array.dtype.name]}Storage")
    pid = PersistentId(("storage", kind, key, "cpu", array.size, None))
    parts = [MAGIC, 1001, _MACHINE, pid, [key]]
    head = b"".join(dumps(part, 2) for part in parts)
    return head + struct.pack("<q", array.size) + array.tobytes()


def tensor(array, key="94286240", offset=0, strides=None):
    """A tensor as PyTorch pickles it, with a storage of its own."""
    array = np.array(array, order="C")
    steps = [step // array.itemsize for step in array.strides]
    return Call(
        _TENSOR,
        Call(_BYTES, storage_bytes(array, key)),
        offset,
        array.shape,
        tuple(steps) if strides is None else strides,
        False,
        collections.OrderedDict(),
    )


def easy_dict(items):
    """`dnnlib.EasyDict`."""
    return Call(_EASY_DICT, new=True, items=items)


def persistent(class_name, state, version=6):
    """An object whose class was pickled with its source."""
    meta = {"type": "class", "version": version, "module_src": _SOURCE}
    return Call(_RECONSTRUCT, {**meta, "class_name": class_name, "state": state})


def network(tensors, described, init_kwargs):
    """A network as `torch_utils.persistence` pickles it.

    Args:
        tensors: dict of the state dict's names to arrays.
        described: dict of a module's path to its class and its plain attributes.
        init_kwargs: dict, the arguments that the whole network was made with.
    """

    def module(path):
        prefix = f"{path}." if path else ""
        inside = {name[len(prefix) :]: t for name, t in tensors.items() if name.startswith(prefix)}
        children = dict.fromkeys(name.partition(".")[0] for name in inside if "." in name)
        if prefix:
            paths = (each[len(prefix) :] for each in described if each.startswith(prefix))
        else:
            paths = (each for each in described if each)
        children.update(dict.fromkeys(each.partition(".")[0] for each in paths))
        own = {name: t for name, t in inside.items() if "." not in name}
        class_name, attributes = described.get(path, ("Layer", {}))
        is_buffer = {name: name in _BUFFERS for name in own}
        state = {
            "training": False,
            "_parameters": collections.OrderedDict(
                (name, Call(_PARAMETER, tensor(t), True, collections.OrderedDict()))
                for name, t in own.items()
                if not is_buffer[name]
            ),
            "_buffers": collections.OrderedDict(
                (name, tensor(t)) for name, t in own.items() if is_buffer[name]
            ),
            "_non_persistent_buffers_set": set(),
            **{name: collections.OrderedDict() for name in _HOOKS},
            "_modules": collections.OrderedDict(
                (name, module(f"{prefix}{name}")) for name in children
            ),
            **attributes,
            "_init_args": (),
            "_init_kwargs": easy_dict({} if path else init_kwargs),
        }
        return persistent(class_name, state)

    return module("")


def network_pickle(networks, protocol=3):
    """The bytes of a network pickle.

    Args:
        networks: dict of `"G"`, `"D"` and `"G_ema"` to what `network` gives.
        protocol: int, 3 of Python 3.7 and 4 of later ones.
    """
    options = {"class_name": "training.dataset.ImageFolderDataset", "path": "x.zip", "xflip": True}
    tree = {"training_set_kwargs": options, **networks, "augment_pipe": None}
    return dumps(tree, protocol)


# TensorFlow ---------------------------------------------------------------------------------------

_NETWORK = Global("dnnlib.tflib.network", "Network")
_ARRAY = Global("numpy.core.multiarray", "_reconstruct")
_SCALAR = Global("numpy.core.multiarray", "scalar")
_NDARRAY = Global("numpy", "ndarray")
_DTYPE = Global("numpy", "dtype")


def numpy_type(array):
    """A dtype as NumPy pickles it."""
    return Call(_DTYPE, array.dtype.str[1:], 0, 1, state=(3, "<", None, None, None, -1, -1, 0))


def numpy_array(array):
    """An array as NumPy pickles it; without axes, as a number."""
    if array.ndim == 0:
        return Call(_SCALAR, numpy_type(array), array.tobytes())
    state = (1, array.shape, numpy_type(array), False, array.tobytes())
    return Call(_ARRAY, _NDARRAY, (0,), b"b", state=state)


def tensorflow_network(name, variables, static_kwargs, build_func_name, version=4):
    """A network as `dnnlib.tflib` pickles it.

    Args:
        name: str.
        variables: dict of the variables' names to arrays; those of `mapping/` and `synthesis/` go
            to components of these names.
        static_kwargs: dict, what the network was built with.
        build_func_name: str.
        version: int.
    """

    def part(scope, function):
        inside = {n[len(scope) :]: v for n, v in variables.items() if n.startswith(scope)}
        names = [n for n in ("mapping", "synthesis") if any(v.startswith(f"{n}/") for v in inside)]
        own = {n: v for n, v in inside.items() if n.partition("/")[0] not in names}
        state = {
            "version": version,
            "name": name if not scope else scope.rstrip("/"),
            "static_kwargs": static_kwargs,
            "components": easy_dict({n: part(f"{n}/", f"G_{n}") for n in names}),
            "build_module_src": _SOURCE,
            "build_func_name": function,
            "variables": [(n, numpy_array(np.asarray(v))) for n, v in own.items()],
        }
        return Call(_NETWORK, new=True, state=state)

    return part("", build_func_name)


def tensorflow_pickle(generator, discriminator, average, protocol=4):
    """The bytes of a network pickle of three that `tensorflow_network` gives."""
    return dumps((generator, discriminator, average), protocol)


# StyleGAN2 ----------------------------------------------------------------------------------------


class StyleGAN2:
    """The tensors, classes and attributes of a StyleGAN2 in PyTorch.

    Args:
        resolution: int.
        channel_base: int.
        channel_max: int.
        z_dim: int.
        w_dim: int.
        c_dim: int, 0 without classes.
        layers: int, of the mapping network.
        img_channels: int.
        conv_clamp: float, or `None`.
        group_size: int, or `None`.
        seed: int, of the drawn tensors.
    """

    def __init__(
        self,
        resolution=1024,
        channel_base=32768,
        channel_max=512,
        z_dim=512,
        w_dim=512,
        c_dim=0,
        layers=8,
        img_channels=3,
        conv_clamp=None,
        group_size=4,
        seed=0,
    ):
        self.resolution, self.z_dim, self.w_dim, self.c_dim = resolution, z_dim, w_dim, c_dim
        self.layers, self.img_channels = layers, img_channels
        self.conv_clamp, self.group_size, self.seed = conv_clamp, group_size, seed
        self.resolutions = [4 * 2**i for i in range((resolution // 4).bit_length())]
        self.widths = {r: min(channel_base // r, channel_max) for r in self.resolutions}

    def generator(self, prefix="G"):
        """What `network` takes for the generator."""
        shapes, described = self._mapping(self.w_dim, self.z_dim, self.layers, beta=0.995)
        shapes["mapping.w_avg"] = (self.w_dim,)
        layer = {"use_noise": True, "activation": "lrelu", "conv_clamp": self.conv_clamp}
        block = {"architecture": "skip", "use_fp16": False}
        described["synthesis"] = "SynthesisNetwork", {"num_ws": 2 * len(self.resolutions)}
        for r in self.resolutions:
            at, width, inputs = f"synthesis.b{r}", self.widths[r], self.widths[max(r // 2, 4)]
            described[at] = "SynthesisBlock", {**block, "resolution": r}
            if r == 4:
                shapes[f"{at}.const"] = (width, 4, 4)
            parts = {"conv1": (width, width)}
            if r > 4:
                parts = {"conv0": (width, inputs), **parts}
            for part, (outputs, features) in parts.items():
                shapes.update(self._modulated(f"{at}.{part}", outputs, features, 3))
                shapes[f"{at}.{part}.noise_strength"] = ()
                shapes[f"{at}.{part}.noise_const"] = (r, r)
                described[f"{at}.{part}"] = "SynthesisLayer", layer
            shapes.update(self._modulated(f"{at}.torgb", self.img_channels, width, 1))
            described[f"{at}.torgb"] = "ToRGBLayer", {"conv_clamp": self.conv_clamp}
        described[""] = (
            "Generator",
            {
                "z_dim": self.z_dim,
                "c_dim": self.c_dim,
                "w_dim": self.w_dim,
                "img_resolution": self.resolution,
                "img_channels": self.img_channels,
                "num_ws": 2 * len(self.resolutions),
            },
        )
        arguments = {
            "z_dim": self.z_dim,
            "mapping_kwargs": easy_dict({"num_layers": self.layers}),
            "synthesis_kwargs": easy_dict({"conv_clamp": self.conv_clamp}),
        }
        return self._drawn(shapes, prefix), described, arguments

    def discriminator(self):
        """What `network` takes for the discriminator."""
        shapes, described = {}, {}
        outputs = 1
        if self.c_dim:
            outputs = self.widths[4]
            shapes, described = self._mapping(outputs, 0, self.layers)
        layer = {"activation": "lrelu", "conv_clamp": self.conv_clamp}
        for r in reversed(self.resolutions[1:]):
            width, after = self.widths[r], self.widths[r // 2]
            described[f"b{r}"] = "DiscriminatorBlock", {"architecture": "resnet", "resolution": r}
            if r == self.resolution:
                shapes.update(self._layer(f"b{r}.fromrgb", (width, self.img_channels, 1, 1)))
            shapes.update(self._layer(f"b{r}.conv0", (width, width, 3, 3)))
            shapes.update(self._layer(f"b{r}.conv1", (after, width, 3, 3)))
            shapes[f"b{r}.skip.weight"] = (after, width, 1, 1)
            described[f"b{r}.conv0"] = described[f"b{r}.conv1"] = "Conv2dLayer", layer
        width = self.widths[4]
        shapes.update(self._layer("b4.conv", (width, width + 1, 3, 3)))
        shapes.update(self._layer("b4.fc", (width, 16 * width)))
        shapes.update(self._layer("b4.out", (outputs, width)))
        described["b4"] = "DiscriminatorEpilogue", {"architecture": "resnet", "cmap_dim": outputs}
        described["b4.conv"] = "Conv2dLayer", layer
        described["b4.mbstd"] = (
            "MinibatchStdLayer",
            {"group_size": self.group_size, "num_channels": 1},
        )
        described[""] = (
            "Discriminator",
            {
                "c_dim": self.c_dim,
                "img_resolution": self.resolution,
                "img_channels": self.img_channels,
            },
        )
        epilogue = {"mbstd_group_size": self.group_size}
        return self._drawn(shapes, "D"), described, {"epilogue_kwargs": easy_dict(epilogue)}

    def networks(self):
        """Dict for `network_pickle`."""
        return {
            "G": network(*self.generator("G")),
            "D": network(*self.discriminator()),
            "G_ema": network(*self.generator("G_ema")),
        }

    def _mapping(self, outputs, z_dim, layers, beta=None):
        shapes, features = {}, z_dim
        described = {"mapping": ("MappingNetwork", {"num_layers": layers, "w_avg_beta": beta})}
        if self.c_dim:
            shapes.update(self._layer("mapping.embed", (outputs, self.c_dim)))
            features += outputs
        for i in range(layers):
            shapes.update(self._layer(f"mapping.fc{i}", (outputs, features)))
            options = {"activation": "lrelu", "bias_gain": 0.01, "weight_gain": np.float64(0.1)}
            described[f"mapping.fc{i}"] = "FullyConnectedLayer", options
            features = outputs
        return shapes, described

    def _layer(self, at, shape):
        return {f"{at}.weight": shape, f"{at}.bias": shape[:1]}

    def _modulated(self, at, outputs, inputs, size):
        shapes = self._layer(at, (outputs, inputs, size, size))
        return {**shapes, **self._layer(f"{at}.affine", (inputs, self.w_dim))}

    def _drawn(self, shapes, prefix):
        drawn = {}
        for name, shape in shapes.items():
            std = 0.3 if name.endswith("bias") else 1.0
            if ".fc" in name and name.startswith("mapping"):
                std = 100 * std
            drawn[name] = draw(self.seed, f"{prefix}.{name}", shape, std=std)
        # The filter is a buffer of each convolution but `torgb`, and of each block.
        taps = np.outer([1, 3, 3, 1], [1, 3, 3, 1]) / 64
        for name in shapes:
            if found := re.fullmatch(r"(.*b\d+)\.(conv[01]?|fromrgb|skip)\.weight", name):
                modules = {found[1], name.removesuffix(".weight")} - {"b4"}
                drawn.update({f"{m}.resample_filter": taps.astype("float32") for m in modules})
        return drawn


def in_tensorflow(tensors):
    """A network's tensors under the names and with the axes of TensorFlow."""
    found = {}
    for name, t in tensors.items():
        *path, part = name.split(".")
        if part == "resample_filter":
            continue
        if name == "mapping.w_avg":
            found["dlatent_avg"] = t
            continue
        if part == "const":
            found["synthesis/4x4/Const/const"] = t[None]
            continue
        scope = f"{path.pop(0)}/" if path[0] in ("mapping", "synthesis") else ""
        is_affine = path[-1] == "affine"
        if is_affine:
            path.pop()
        if scope == "mapping/":
            is_generator = "mapping.w_avg" in tensors
            layer = path[0].replace("embed", "LabelEmbed")
            dense = "Dense" if is_generator else "Mapping"
            layer = (scope if is_generator else "") + layer.replace("fc", dense)
        else:
            r = int(path[0][1:])
            if part == "noise_const":
                number = 2 * int(np.log2(r)) - (4 if path[1] == "conv1" else 5)
                found[f"synthesis/noise{number}"] = t[None, None]
                continue
            layers = {"torgb": "ToRGB", "skip": "Skip", "fromrgb": "FromRGB", "conv": "Conv"}
            layers.update({"conv0": "Conv0_up", "conv1": "Conv1" if r > 4 else "Conv"})
            if not scope:
                layers.update({"conv0": "Conv0", "conv1": "Conv1_down", "fc": "Dense0"})
            layer = f"{scope}{r}x{r}/{layers.get(path[1])}"
            if path[1] == "out":
                layer = "Output"
        if is_affine:
            found[f"{layer}/mod_{part}"] = t.T if part == "weight" else t - 1
        elif t.ndim == 4:
            kernel = t.transpose(2, 3, 1, 0)
            found[f"{layer}/{part}"] = kernel[::-1, ::-1] if layer.endswith("_up") else kernel
        else:
            found[f"{layer}/{part}"] = t.T
    return {name: np.array(t, order="C") for name, t in found.items()}


def stylegan2_pickle(model, layout="pytorch", protocol=None):
    """The bytes of a network pickle of a `StyleGAN2`."""
    if layout == "pytorch":
        return network_pickle(model.networks(), protocol or 3)
    options = {"num_channels": model.img_channels, "resolution": model.resolution}
    options.update(label_size=model.c_dim, truncation_psi=0.5, structure="auto")
    of_critic = {**options, "mbstd_group_size": model.group_size}
    generators = [
        tensorflow_network(name, in_tensorflow(model.generator(prefix)[0]), options, "G_main")
        for name, prefix in (("G", "G"), ("Gs", "G_ema"))
    ]
    critic = in_tensorflow(model.discriminator()[0])
    discriminator = tensorflow_network("D", critic, of_critic, "D_stylegan2")
    return tensorflow_pickle(generators[0], discriminator, generators[1], protocol or 4)


def main(arguments=None):
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--resolution", type=int, default=1024)
    parser.add_argument("--channel-base", type=int, default=32768)
    parser.add_argument("--layout", choices=("pytorch", "tensorflow"), default="pytorch")
    options = parser.parse_args(arguments)
    model = StyleGAN2(options.resolution, options.channel_base)
    options.out.write_bytes(stylegan2_pickle(model, options.layout))
    print(f"{options.out}: {options.out.stat().st_size} bytes")


if __name__ == "__main__":
    main()
