"""The Dirac-GAN: which methods draw two players to the equilibrium at all."""

import numpy as np

from keras_gan.theory import dirac_gan

_STEPS = 500
_METHODS = {
    "GAN": dirac_gan.gan(),
    "non-saturating GAN": dirac_gan.non_saturating(),
    "WGAN, clipped at 1": dirac_gan.wgan(1.0),
    "WGAN-GP": dirac_gan.wgan_gp(0.7),
    "R1, gamma 0.3": dirac_gan.gan(r1_gamma=0.3),
    "R1, gamma 1": dirac_gan.gan(r1_gamma=1.0),
    "consensus, weight 1": dirac_gan.consensus(1.0),
}


class Dirac:
    """The game as a benchmark: there is nothing to train, only to compute."""

    remedies = ()

    def stored(self, folder):
        """The final distance from the equilibrium of each method."""
        del folder
        return [{"method": name, **_distances(method)} for name, method in _METHODS.items()]

    def table(self, folder):
        """These distances as Markdown."""
        rows = [["", "at once", "in turn", "five steps of D"], ["---"] * 4]
        for found in self.stored(folder):
            method, *distances = found.values()
            rows.append([method, *(f"{distance:.2g}" for distance in distances)])
        return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def _distances(method):
    schedules = {"at_once": None, "in_turn": 1, "five_steps": 5}
    return {
        name: float(
            np.linalg.norm(dirac_gan.simulate(method, _STEPS, discriminator_steps=steps)[-1])
        )
        for name, steps in schedules.items()
    }


BENCHMARKS = {"dirac": Dirac()}
