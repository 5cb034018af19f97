"""The model that the pipeline pushed, as a server has it: its operations, and its answers."""

import io
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

from serving import config
from serving.client import RestClient
from serving.errors import Kind, ServingError
from serving.grpc_client import GrpcClient
from serving.predictions import Prediction
from tests.conftest import REPOSITORY, Workplace
from tests.emulators.model_server import ServingEmulator
from tests.serving.conftest import encode
from tests.warm.commands import python

KSERVE = Path(__file__).parent / "kserve"

# In a process with TensorFlow alone: here other packages may have operations of their own.
LIST_UNKNOWN = """
import sys
import tensorflow
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel
from tensorflow.python.framework import op_def_registry

model = SavedModel.FromString(open(sys.argv[1], "rb").read())
graphs = [meta.graph_def for meta in model.meta_graphs]
nodes = [node for graph in graphs for node in graph.node]
nodes += [node for graph in graphs for one in graph.library.function for node in one.node_def]
functions = {one.signature.name for graph in graphs for one in graph.library.function}
assert "DecodeJpeg" in {node.op for node in nodes}
print(*{node.op for node in nodes if op_def_registry.get(node.op) is None} - functions)
"""


def unknown_operations(model: Path) -> list[str]:
    """What TensorFlow itself, and so the stock server, lacks of a graph."""
    command = [python(), "-I", "-c", LIST_UNKNOWN, str(model / "saved_model.pb")]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()


def test_the_stock_server_has_every_operation(trained: Workplace, tmp_path: Path) -> None:
    *_, newest = trained.pushed()
    assert unknown_operations(newest) == []
    spoiled = SavedModel.FromString((newest / "saved_model.pb").read_bytes())
    spoiled.meta_graphs[0].graph_def.library.function[0].node_def.add(op="FastBertNormalize")
    (tmp_path / "saved_model.pb").write_bytes(spoiled.SerializeToString())
    assert unknown_operations(tmp_path) == ["FastBertNormalize"]


@contextmanager
def kserve(version: Path) -> Iterator[str]:
    """KServe's server over a version; its URL."""
    uv = shutil.which("uv") or REPOSITORY / ".tools" / "bin" / "uv"  # as the Makefile has it
    project = ["--quiet", "--project", str(KSERVE), "--frozen"]
    command = [str(uv), "run", *project, "python", str(KSERVE / "server.py"), str(version), "pets"]
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env=environment, start_new_session=True
    ) as process:
        assert process.stdout is not None
        try:
            yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            os.killpg(process.pid, 15)


def same(found: list[Prediction], expected: dict[str, np.ndarray]) -> bool:
    """The masks to the pixel, and the shares as near as JSON's digits."""
    masks = [one.mask_png for one in found] == expected["mask_png_bytes"].tolist()
    shares = [one.class_fractions for one in found]
    return masks and np.allclose(shares, expected["class_fractions"], atol=1e-6)


def test_every_server_answers_as_the_model_does(trained: Workplace, tmp_path: Path) -> None:
    """KServe's real server over REST, and the emulator over both; labels only there."""
    *_, newest = trained.pushed()
    images = [encode(96, 128), encode(33, 20, "PNG")]
    model = tf.saved_model.load(str(newest))
    answer = model.signatures["serving_default"](image_bytes=tf.constant(images))
    expected = {name: tensor.numpy() for name, tensor in answer.items()}
    assert Image.open(io.BytesIO(expected["mask_png_bytes"][1])).size == (20, 33)
    with kserve(newest) as url:
        client = RestClient(url, "pets", label="", timeout=120)
        assert same(client.predict(images), expected)
        refusals = [(b"text", ": The file is not an image that can"), (images[0][:40], "JPEG")]
        for image, match in refusals:
            with pytest.raises(ServingError, match=match) as caught:
                client.predict([image])
            assert caught.value.kind is Kind.REFUSED
        for missing in (RestClient(url, "cats", ""), RestClient(url, "pets", "stable")):
            with pytest.raises(ServingError, match="does not serve") as caught:
                missing.predict(images)
            assert caught.value.kind is Kind.MISSING
    built = config.build(newest.parent, "pets", {int(newest.name)}, {"stable": int(newest.name)})
    config.write(tmp_path, built)
    with ServingEmulator(tmp_path / config.FILE) as server:
        assert same(RestClient(server.url, "pets").predict(images), expected)
        assert same(GrpcClient(server.grpc_url, "pets").predict(images), expected)
