"""What `keras_gan.callbacks.Diagnosis` measures and how it judges."""
