"""Which machines have which accelerators, by Google Cloud's documentation of GPUs.

https://cloud.google.com/compute/docs/gpus and https://cloud.google.com/vertex-ai/docs/training
"""

import re

# Machines to which one attaches GPUs, and how many.
_ATTACHED = {
    "NVIDIA_TESLA_P4": ("n1", (1, 2, 4)),
    "NVIDIA_TESLA_P100": ("n1", (1, 2, 4)),
    "NVIDIA_TESLA_T4": ("n1", (1, 2, 4)),
    "NVIDIA_TESLA_V100": ("n1", (1, 2, 4, 8)),
}
# Machines that come with GPUs: the beginning of their names. A number before `g` ends the name.
_BUILT_IN = {
    "NVIDIA_L4": ("g2-standard-",),
    "NVIDIA_TESLA_A100": ("a2-highgpu-", "a2-megagpu-"),
    "NVIDIA_A100_80GB": ("a2-ultragpu-",),
    "NVIDIA_H100_80GB": ("a3-highgpu-",),
    "NVIDIA_H100_MEGA_80GB": ("a3-megagpu-",),
    "NVIDIA_H200_141GB": ("a3-ultragpu-",),
    "NVIDIA_B200": ("a4-highgpu-",),
}
_L4_BY_PROCESSORS = {24: 2, 48: 4, 96: 8}  # all others have one
# GB of memory by processor, https://cloud.google.com/compute/docs/general-purpose-machines
_MEMORY = {
    "n1": {"standard": 3.75, "highmem": 6.5, "highcpu": 0.9},
    "": {"standard": 4.0, "highmem": 8.0, "highcpu": 1.0},
}
_BY_PROCESSORS = re.compile(r"([a-z]\d[a-z]?)-(standard|highmem|highcpu)-(\d+)")
# What a step may ask for, https://cloud.google.com/vertex-ai/docs/pipelines/machine-types
_MOST_PROCESSORS, _MOST_MEMORY = 96, 624.0
_LAST_NUMBER = re.compile(r"(\d+)g?$")


def check_accelerator(machine: str | None, accelerator: str | None, count: int) -> None:
    """Hold the settings of a Trainer's accelerator against its machine.

    Args:
        machine: TRAINING_MACHINE_TYPE; None where the Trainer trains in its own step.
        accelerator: TRAINING_ACCELERATOR.
        count: TRAINING_ACCELERATOR_COUNT.

    Raises:
        ValueError: there is no such accelerator, or not in this machine, or not so many.
    """
    if accelerator is None:
        needed = machine and next((name for name in _BUILT_IN if _has(machine, name)), None)
        if needed:
            raise ValueError(
                f"TRAINING_MACHINE_TYPE={machine} comes with accelerators: set "
                f"TRAINING_ACCELERATOR={needed}, or take another machine."
            )
        return
    from google.cloud.aiplatform_v1 import AcceleratorType  # here, because it takes seconds

    known = [name for name in AcceleratorType.__members__ if name.startswith("NVIDIA")]
    if accelerator not in known:
        raise ValueError(
            f"TRAINING_ACCELERATOR={accelerator} is unknown to Vertex AI; known are "
            f"{', '.join(known)}."
        )
    said = f"TRAINING_ACCELERATOR={accelerator}"
    family, counts = _ATTACHED.get(accelerator, ("", ()))
    if counts and count not in counts:
        raise ValueError(
            f"TRAINING_ACCELERATOR_COUNT={count} cannot be had of {accelerator}; set one of "
            f"{', '.join(map(str, counts))}."
        )
    if machine is None:
        return
    if family and not machine.startswith(f"{family}-"):
        raise ValueError(
            f"{said} does not go with TRAINING_MACHINE_TYPE={machine}; take an {family} machine."
        )
    if accelerator in _BUILT_IN:
        if not _has(machine, accelerator):
            raise ValueError(
                f"{said} does not go with TRAINING_MACHINE_TYPE={machine}; take one of "
                f"{', '.join(f'{begin}…' for begin in _BUILT_IN[accelerator])}"
            )
        built_in = _count(machine)
        if built_in and count != built_in:
            raise ValueError(
                f"TRAINING_MACHINE_TYPE={machine} has {built_in} accelerators, not "
                f"TRAINING_ACCELERATOR_COUNT={count}."
            )


def find_resources(machine: str) -> dict[str, float]:
    """Return the machine as a step asks for it: the service chooses it by what the step needs.

    Args:
        machine: for example n1-standard-8.

    Returns:
        `cpuLimit`, cores, and `memoryLimit`, GB; nothing of a machine that is named by its
        accelerators, which the service chooses by these.
    """
    found = _BY_PROCESSORS.fullmatch(machine)
    if found is None:
        return {}
    family, kind, number = found.groups()
    memory = _MEMORY.get(family, _MEMORY[""])[kind] * int(number)
    return {
        "cpuLimit": float(min(int(number), _MOST_PROCESSORS)),
        "memoryLimit": min(memory, _MOST_MEMORY),
    }


def _has(machine: str, accelerator: str) -> bool:
    return machine.startswith(_BUILT_IN[accelerator])


def _count(machine: str) -> int | None:
    """Tell how many accelerators a machine comes with; None for a name of another form."""
    found = _LAST_NUMBER.search(machine)
    if found is None:
        return None
    number = int(found[1])
    return _L4_BY_PROCESSORS.get(number, 1) if machine.startswith("g2-") else number
