"""The same run alone and distributed: program.py, in processes of its own."""

import json
import os
import pathlib
import socket
import subprocess
import sys
import time

import keras
import numpy as np
import pytest

HERE = pathlib.Path(__file__).parent
BACKEND = keras.backend.backend()
SETTINGS = {
    "jax": {"data_parallel": 8},
    "tensorflow": {"mirrored": 2, "multi_worker": 2},
    "torch": {"torchrun": 2},
}[BACKEND]
SEVERAL_PROCESSES = [name for name in SETTINGS if name in ("multi_worker", "torchrun")]
GLOBAL_CASES = ("wgan_gp", "lazy", "toolbox")
ALL_CASES = (*GLOBAL_CASES, "batch_statistics", "rest")
# A run that hangs is a failure; a loaded machine is not.
TIMEOUT = 500


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for s in sockets:
        s.bind(("127.0.0.1", 0))
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports


def run(setting, out, *cases):
    """Run cases of program.py; `(exit codes, what they printed)`, one for each process started."""
    count = SETTINGS.get(setting, 1)
    command = [sys.executable]
    environments = [{}]
    ports = free_ports(count)
    if setting == "torchrun":
        command += ["-m", "torch.distributed.run", f"--nproc_per_node={count}"]
        command += ["--master_addr=127.0.0.1", f"--master_port={ports[0]}"]
    elif setting == "multi_worker":
        cluster = {"worker": [f"127.0.0.1:{port}" for port in ports]}
        environments = [
            {"TF_CONFIG": json.dumps({"cluster": cluster, "task": {"type": "worker", "index": i}})}
            for i in range(count)
        ]
    root = HERE.parents[1]
    processes = [
        subprocess.Popen(
            [*command, str(HERE / "program.py"), setting, str(out), *cases],
            env={**os.environ, "PYTHONPATH": str(root), "REPLICAS": str(count), **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            # So that nothing is left of a torchrun that has to be killed.
            start_new_session=True,
        )
        for environment in environments
    ]
    deadline = time.monotonic() + TIMEOUT
    try:
        printed = [p.communicate(timeout=max(deadline - time.monotonic(), 1))[0] for p in processes]
    finally:
        for process in processes:
            if process.poll() is None:
                os.killpg(process.pid, 9)
    return [process.returncode for process in processes], printed


def load(out):
    """dict: case to the results of every process."""
    return {
        folder.name: [dict(np.load(file)) for file in sorted(folder.glob("*.npz"))]
        for folder in out.iterdir()
    }


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    out = tmp_path_factory.mktemp("alone")
    codes, printed = run("alone", out, *ALL_CASES)
    assert codes == [0], printed
    return {case: results[0] for case, results in load(out).items() if results}


@pytest.fixture(scope="module", params=list(SETTINGS))
def distributed(request, tmp_path_factory):
    out = tmp_path_factory.mktemp(request.param)
    codes, printed = run(request.param, out, *ALL_CASES, "errors")
    assert set(codes) == {0}, printed
    return request.param, load(out), out


def close(found, expected, rtol=1e-5):
    assert set(found) == set(expected)
    for name, value in expected.items():
        if value.dtype.kind == "f":
            # Relative to the scale of a tensor: single entries of moments may be next to nothing.
            scale = np.abs(value).max(initial=0)
            np.testing.assert_allclose(
                found[name], value, rtol=0, atol=rtol * scale + 1e-8, err_msg=name
            )
        else:
            np.testing.assert_array_equal(found[name], value, err_msg=name)


@pytest.mark.parametrize("case", GLOBAL_CASES)
def test_losses_and_variables_are_those_of_one_device(alone, distributed, case):
    # After 2 to 10 steps, all of it: weights, averages, moments, seeds, the step, and the logs.
    _, results, _ = distributed
    for found in results[case]:
        close(found, alone[case])


@pytest.mark.parametrize("case", ALL_CASES)
def test_replicas_stay_equal(distributed, case):
    _, results, _ = distributed
    first, *others = results[case]
    assert first["apart"] == 0
    for other in others:
        assert other["apart"] == 0
        for name in set(first) - {"drawn", "wrote", "is chief", "loaded", "saved"}:
            np.testing.assert_array_equal(other[name], first[name], err_msg=name)


def test_batch_statistics(alone, distributed):
    setting, results, _ = distributed
    found, expected = results["batch_statistics"][0], alone["batch_statistics"]
    # The mean of the replicas' means is that of all images. What the images look like depends on
    # who shares a batch, except on JAX, where it is the global one.
    close({"mean": found["moving mean"]}, {"mean": expected["moving mean"]})
    logs = ["log d_loss", "log g_loss"] if setting == "data_parallel" else ["log real_logits"]
    close({name: found[name] for name in logs}, {name: expected[name] for name in logs})


def test_batches_evaluation_and_images(alone, distributed):
    _, results, _ = distributed
    for found in results["rest"]:
        # The order of shuffled arrays is among it, and a metric that is no mean over images.
        names = [name for name in found if name.startswith("log") or name == "on batch"]
        names += ["evaluate", "evaluate again"]
        close({n: found[n] for n in names}, {n: alone["rest"][n] for n in names})
        np.testing.assert_array_equal(found["evaluate"], found["evaluate again"])
        difference = found["images"].astype(int) - alone["rest"]["images"]
        assert np.abs(difference).max() <= 1


def test_noise_is_that_of_the_global_batch(alone, distributed):
    _, results, _ = distributed
    drawn = np.concatenate([result["drawn"] for result in results["rest"]])
    np.testing.assert_allclose(drawn, alone["rest"]["drawn"], rtol=1e-5, atol=1e-6)
    assert len(np.unique(drawn)) == drawn.size


def test_files_are_written_once(distributed):
    _, results, out = distributed
    chiefs = [bool(result["is chief"]) for result in results["rest"]]
    assert chiefs == [True] + [False] * (len(chiefs) - 1)
    assert [bool(result["wrote"]) for result in results["rest"]] == chiefs
    np.testing.assert_array_equal(results["rest"][0]["loaded"], results["rest"][0]["saved"])
    shared = out / "shared"
    assert [len(list(folder.iterdir())) for folder in sorted(shared.glob("process*"))] == [
        3 * chief for chief in chiefs
    ]
    lines = [json.loads(line) for line in (shared / "history.jsonl").read_text().splitlines()]
    assert [line["epoch"] for line in lines] == [1, 2]
    assert len(list((shared / "samples").iterdir())) == 4
    assert len(list(shared.glob("model*.keras"))) == 2


def test_uneven_shares_are_refused_by_every_process(distributed):
    setting, results, _ = distributed
    parts = f"shared by {SETTINGS[setting]} replicas"
    expected = {
        "batch size": "a batch of 7 images",
        "last batch": "a batch of 1 images",
        "last batch of a set": "a batch of 1 images",
        "one batch": "a batch of 7 images",
        "evaluation": "a batch of 1 images",
    }
    for found in results["errors"]:
        for name, message in expected.items():
            assert parts in str(found[name]) and message in str(found[name])
        # None of it made a step but the last fit.
        assert found["step"] >= 8 and found["apart"] == 0


def test_processes_that_differ_are_refused_by_every_process(distributed):
    setting, results, _ = distributed
    if setting not in SEVERAL_PROCESSES:
        # Whatever is asked of one process is asked of all its replicas.
        return
    expected = {
        "steps": "differ in the number of steps of an epoch",
        "epochs": "differ in the arguments",
        "arguments": "differ in the arguments",
        "model": "differ in the training step",
    }
    if setting == "torchrun":
        expected |= {
            "order": "differ in the next batch",
            "size": "differ in the next batch",
            "batches": "differ in the next batch",
            "end": "differ in the next batch",
        }
    assert len(results["errors"]) == SETTINGS[setting]
    for process, found in enumerate(results["errors"]):
        for name, message in expected.items():
            assert message in str(found[name]) and f"Process {process} has" in str(found[name])


if SEVERAL_PROCESSES:

    @pytest.mark.parametrize("case", ["less_data", "death"])
    @pytest.mark.parametrize("setting", SEVERAL_PROCESSES)
    def test_a_process_that_fails_ends_the_others(setting, case, tmp_path):
        began = time.monotonic()
        codes, printed = run(setting, tmp_path, case)
        assert all(codes), printed
        assert time.monotonic() - began < TIMEOUT / 2
        reason = {"less_data": "less data", "death": "on purpose"}[case]
        if setting == "torchrun" and case == "less_data":
            reason = "differ in the next batch"
        assert any(reason in text for text in printed), printed
