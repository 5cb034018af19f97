"""Mixed precision where the hardware computes in it.

Micikevicius et al., "Mixed Precision Training", 2017 (arXiv:1710.03740); Kalamkar et al., "A Study
of BFLOAT16 for Deep Learning Training", 2019 (arXiv:1905.12322).
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import keras
import tensorflow as tf

_BFLOAT16 = "mixed_bfloat16"
_CPU_FLAGS = {"avx512_bf16", "amx_bf16"}


def best_policy() -> str:
    """Return the Keras dtype policy that this machine trains most networks fastest with.

    Returns:
        `mixed_bfloat16` on GPUs from compute capability 8.0 and on processors with bfloat16
        instructions, `mixed_float16` on GPUs from 7.0, else `float32`.
    """
    capabilities = [
        tf.config.experimental.get_device_details(gpu).get("compute_capability", (0, 0))
        for gpu in tf.config.list_physical_devices("GPU")
    ]
    if capabilities:
        return _gpu_policy(min(capabilities))
    return _BFLOAT16 if _CPU_FLAGS & _cpu_flags(Path("/proc/cpuinfo")) else "float32"


def build(make: Callable[[], keras.Model]) -> keras.Model:
    """Make a network under the Keras dtype policy that it trains fastest with on this machine.

    On processors, TensorFlow's depthwise convolutions and their gradients take 1.5 to 3.5 times as
    long in bfloat16 as in float32, which costs more than the others gain.

    Args:
        make: builds it; is called a second time where the first network turned out to be slower.
    """
    policy = best_policy()
    with applied(policy):
        network = make()
    on_processors = not tf.config.list_physical_devices("GPU")
    if policy == _BFLOAT16 and on_processors and _has_depthwise(network):
        with applied("float32"):
            network = make()
    return network


def _has_depthwise(network: keras.Model) -> bool:
    layers = network._flatten_layers()
    return any(isinstance(layer, keras.layers.DepthwiseConv2D) for layer in layers)


def _gpu_policy(capability: tuple[int, int]) -> str:
    if capability >= (8, 0):
        return "mixed_bfloat16"
    return "mixed_float16" if capability >= (7, 0) else "float32"


def _cpu_flags(cpuinfo: Path) -> set[str]:
    """Return the processor's features as Linux names them; none on other systems."""
    if not cpuinfo.exists():
        return set()
    flags = (line for line in cpuinfo.read_text().splitlines() if line.startswith("flags"))
    return set(next(flags, ":").split(":")[1].split())


@contextmanager
def applied(policy: str) -> Iterator[None]:
    """Build layers under a Keras dtype policy."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)
