"""From images to numbers: a whole evaluation."""

import numpy as np

from keras_gan import checkpoints, metrics
from parity import features

_LAYERS = ("64", "192", "768", "2048")


def e2e(case):
    """Distances on all layers, and the other metrics on the last one's features."""
    config = case.config
    real, fake = (features.images_of(case, name) for name in ("real", "fake"))
    network = checkpoints.load_network(case.params, "inception_v3_pytorch_fid").network
    found = {}
    for layer in _LAYERS:
        outputs = [layer, "logits_unbiased"]
        extractor = metrics.FeatureExtractor(network, "inception", outputs)
        chosen = [metrics.FrechetInceptionDistance()]
        if layer == "2048":
            chosen += [
                metrics.KernelInceptionDistance(
                    subsets=config["kid_subsets"],
                    subset_size=config["kid_subset_size"],
                    seed=config["rng_seed"],
                ),
                metrics.InceptionScore(splits=config["isc_splits"], seed=config["rng_seed"]),
                metrics.PrecisionRecall(),
            ]
        result = metrics.evaluate(fake, real, chosen, extractor=extractor, cache=False, verbose=0)
        values = result.values
        found[f"fid_{layer}"] = found[f"fid_torch_fidelity_{layer}"] = values["fid"]
        found[f"trace_sum_{layer}"] = sum(
            np.trace(state.covariance()) for state in (chosen[0].real, chosen[0].fake)
        )
    found["kid"] = [values["kid"], values["kid_std"]]
    found["isc_fake"] = [values["inception_score"], values["inception_score_std"]]
    found["prc_2048"] = [values["precision"], values["recall"]]
    case.tolerance = {
        "kid": {"rtol": 1e-3},
        "isc_fake": {"rtol": 1e-4},
        "prc_2048": {"atol": 1 / min(len(real), len(fake))},
    }
    for layer in _LAYERS:
        scale = case.outputs[f"trace_sum_{layer}"] + case.outputs[f"fid_{layer}"]
        for name in ("fid", "fid_torch_fidelity", "trace_sum"):
            case.tolerance[f"{name}_{layer}"] = {"atol": 2e-4 * float(scale)}
    return found
