"""From a preset's name to images with a full-size checkpoint, on a hub of this machine.

    KERAS_BACKEND=torch python tools/check_full_size.py [--layout pytorch] [--resolution 512]

A checkpoint in the exact public layout, of drawn tensors, is served on loopback; `ffhq_1024` is
asked for with its address and hash. Prints times, and the peak of memory above that of a process
with keras_gan imported, relative to the file's size.
"""

import argparse
import hashlib
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import threading

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tests" / "presets"))

import public_checkpoints
from conftest import Hub

_CHILD = r"""
import json, pathlib, re, sys, time
import keras_gan
from keras_gan.presets import folder

place, name = sys.argv[1:]
folder.builtin_folders = lambda: {name: pathlib.Path(place)}
# Not `ru_maxrss`, which begins with what the parent process had.
status = pathlib.Path("/proc/self/status")
peak = lambda: int(re.search(r"VmHWM:\s+(\d+)", status.read_text())[1]) * 1024
before, start = peak(), time.perf_counter()
gan = keras_gan.StyleGAN2.from_preset(name)
loaded, grown = time.perf_counter() - start, peak() - before
start = time.perf_counter()
images = gan.generate(seeds=[85], truncation=0.7)
print(json.dumps([loaded, grown, time.perf_counter() - start, images.shape, float(images.std())]))
"""


def main():
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--layout", choices=("pytorch", "tensorflow"), default="tensorflow")
    parser.add_argument("--resolution", type=int, default=1024)
    options = parser.parse_args()
    model = public_checkpoints.StyleGAN2(options.resolution)
    content = public_checkpoints.stylegan2_pickle(model, options.layout)
    hub = Hub()
    threading.Thread(target=hub.serve_forever, daemon=True).start()
    commit = hub.commit("nets/full", {"network.pkl": content})
    name = "ffhq_1024"
    shipped = pathlib.Path(__file__).resolve().parents[1] / "presets" / "stylegan2" / name
    config = json.loads((shipped / "config.json").read_text())
    config["config"]["image_shape"] = [options.resolution, options.resolution, 3]
    layouts = {"pytorch": "stylegan2_ada_pytorch", "tensorflow": "stylegan2_tensorflow"}
    metadata = {
        **json.loads((shipped / "metadata.json").read_text()),
        "source": f"hf://nets/full/network.pkl@{commit}",
        "sha256": hashlib.sha256(content).hexdigest(),
        "layout": layouts[options.layout],
    }
    with tempfile.TemporaryDirectory() as folder:
        place = pathlib.Path(folder) / name
        place.mkdir()
        (place / "config.json").write_text(json.dumps(config))
        (place / "metadata.json").write_text(json.dumps(metadata))
        environment = {
            **os.environ,
            "HF_ENDPOINT": hub.url,
            "HF_HOME": f"{folder}/hf",
            "KERAS_GAN_HOME": f"{folder}/keras_gan",
            "HF_HUB_DISABLE_XET": "1",
            "HF_HUB_DISABLE_PROGRESS_BARS": "1",
            "NO_PROXY": "*",
        }
        print(f"{options.layout}, {options.resolution} px, {len(content) / 1e6:.1f} MB", flush=True)
        for what in ("downloaded and converted", "from the cache"):
            hub.requests.clear()
            command = [sys.executable, "-c", _CHILD, str(place), name]
            answer = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE)
            loaded, grown, generated, shape, deviation = json.loads(answer.stdout)
            print(
                f"{what}: {loaded:.1f} s, memory {grown / len(content):.2f} times the file; one "
                f"image {shape} of deviation {deviation:.0f}: {generated:.1f} s; "
                f"{len(hub.asked('GET', 'network.pkl'))} download(s)",
                flush=True,
            )


if __name__ == "__main__":
    main()
