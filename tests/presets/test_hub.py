"""Presets over HTTP: `huggingface_hub` itself against a hub on loopback."""

import hashlib
import json
import re
import sys
import zlib

import h5py
import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import keras_gan
from keras_gan.presets import card
from keras_gan.presets import folder as preset_folder
from keras_gan.presets.hub import parse

WEIGHTS = "model.weights.h5"


@pytest.fixture(scope="module")
def preset(tmp_path_factory):
    """A preset folder, and its files by name."""
    folder = tmp_path_factory.mktemp("presets") / "tiny"
    gan = keras_gan.DCGAN(image_shape=(16, 16, 1), latent_dim=4, width=2, seed=5)
    gan.save_to_preset(
        folder,
        description="Nothing much.",
        dataset="3 photos of my cat",
        licence="CC-BY-NC-4.0",
        metrics={"FID": {"value": 12.5, "protocol": {"images": 50000, "extractor": "inception"}}},
    )
    return folder, {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture
def repo(hub, preset, request):
    """The name of a repository with that preset; another one, and so uncached, for each test."""
    name = "me/" + re.sub(r"\W+", "_", request.node.name)[:60].strip("_")
    hub.commit(name, preset[1])
    return name


def load(repo, **arguments):
    given = "".join(f", {key}={value!r}" for key, value in arguments.items())
    return (
        f"gan = keras_gan.GAN.from_preset('hf://{repo}'{given})\n"
        "result = gan.generate(seeds=[1]).tolist()"
    )


def edited(files, name, **changes):
    return json.dumps({**json.loads(files[name]), **changes}).encode()


def fails(client, code, kind, message):
    with pytest.raises(Exception, match=message) as error:
        client.run(code)
    assert kind in error.value.kinds


# Round trip ---------------------------------------------------------------------------------------


def test_what_was_uploaded_comes_back(hub, client, preset, tmp_path):
    gan = keras_gan.DCGAN.from_preset(preset[0])
    gan.save_to_preset(
        tmp_path / "mine",
        licence="CC-BY-4.0",
        dataset="my photos | more",
        pictures={"Truncation": "truncation.png"},
    )
    (tmp_path / "mine" / "truncation.png").write_bytes(b"a picture")
    (tmp_path / "mine" / "diary.txt").write_text("private")
    address = client.run(
        f"result = keras_gan.upload_preset('hf://me/mine', {str(tmp_path / 'mine')!r})"
    )
    tree, commit = hub.tree("me/mine")
    assert address.endswith(f"me/mine/commit/{commit}")
    pictures = {"samples.png", "truncation.png"}
    assert set(tree) == {"config.json", "metadata.json", WEIGHTS, "README.md", *pictures}
    assert tree["truncation.png"] == b"a picture"
    assert tree["samples.png"].startswith(b"\x89PNG")
    card = tree["README.md"].decode()
    for text in (
        'keras_gan.DCGAN.from_preset("hf://me/mine")',
        "pip install 'keras-gan[hub]'",
        "license: cc-by-4.0",
        "| Licence of the weights | CC-BY-4.0 |",
        "| Training data | my photos \\| more |",
        "| Parameters | generator ",
        "| Size of the weights | 0.1 MB |",
        "![samples](samples.png)",
        "![Truncation](truncation.png)",
    ):
        assert text in card
    assert client.run(load("me/mine")) == gan.generate(seeds=[1]).tolist()
    # All in one commit; uploaded again, nothing is new but nothing breaks.
    assert len(hub.asked("POST", "/commit/")) == 1
    client.run(f"keras_gan.upload_preset('hf://me/mine', {str(tmp_path / 'mine')!r})")
    assert hub.tree("me/mine")[0] == tree


def test_the_token_goes_to_the_hub_and_nowhere_else(hub, client, repo):
    client.run(load(repo))
    sent = {
        path: headers.get("authorization") or headers.get("Authorization")
        for _, path, headers in hub.requests
    }
    assert all((token is None) == path.startswith("/cdn/") for path, token in sent.items())
    assert any(path.startswith("/cdn/") for path in sent)


def test_uploads_that_cannot_be(hub, client, preset, tmp_path):
    upload = f"keras_gan.upload_preset('hf://me/no', {str(preset[0])!r})"
    fails(client, upload.replace("hf://me/no", "me/no"), "ValueError", "hf://user/repo")
    fails(client, upload.replace("me/no", "me/no@v1"), "ValueError", "main branch")
    broken = tmp_path / "broken"
    broken.mkdir()
    for name, content in preset[1].items():
        (broken / name).write_bytes(content[:-100] if name == WEIGHTS else content)
    fails(client, f"keras_gan.upload_preset('hf://me/no', {str(broken)!r})", "ValueError", "sha256")
    (broken / WEIGHTS).write_bytes(preset[1][WEIGHTS])
    (broken / "metadata.json").write_bytes(
        edited(preset[1], "metadata.json", samples="../../secret.png")
    )
    fails(client, f"keras_gan.upload_preset('hf://me/no', {str(broken)!r})", "ValueError", "secret")
    (broken / "metadata.json").write_bytes(
        edited(preset[1], "metadata.json", pictures={"Mixing": "mixing.png"})
    )
    fails(client, f"keras_gan.upload_preset('hf://me/no', {str(broken)!r})", "ValueError", "mixing")
    assert hub.requests == []
    anonymous = (
        "import os, unittest.mock\n"
        "with unittest.mock.patch.dict(os.environ):\n"
        "    del os.environ['HF_TOKEN']\n"
        "    {}"
    )
    fails(
        client,
        anonymous.format(upload),
        "OSError",
        "HTTP status 401.*HF_TOKEN|no such repos.*HF_TOKEN",
    )
    assert hub.refs == {}


# What is fetched ----------------------------------------------------------------------------------


def test_no_weights_are_fetched_that_are_not_needed(hub, client, repo):
    licence = f"result = keras_gan.presets.metadata('hf://{repo}')['licence']"
    assert client.run(licence) == "CC-BY-NC-4.0"
    client.run(load(repo, load_weights=False, seed=3, dtype="mixed_bfloat16"))
    assert client.run("result = [gan.seed, gan.dtype_policy.name]") == [3, "mixed_bfloat16"]
    assert not hub.asked("GET", WEIGHTS) and not hub.asked("HEAD", WEIGHTS)
    client.run(load(repo))
    assert len(hub.asked("GET", WEIGHTS)) == 1
    assert not hub.asked("GET", "README.md") and not hub.asked("GET", "api")
    client.run(load(repo))
    assert len(hub.asked("GET", WEIGHTS)) == 1


def test_the_licence_is_shown_once(client, repo):
    shown = []
    for _ in range(2):
        client.start(load(repo))
        shown.append(client.finish()[1].count("licence 'CC-BY-NC-4.0'"))
    assert shown == [1, 0]


def test_revisions(hub, client, repo, preset):
    other = keras_gan.DCGAN(image_shape=(16, 16, 1), latent_dim=5, width=2)
    first = hub.refs[repo]["main"]
    hub.refs[repo]["v1.0"] = first
    config = {"class_name": "DCGAN", "config": {"image_shape": [16, 16, 1], "latent_dim": 5}}
    hub.commit(repo, {**preset[1], "config.json": json.dumps(config).encode()}, ref="try/this")
    dimension = (
        "gan = keras_gan.GAN.from_preset('hf://{}', load_weights=False{})\nresult = gan.latent_dim"
    )
    for revision, expected in (
        (first, 4),
        ("v1.0", 4),
        ("try/this", other.latent_dim),
        ("main", 4),
    ):
        assert client.run(dimension.format(f"{repo}@{revision}", "")) == expected
        assert client.run(dimension.format(repo, f", revision={revision!r}")) == expected
    both = dimension.format(f"{repo}@v1.0", ", revision='main'")
    fails(client, both, "ValueError", "contradict")
    fails(client, dimension.format(f"{repo}@v2", ""), "FileNotFoundError", "no such revision")
    fails(client, dimension.format(repo, ", revision='../../x'"), "ValueError", "revision")


def test_all_files_come_from_one_commit(hub, client, repo, preset):
    def moves_on(handler, content):
        # The branch gets another configuration while the metadata of the old commit are read.
        hub.broken.clear()
        hub.commit(repo, {"config.json": b"{}", WEIGHTS: b"another"})
        handler.send(content)

    hub.broken["metadata.json"] = moves_on
    client.run(load(repo))
    fails(client, load(repo), "ValueError", "must hold exactly")


# What goes wrong ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "status", "code", "kind", "message"),
    [
        ("metadata.json", 401, None, "PermissionError", "HTTP status 401.*HF_TOKEN"),
        ("metadata.json", 401, "RepoNotFound", "FileNotFoundError", "no such repository.*HF_TOKEN"),
        ("metadata.json", 403, None, "PermissionError", "HTTP status 403.*[Aa]sk"),
        ("metadata.json", 403, "GatedRepo", "PermissionError", "accept terms"),
        (
            "metadata.json",
            404,
            "EntryNotFound",
            "FileNotFoundError",
            "no 'metadata.json' of hf://me",
        ),
        ("config.json", 404, None, "FileNotFoundError", "HTTP status 404"),
        (WEIGHTS, 416, None, "OSError", "HTTP status 416"),
        (WEIGHTS, 429, None, "OSError", "HTTP status 429.*wait"),
        ("config.json", 500, None, "OSError", "HTTP status 500.*later"),
        (WEIGHTS, 503, None, "OSError", "HTTP status 503.*later"),
    ],
)
def test_refusals(hub, client, repo, name, status, code, kind, message):
    hub.errors[name] = (status, code)
    fails(client, load(repo), kind, f"(?s){message}")
    hub.errors.clear()
    client.run(load(repo))


def test_missing_repositories_and_files(hub, client, repo):
    fails(client, load("me/nobody"), "FileNotFoundError", "hf://me/nobody: no such repository")
    del hub.commits[hub.refs[repo]["main"]][WEIGHTS]
    fails(client, load(repo), "FileNotFoundError", f"no '{WEIGHTS}' of hf://{repo}")
    client.run(load(repo, load_weights=False))
    fails(client, load(f"{repo}/{WEIGHTS}"), "ValueError", "names a file.*from_checkpoint")


@pytest.mark.parametrize("name", ["config.json", WEIGHTS])
@pytest.mark.parametrize("kind", ["truncated", "cut_connection", "shortened", "chunks_without_end"])
def test_half_a_file_is_never_used(hub, client, repo, misfortunes, name, kind):
    hub.broken[name] = misfortunes[kind]
    fails(client, load(repo), "OSError", f"'{name}' of hf://{repo}.*no complete answer.*try again")
    hub.broken.clear()
    client.run(load(repo))


@pytest.mark.parametrize(
    "storage",
    ["file:///etc", "ftp://localhost/x", "http://127.0.0.1:9/x", "https://nowhere.invalid"],
)
def test_storage_that_is_none(hub, client, repo, storage):
    hub.storage = storage
    fails(client, load(repo), "OSError", f"'{WEIGHTS}' of hf://{repo}.* (connection|name)")


def test_files_without_a_stated_length(hub, client, repo, misfortunes):
    hub.broken.update(dict.fromkeys(["config.json", WEIGHTS], misfortunes["in_chunks"]))
    client.run(load(repo))


def test_other_weights_than_the_metadata_say(hub, client, repo, preset, misfortunes):
    hub.broken[WEIGHTS] = misfortunes["exchanged"]
    expected = json.loads(preset[1]["metadata.json"])["sha256"]
    received = hashlib.sha256(bytes(b ^ 1 for b in preset[1][WEIGHTS])).hexdigest()
    fails(client, load(repo), "ValueError", f"is {received}, but {expected} was expected")
    # The copy in the cache is bad: it is fetched again, and refused as long as it stays so.
    fails(client, load(repo), "ValueError", "was expected")
    hub.broken.clear()
    client.run(load(repo))
    assert len(hub.asked("GET", f"/{WEIGHTS}")) == 3
    hub.commit(repo, {"metadata.json": edited(preset[1], "metadata.json", sha256=None)})
    fails(client, load(repo), "ValueError", "None was expected")


@pytest.mark.parametrize("name", ["metadata.json", WEIGHTS])
def test_a_copy_damaged_in_the_cache_is_fetched_again(hub, client, repo, name):
    client.run(load(repo))
    client.run(
        "import pathlib, os\n"
        f"cache = pathlib.Path(os.environ['HF_HOME'], 'hub', 'models--{repo.replace('/', '--')}')\n"
        f"(path,) = cache.glob('snapshots/*/{name}')\n"
        "path.write_bytes(path.read_bytes()[:100])\n"
    )
    client.run(load(repo))


def test_claims_of_size(hub, client, repo, preset):
    hub.commit(repo, {"config.json": b" " * (2 << 20)})
    fails(client, load(repo), "ValueError", "'config.json'.* 2097152 bytes; at most 1048576")
    hub.commit(repo, {"config.json": preset[1]["config.json"], WEIGHTS: bytes(17 << 20)})
    fails(client, load(repo), "ValueError", f"'{WEIGHTS}' .* 17825792 bytes; at most")
    assert len(hub.asked("GET", "config.json")) == 1 and not hub.asked("GET", WEIGHTS)


@pytest.mark.parametrize(
    ("name", "changes", "message"),
    [
        ("config.json", {"class_name": "Popen"}, "No class named 'Popen'"),
        ("config.json", {"module": "os"}, "exactly 'class_name' and 'config'"),
        ("config.json", {"config": {"module": "os", "registered_name": "system"}}, "no arguments"),
        ("config.json", {"config": {"image_shape": {"module": "os"}}}, "must be a number"),
        ("config.json", {"config": {"image_shape": [1 << 20, 16, 1]}}, "at most 8192"),
        ("metadata.json", {"format_version": 2}, "format_version 2.*Update keras_gan"),
        ("metadata.json", {"format_version": True}, "format_version True"),
        ("metadata.json", {"source": "file:///etc/passwd"}, "refused"),
        ("metadata.json", {"source": "/etc/passwd"}, "source is https:// or hf://"),
        ("metadata.json", {"source": "hf://me/x/../../etc/passwd"}, "cannot be the name of a file"),
        ("metadata.json", {"source": {"generator": "http://127.0.0.1/x"}}, "private address"),
        ("metadata.json", {"source": "https://169.254.169.254/x"}, "private address"),
        ("metadata.json", {"source": "hf://me/x/G.npz", "sha256": "1f8a2277"}, "64 hexadecimal"),
        ("metadata.json", {"source": "hf://me/x/G.npz", "layout": ["x"]}, "'layout' is a string"),
        ("metadata.json", {"source": "hf://me/x/G.npz", "networks": 7}, "list of strings"),
    ],
)
def test_descriptions_are_data_and_lead_nowhere(hub, client, repo, preset, name, changes, message):
    hub.commit(repo, {name: edited(preset[1], name, **changes)})
    fails(client, load(repo), "ValueError", message)
    assert not hub.asked("GET", WEIGHTS)


def test_weights_that_are_more_than_weights(hub, client, repo, preset, tmp_path):
    path = tmp_path / WEIGHTS
    path.write_bytes(preset[1][WEIGHTS])
    with h5py.File(path, "r+") as file:
        # A chunk that inflates to a thousand times what its shape says.
        bomb = file.create_dataset("x", (1000,), "i1", chunks=(1000,), compression="gzip")
        bomb.id.write_direct_chunk((0,), zlib.compress(bytes(1_000_000)))
    content = path.read_bytes()
    sha256 = hashlib.sha256(content).hexdigest()
    metadata = edited(preset[1], "metadata.json", sha256=sha256)
    hub.commit(repo, {WEIGHTS: content, "metadata.json": metadata})
    fails(client, load(repo), "ValueError", "inflates beyond its size")


# Interrupted, side by side, without room, without a hub ------------------------------------------


def test_two_at_once_killed_half_way_and_offline(
    hub, client, start_client, repo, misfortunes, preset, tmp_path
):
    other, offline = start_client(), start_client(HF_HUB_OFFLINE="1")
    images = keras_gan.GAN.from_preset(preset[0]).generate(seeds=[1]).tolist()
    code = load(repo, cache_dir=str(tmp_path / "together"))
    hub.broken[WEIGHTS] = slow = misfortunes["Slow"]()
    client.start(code)
    assert slow.half_sent.wait(60)
    other.start(code)
    slow.go_on.set()
    assert client.finish()[0] == other.finish()[0] == images

    code = load(repo, cache_dir=str(tmp_path / "killed"))
    hub.broken[WEIGHTS] = slow = misfortunes["Slow"]()
    other.start(code)
    assert slow.half_sent.wait(60)
    other.close()
    slow.go_on.set()
    # Configuration and metadata are complete, the weights are not there.
    fails(offline, code, "FileNotFoundError", f"'{WEIGHTS}'.*HF_HUB_OFFLINE")
    offline.run(load(repo, cache_dir=str(tmp_path / "killed"), load_weights=False))
    assert client.run(code) == images

    hub.requests.clear()
    assert offline.run(code) == images
    where = f"'hf://{repo}', cache_dir={str(tmp_path / 'killed')!r}"
    licence = f"result = keras_gan.presets.metadata({where})['licence']"
    assert offline.run(licence) == "CC-BY-NC-4.0"
    fails(offline, load("me/other"), "FileNotFoundError", "not found in the cache.*HF_HUB_OFFLINE")
    fails(offline, load(f"{repo}@v1"), "FileNotFoundError", "not found in the cache")
    upload = f"keras_gan.upload_preset('hf://me/x', {str(preset[0])!r})"
    fails(offline, upload, "OSError", "HF_HUB_OFFLINE")
    assert hub.requests == []
    # A damaged copy cannot be replaced offline.
    (path,) = tmp_path.glob(f"killed/models--*/snapshots/*/{WEIGHTS}")
    path.write_bytes(path.read_bytes()[:-1])
    fails(offline, code, "ValueError", "corrupted")


def test_a_hub_that_fails_is_not_needed_for_what_is_cached(hub, client, repo):
    client.run(load(repo))
    for name in ("metadata.json", "config.json", WEIGHTS):
        hub.errors[name] = (503, None)
    client.run(load(repo))


# Root may write anywhere: the client gives up the power to overrule permissions for a while.
READ_ONLY = """
import contextlib, ctypes, os, pathlib

@contextlib.contextmanager
def read_only(folder):
    def chmod(add):
        for path in [pathlib.Path(folder), *pathlib.Path(folder).rglob("*")]:
            if not path.is_symlink():
                path.chmod(path.stat().st_mode | 0o200 if add else path.stat().st_mode & ~0o222)
    header, sets = (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)()
    libc = ctypes.CDLL(None)
    libc.capget(header, sets)
    effective = sets[0]
    chmod(False)
    sets[0] &= ~(1 << 1)  # CAP_DAC_OVERRIDE
    libc.capset(header, sets)
    try:
        yield
    finally:
        sets[0] = effective
        libc.capset(header, sets)
        chmod(True)
"""


def test_a_cache_that_cannot_be_written(hub, client, repo, tmp_path):
    client.run(READ_ONLY)
    cache = tmp_path / "cache"
    cache.mkdir()
    reading = "with read_only({!r}):\n    {}\n    result = gan.generate(seeds=[1]).tolist()"
    line = load(repo, cache_dir=str(cache)).splitlines()[0]
    locked = reading.format(str(cache), line)
    fails(client, locked, "PermissionError", "could not be stored in the cache.*cache_dir.*HF_HOME")
    assert list(cache.iterdir()) == []
    client.run(line)
    client.run(locked)
    # A new commit needs room for its names.
    hub.commit(repo, {"README.md": b"new"})
    fails(client, locked, "PermissionError", "could not be stored")
    (tmp_path / "file").write_text("not a folder")
    inside = load(repo, cache_dir=str(tmp_path / "file" / "cache"))
    fails(client, inside, "OSError", "could not be stored in the cache")


def test_a_full_disk(client, repo, tmp_path):
    # The largest file that may be written stands in for a disk with little room: it needs no mount.
    client.run(
        "import resource\n"
        "def with_room_for(size):\n"
        "    hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]\n"
        "    resource.setrlimit(resource.RLIMIT_FSIZE, (size if size else hard, hard))\n"
    )
    try:
        for room in (10, 10_000):
            client.run(f"with_room_for({room})")
            fails(client, load(repo), "OSError", "could not be stored in the cache.*Make room")
        code = (
            "gan = keras_gan.DCGAN(image_shape=(16, 16, 1), latent_dim=4, width=2)\n"
            f"gan.save_to_preset({str(tmp_path / 'new')!r})"
        )
        fails(client, code, "OSError", "")
        assert list(tmp_path.iterdir()) == []
    finally:
        client.run("with_room_for(None)")
    client.run(load(repo))


# Sources ------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    """A DCGAN, and its state dicts of pytorch/examples as the bytes of two `.npz` files."""
    gan = keras_gan.DCGAN(image_shape=(16, 16, 1), latent_dim=4, width=2)
    layout = keras_gan.checkpoints.LAYOUTS["dcgan_pytorch_examples"]
    contents = {}
    for role in ("generator", "discriminator"):
        rows = layout.network(role).rows(getattr(gan, role))
        path = tmp_path_factory.mktemp("checkpoint") / f"{role}.npz"
        np.savez(
            path, **{r.source: r.to_source(keras.ops.convert_to_numpy(r.weight)) for r in rows}
        )
        contents[path.name] = path.read_bytes()
    return gan, contents


@pytest.fixture
def pointer(hub, checkpoint, request, tmp_path):
    """A preset folder that names its weights, and where they are."""
    gan, contents = checkpoint
    repo = f"nets/{request.node.name}"
    commit = hub.commit(repo, contents)
    gan.save_to_preset(tmp_path / "pointer", licence="NVIDIA Source Code License-NC")
    (tmp_path / "pointer" / WEIGHTS).unlink()
    roles = ("generator", "discriminator")
    point(
        tmp_path / "pointer",
        source={role: f"hf://{repo}/{role}.npz@{commit}" for role in roles},
        sha256={role: hashlib.sha256(contents[f"{role}.npz"]).hexdigest() for role in roles},
        layout="dcgan_pytorch_examples",
    )
    return tmp_path / "pointer", repo


def point(folder, **changes):
    path = folder / "metadata.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def test_weights_that_a_preset_names_are_converted_once(hub, client, checkpoint, pointer):
    folder, _ = pointer
    code = (
        f"gan = keras_gan.GAN.from_preset({str(folder)!r})\n"
        "result = gan.generate(seeds=[1]).tolist()"
    )
    client.run(code.replace("')", "', load_weights=False)", 1))
    assert hub.requests == []
    client.start(code)
    images, printed = client.finish()
    expected = checkpoint[0].generate(seeds=[1])
    assert np.abs(np.array(images) - expected).max() <= 1
    assert "NVIDIA Source Code License-NC" in printed and "unverified" not in printed
    assert len(hub.asked("GET", "generator.npz")) == 1
    hub.requests.clear()
    assert client.run(code) == images
    assert client.run(code.replace("')", "', dtype='mixed_bfloat16')", 1))
    assert hub.requests == []
    # Damaged weights are made anew; what a killed conversion left is removed.
    damage = (
        "import os, pathlib\n"
        "folder = pathlib.Path(os.environ['KERAS_GAN_HOME'], 'converted')\n"
        "(path,) = folder.glob('*.h5')\n"
        "path.write_bytes(path.read_bytes()[:-1])\n"
        "(folder / '.partial-old').mkdir()\n"
        "os.utime(folder / '.partial-old', (0, 0))"
    )
    client.run(damage)
    assert client.run(code) == images
    assert client.run("result = len(list(folder.glob('.partial-*')))") == 0
    # Published, it stays a pointer under its own licence.
    client.run(f"keras_gan.upload_preset('hf://me/pointer', {str(folder)!r})")
    tree = hub.tree("me/pointer")[0]
    assert WEIGHTS not in tree
    assert b'license: other\nlicense_name: "NVIDIA Source Code License-NC"' in tree["README.md"]
    assert client.run(load("me/pointer")) == images


def test_sources_that_are_not_what_they_should_be(hub, client, pointer, checkpoint):
    folder, repo = pointer
    code = f"result = keras_gan.GAN.from_preset({str(folder)!r}).generate(seeds=[1]).tolist()"
    hashes = json.loads((folder / "metadata.json").read_text())["sha256"]
    point(folder, sha256={**hashes, "generator": "0" * 64})
    fails(client, code, "ValueError", f"is {hashes['generator']}, but 0{{64}} was expected")
    point(folder, sha256={**hashes, "critic": "0" * 64})
    fails(client, code, "ValueError", "sha256.*critic")
    point(folder, sha256={"generator": hashes["generator"]})
    client.start(code)
    printed = client.finish()[1]
    assert "discriminator.npz" in printed and "unverified" in printed
    point(folder, source=f"hf://{repo}", sha256=None)
    fails(client, code, "ValueError", "names no file")
    point(folder, source=f"hf://{repo}/generator.npz")
    fails(client, code, "ValueError", "holds .'generator'.")
    point(folder, networks=["generator"])
    assert client.run(code)


def test_checkpoints_by_address(hub, client, checkpoint):
    commit = hub.commit("nets/both", checkpoint[1])
    names = {role: f"hf://nets/both/{role}.npz@{commit}" for role in ("generator", "discriminator")}
    client.start(
        f"gan = keras_gan.DCGAN.from_checkpoint({names!r})\n"
        "result = gan.generate(seeds=[1]).tolist()"
    )
    images, printed = client.finish()
    assert np.abs(np.array(images) - checkpoint[0].generate(seeds=[1])).max() <= 1
    assert printed.count("unverified") == 2
    digest = hashlib.sha256(checkpoint[1]["generator.npz"]).hexdigest()
    assert printed.count(digest) == 1


# Without a hub ------------------------------------------------------------------------------------


def test_without_the_package(monkeypatch, preset):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    monkeypatch.setitem(sys.modules, "huggingface_hub.constants", None)
    for call in (
        lambda: keras_gan.GAN.from_preset("hf://me/some"),
        lambda: keras_gan.presets.metadata("hf://me/some"),
        lambda: keras_gan.upload_preset("hf://me/some", preset[0]),
    ):
        with pytest.raises(ImportError, match=r"keras-gan\[hub\]"):
            call()
    keras_gan.GAN.from_preset(preset[0])


WORDS = st.lists(st.text("abcXYZ019_", min_size=1, max_size=8), min_size=1, max_size=3).map(
    "-".join
)
PATHS = st.lists(WORDS, min_size=1, max_size=3).map("/".join)


@given(WORDS, WORDS, st.none() | PATHS, st.none() | PATHS)
def test_addresses_are_read_as_they_are_written(user, name, file, revision):
    uri = (
        f"hf://{user}/{name}" + (f"/{file}" if file else "") + (f"@{revision}" if revision else "")
    )
    assert parse(uri) == (f"{user}/{name}", file, revision)


@given(st.text(st.characters(codec="utf-8") | st.sampled_from("/@.:\\"), max_size=30))
def test_whatever_is_read_from_an_address_is_harmless(text):
    try:
        repo, file, revision = parse(f"hf://{text}")
    except ValueError as error:
        assert "hf://" in str(error) or "name of a" in str(error)
        return
    assert re.fullmatch(r"[\w.-]+/[\w.-]+", repo, re.ASCII) and ".." not in repo
    for path in filter(None, (file, revision)):
        assert not {"", ".", ".."} & set(path.split("/")) and not set("\\:*?") & set(path)
        assert not path.startswith("/") and path.isprintable()


@pytest.mark.parametrize(
    "uri",
    [
        "hf://",
        "hf://user",
        "hf:/user/repo",
        "HF://user/repo",
        "hf://user/repo@",
        "hf://user//file",
        "hf://user/repo/",
        "hf://user/repo/../file",
        "hf://user/repo/a\\b",
        "hf://user/repo@../../x",
        "hf://user/repo@/etc",
        "hf://user/repo@a\nb",
        "hf://user/repo@a b",
        "hf://us--er/repo",
        "hf://user/re..po",
        "hf://user/repo.git",
        "hf://-user/repo",
        "hf://user/repo-",
        "hf://üser/repo",
        "hf://user/" + "x" * 100,
        "hf://user/repo@" + "x" * 300,
    ],
)
def test_addresses_that_are_none(uri):
    with pytest.raises(ValueError, match=r"hf://|name of a|cannot be"):
        parse(uri)
    with pytest.raises(ValueError):
        keras_gan.GAN.from_preset(uri)


def test_the_kinds_of_handles(preset, tmp_path):
    with pytest.raises(ValueError, match="Only hf:// presets have revisions"):
        keras_gan.GAN.from_preset(preset[0], revision="main")
    with pytest.raises(ValueError, match="from_checkpoint"):
        keras_gan.GAN.from_preset("https://huggingface.co/user/repo")
    with pytest.raises(ValueError, match="hf://user/repo or a folder"):
        keras_gan.GAN.from_preset(None)
    assert keras_gan.presets.metadata(preset[0])["dataset"] == "3 photos of my cat"
    assert keras_gan.presets.metadata("dcgan_emoji_64")["licence"] == "Apache-2.0"
    with pytest.raises(ValueError, match=r"\['source'\] are the library's own"):
        keras_gan.GAN.from_preset(preset[0]).save_to_preset(tmp_path / "x", source="my garden")


def test_older_formats_are_brought_up_to_date(preset, monkeypatch):
    """There has been one version so far: an imagined second one reads the first."""

    def rename(metadata, content):
        return {**metadata, "license": metadata["licence"]}, content

    monkeypatch.setattr(preset_folder, "FORMAT_VERSION", 2)
    monkeypatch.setattr(preset_folder, "_UPGRADES", {1: rename})
    assert keras_gan.presets.metadata(preset[0])["license"] == "CC-BY-NC-4.0"
    keras_gan.GAN.from_preset(preset[0])


def test_a_card_tells_what_is_known(preset):
    text = card.render("hf://me/cats", json.loads(preset[1]["metadata.json"]))
    assert "| figure | value | protocol |" in text
    assert "| FID | 12.5 | images 50000, extractor inception |" in text
    assert "license: cc-by-nc-4.0" in text and "\n# me/cats\n" in text
