"""Which precision a machine trains in."""

from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from models import precision

CPUINFO = "processor : 0\nflags\t\t: fpu vme {}\nbugs : none\n"


@pytest.mark.parametrize(
    ("capability", "policy"),
    [
        ((9, 0), "mixed_bfloat16"),
        ((8, 0), "mixed_bfloat16"),
        ((7, 5), "mixed_float16"),
        ((7, 0), "mixed_float16"),
        ((6, 1), "float32"),
        ((0, 0), "float32"),
    ],
)
def test_gpus(capability: tuple[int, int], policy: str) -> None:
    assert precision._gpu_policy(capability) == policy


@pytest.mark.parametrize("flag", ["avx512_bf16", "amx_bf16", "avx2"])
def test_processor_flags(tmp_path: Path, flag: str) -> None:
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text(CPUINFO.format(flag))
    assert precision._cpu_flags(cpuinfo) == {"fpu", "vme", flag}


def test_no_flags_where_linux_does_not_tell(tmp_path: Path) -> None:
    assert precision._cpu_flags(tmp_path / "missing") == set()


def test_this_machine_has_a_policy_that_keras_takes() -> None:
    keras.dtype_policies.get(precision.best_policy())


@pytest.mark.parametrize(
    ("layer", "policy", "built"),
    [
        (keras.layers.Conv2D(2, 3), "mixed_bfloat16", "mixed_bfloat16"),
        (keras.layers.DepthwiseConv2D(3), "mixed_bfloat16", "float32"),
        (keras.layers.DepthwiseConv2D(3), "mixed_float16", "mixed_float16"),
        (keras.layers.DepthwiseConv2D(3), "float32", "float32"),
    ],
)
def test_depthwise_convolutions_are_slow_in_bfloat16(
    monkeypatch: pytest.MonkeyPatch, layer: keras.layers.Layer, policy: str, built: str
) -> None:
    def make() -> keras.Model:
        own = type(layer).from_config({**layer.get_config(), "dtype": keras.config.dtype_policy()})
        return keras.Sequential([keras.Input((8, 8, 3)), keras.Sequential([own])])

    monkeypatch.setattr(precision, "best_policy", lambda: policy)
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: [])
    network = precision.build(make)
    assert network.dtype_policy.name == built
    assert network.layers[-1].layers[-1].dtype_policy.name == built


def test_a_policy_applies_to_what_is_built_under_it_and_no_longer() -> None:
    before = keras.config.dtype_policy()
    with precision.applied("mixed_bfloat16"):
        dense = keras.layers.Dense(2)
    assert dense.compute_dtype == "bfloat16"
    assert dense(np.ones((1, 3), np.float32)).dtype == "bfloat16"
    assert dense.kernel.dtype == "float32"
    assert keras.config.dtype_policy() == before
    with pytest.raises(RuntimeError), precision.applied("mixed_bfloat16"):
        raise RuntimeError
    assert keras.config.dtype_policy() == before
