"""Several views of one image, answered as one."""

import keras
from keras import ops


def average_mirrored(model: keras.Model) -> keras.Model:
    """Make a network that averages the logits of an image and of its mirror image.

    It takes twice as long, so models for the edge, which are for speed, have the one view.

    Args:
        model: float32 [N, S, S, 3] to logits: of the image [N, C], or of its pixels [N, S, S, C],
            which are mirrored back.
    """
    images = keras.Input(model.input_shape[1:], name="image")
    # In one pass: of two, LiteRT's converter keeps some weights twice.
    views = model(ops.concatenate([images, images[:, :, ::-1]]))
    straight, mirrored = ops.unstack(ops.reshape(views, (2, -1, *views.shape[1:])), 2)
    if len(mirrored.shape) == 4:
        mirrored = mirrored[:, :, ::-1]
    return keras.Model(images, (straight + mirrored) / 2, name=model.name)
