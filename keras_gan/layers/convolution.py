import keras

from keras_gan.ops import conv, conv_transpose


@keras.saving.register_keras_serializable(package="keras_gan")
class Conv2D(keras.layers.Conv2D):
    def convolution_op(self, inputs, kernel):
        return conv(inputs, kernel, self.strides[0], self.padding)


@keras.saving.register_keras_serializable(package="keras_gan")
class Conv2DTranspose(keras.layers.Conv2DTranspose):
    def call(self, inputs):
        y = conv_transpose(inputs, self.kernel, self.strides[0], self.padding)
        if self.use_bias:
            y = y + self.bias
        return y
