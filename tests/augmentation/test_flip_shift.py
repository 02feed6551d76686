import keras
import numpy as np
import pytest
from keras import ops

import keras_gan
from keras_gan.augmentation import FlipShift, get

# Every pixel tells its row and its column.
ROWS, COLUMNS = np.mgrid[:5, :7].astype("float32")
IMAGES = np.broadcast_to(np.stack([ROWS, COLUMNS], -1), (64, 5, 7, 2)).copy()


def augmented(augmentation, images=IMAGES):
    seed = keras_gan.random.SeedGenerator(2)
    return ops.convert_to_numpy(augmentation(ops.convert_to_tensor(images), seed, 0))


def reflected(index, length):
    return int(np.pad(np.arange(length), length - 1, mode="reflect")[index + length - 1])


def test_images_are_mirrored_and_shifted_with_reflected_borders():
    seen = set()
    for image in augmented(FlipShift(2)):
        row, column = image[2, 3].astype(int)
        mirrored = image[2, 4, 1] < image[2, 3, 1] if 0 < column < 6 else None
        # The middle lies two steps from the rows' ends and three from the columns'.
        down, right = row - 2, column - 3
        rows = [reflected(i + down, 5) for i in range(5)]
        columns = [reflected(j + (-right if mirrored else right), 7) for j in range(7)]
        if mirrored:
            columns = [6 - column for column in columns]
        np.testing.assert_array_equal(image[:, 0, 0], rows)
        np.testing.assert_array_equal(image[0, :, 1], columns)
        seen.add((down, right, bool(mirrored)))
    assert {down for down, _, _ in seen} == {right for _, right, _ in seen} == {-2, -1, 0, 1, 2}
    assert {mirrored for _, _, mirrored in seen} == {True, False}


def test_without_flip_and_shift_nothing_changes():
    np.testing.assert_array_equal(augmented(FlipShift(0, flip=False)), IMAGES)


def test_only_flip():
    kinds = {bool(image[0, 0, 1]) for image in augmented(FlipShift(0))}
    assert kinds == {True, False}


def test_config():
    augmentation = FlipShift(3, flip=False)
    again = get(keras.saving.serialize_keras_object(augmentation))
    assert type(again) is FlipShift and vars(again) == vars(augmentation)


def test_bad_arguments():
    with pytest.raises(ValueError, match="`pixels` must be an integer >= 0"):
        FlipShift(-1)
    with pytest.raises(ValueError, match=r"less than the sides of the images, \(5, 7\)"):
        augmented(FlipShift(5))
