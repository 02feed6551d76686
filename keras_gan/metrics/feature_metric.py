"""The base of metrics that compare features of real and of generated images."""

import keras

from keras_gan.metrics.feature_arrays import check_features
from keras_gan.metrics.feature_rows import FeatureRows
from keras_gan.metrics.sample_metric import SampleMetric


class FeatureMetric(SampleMetric):
    """Base class of metrics on features, which are given or computed from images.

    Args:
        extractor: callable from images to features `(N, D)`, such as a
            `keras_gan.metrics.FeatureExtractor`: then `update_state` takes images. Without one it
            takes features, finite floats `(N, D)`.
        name: str.
        dtype: dtype of the metric.

    Attributes:
        real: state of the real samples.
        fake: state of the generated samples.
    """

    def __init__(self, extractor=None, name=None, dtype=None):
        if extractor is not None and not callable(extractor):
            raise ValueError(
                "`extractor` is a callable from images to features, or None if features are given. "
                f"Received: {extractor!r}"
            )
        self.extractor = extractor
        super().__init__(name, dtype)

    def new_state(self):
        """No rows; a subclass that needs less of a set than all rows keeps something else."""
        return FeatureRows()

    def _checked(self, given):
        known = self.real.num_features or self.fake.num_features
        checked = []
        for state, samples in given:
            if self.extractor is not None:
                if not len(samples):
                    continue
                samples = self._features(samples)
            checked.append((state, check_features(samples, known)))
            known = checked[-1][1].shape[1]
        return checked

    def _features(self, images):
        features = self.extractor(images)
        if isinstance(features, dict):
            raise ValueError(
                f"The extractor has several outputs, {sorted(features)}: make one with the "
                f"output that {type(self).__name__} is to compare."
            )
        return features

    def _origin(self):
        return getattr(self.extractor, "protocol", self.extractor)

    @property
    def protocol(self):
        """As of the base class, and that of the extractor."""
        return {**super().protocol, "features": getattr(self.extractor, "protocol", None)}

    def get_config(self):
        """The constructor's arguments."""
        extractor = keras.saving.serialize_keras_object(self.extractor)
        return {**super().get_config(), "extractor": extractor}

    @classmethod
    def from_config(cls, config):
        """The inverse of `get_config`."""
        extractor = keras.saving.deserialize_keras_object(config["extractor"])
        return cls(**{**config, "extractor": extractor})
