"""LiteRT versions of a SavedModel: their contract, their masks, their sizes."""

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter

from components.edge_exporter.convert import ConversionError, convert
from components.edge_exporter.runtime import LiteModel
from components.edge_exporter.variants import INT8, VARIANTS
from images import read_image
from tests.models.drawn_pets import (
    IMAGE_SIZE,
    NUM_CLASSES,
    Pet,
    decode,
    decode_mask,
    draw_pixels,
)
from tests.models.sent_images import sent_images
from tests.models.small_model import CONFIG

BLACK = np.zeros((IMAGE_SIZE, IMAGE_SIZE, 3), np.float32)


def agreement(content: bytes, learned: list[Pet]) -> float:
    """Share of the pixels in which a model agrees with the SavedModel."""
    model = LiteModel(content)
    same = [model.answer(decode(pet.image)) == pet.mask for pet in learned]
    return float(np.concatenate([one.ravel() for one in same]).mean())


@pytest.mark.parametrize("variant", VARIANTS)
def test_takes_pixels_of_any_size_and_gives_class_ids(
    variants: dict[str, bytes], variant: str
) -> None:
    interpreter = Interpreter(model_content=variants[variant])
    [taken], [given] = interpreter.get_input_details(), interpreter.get_output_details()
    assert (taken["name"], taken["dtype"]) == ("image", np.uint8)
    assert taken["shape_signature"].tolist() == [1, -1, -1, 3]
    assert (given["name"], given["dtype"]) == ("class_ids", np.uint8)
    model = LiteModel(variants[variant])
    for size in ((1, 1), (1, 700), (375, 500), (64, 64), (375, 500)):
        mask = model.answer(draw_pixels(0, size)[0])
        assert (mask.shape, mask.dtype) == (size, np.uint8)
        assert mask.max() < NUM_CLASSES
    signature = interpreter.get_signature_runner()
    pixels = draw_pixels(2, (40, 30))[0]
    np.testing.assert_array_equal(
        signature(image=pixels[np.newaxis])["class_ids"][0], model.answer(pixels)
    )


def test_masks_are_the_saved_models(variants: dict[str, bytes], learned: list[Pet]) -> None:
    found = {variant: agreement(variants[variant], learned) for variant in VARIANTS}
    assert found["float32"] > 0.999
    assert found["float16"] > 0.99
    assert found["dynamic_range"] > 0.95
    assert found["int8"] > 0.9


def test_every_file_means_the_same_through_the_apps_reader(
    variants: dict[str, bytes], loaded: tf.Module
) -> None:
    lite = LiteModel(variants["float32"])
    names, sent = zip(*sent_images(), strict=True)
    answer = loaded.signatures["serving_default"](image_bytes=tf.constant(sent))
    for name, image, png in zip(names, sent, answer["mask_png_bytes"].numpy(), strict=True):
        mask, expected = lite.answer(read_image(image).pixels), decode_mask(png)
        assert mask.shape == expected.shape, name
        assert (mask == expected).mean() > 0.99, name


def test_int8_is_int8_in_the_network_alone(variants: dict[str, bytes]) -> None:
    model = schema.ModelT.InitFromPackedBuf(variants[INT8])
    (graph,) = model.subgraphs
    names = {value: name for name, value in vars(schema.BuiltinOperator).items()}

    def types(operator: str) -> set[int]:
        return {
            graph.tensors[one.outputs[0]].type
            for one in graph.operators
            if names[model.operatorCodes[one.opcodeIndex].builtinCode] == operator
        }

    assert types("CONV_2D") == types("DEPTHWISE_CONV_2D") == {schema.TensorType.INT8}
    assert types("BATCH_MATMUL") == {schema.TensorType.FLOAT32}
    [pixels] = [
        graph.tensors[one.outputs[0]].quantization
        for one in graph.operators
        if names[model.operatorCodes[one.opcodeIndex].builtinCode] == "QUANTIZE"
        and graph.tensors[one.outputs[0]].shape.tolist() == [1, IMAGE_SIZE, IMAGE_SIZE, 3]
    ]
    assert pixels.scale.tolist() == [1.0]  # a level of int8 for each of the 256 of a pixel
    assert "CUSTOM" not in {names[code.builtinCode] for code in model.operatorCodes}


def test_int8_is_small(variants: dict[str, bytes]) -> None:
    assert len(variants["int8"]) < 0.3 * len(variants["float32"])
    assert len(variants["float16"]) < 0.55 * len(variants["float32"])


def test_weights_are_aligned(variants: dict[str, bytes]) -> None:
    content = variants["float32"]
    start = np.frombuffer(content, np.uint8).ctypes.data
    model = schema.Model.GetRootAs(content)
    found = (model.Buffers(index) for index in range(model.BuffersLength()))
    large = [one.DataAsNumpy() for one in found if one.DataLength() > 1000]
    assert large
    assert all((data.ctypes.data - start) % 16 == 0 for data in large)


def test_a_wrong_calibration_spoils_int8(
    loaded: tf.Module,
    variants: dict[str, bytes],
    learned: list[Pet],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """So that what is above is no matter of course."""
    monkeypatch.setattr("components.edge_exporter.convert.VARIANTS", (INT8,))
    far_too_bright = draw_pixels(0, (IMAGE_SIZE, IMAGE_SIZE))[0].astype(np.float32) * 1000
    spoiled = dict(convert(loaded, [far_too_bright], CONFIG))[INT8]
    assert agreement(spoiled, learned) < agreement(variants[INT8], learned) - 0.05


def test_a_model_without_the_signature_is_named(tmp_path: Path) -> None:
    tf.saved_model.save(tf.Module(), str(tmp_path), signatures={})
    with pytest.raises(ConversionError, match="no signature `network`; train it again"):
        list(convert(tf.saved_model.load(str(tmp_path)), [BLACK], CONFIG))


def test_what_lite_rt_cannot_express_is_refused_in_a_sentence() -> None:
    class Unknown(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([1, 8, 8, 3], tf.float32, "pixels")])
        def network(self, pixels: tf.Tensor) -> dict[str, tf.Tensor]:
            eigenvalues = tf.linalg.eigvals(pixels[..., :1] * tf.ones([1, 8, 8, 8]))
            return {"logits": tf.math.real(eigenvalues)[..., tf.newaxis]}

    module = Unknown()
    module.signatures = {"network": module.network.get_concrete_function()}
    with pytest.raises(ConversionError, match="converter refused the model: ") as caught:
        list(convert(module, [BLACK], CONFIG))
    assert len(str(caught.value).splitlines()) == 1
