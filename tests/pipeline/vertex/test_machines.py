"""Accelerators and machines are held against each other."""

import pytest

from pipeline.vertex.machines import check_accelerator, find_resources


@pytest.mark.parametrize(
    ("machine", "accelerator", "count"),
    [
        (None, None, 1),
        ("n1-standard-8", None, 1),
        (None, "NVIDIA_TESLA_T4", 4),
        ("n1-highmem-4", "NVIDIA_TESLA_V100", 8),
        ("g2-standard-8", "NVIDIA_L4", 1),
        ("g2-standard-48", "NVIDIA_L4", 4),
        ("a2-highgpu-2g", "NVIDIA_TESLA_A100", 2),
        ("a2-ultragpu-1g", "NVIDIA_A100_80GB", 1),
        ("a3-highgpu-8g", "NVIDIA_H100_80GB", 8),
    ],
)
def test_what_goes_together(machine: str | None, accelerator: str | None, count: int) -> None:
    check_accelerator(machine, accelerator, count)


@pytest.mark.parametrize(
    ("machine", "accelerator", "count", "message"),
    [
        ("n1-standard-8", "NVIDIA_TESLA_T5", 1, "TRAINING_ACCELERATOR=NVIDIA_TESLA_T5 is unknown"),
        ("n1-standard-8", "NVIDIA_TESLA_T4", 3, "COUNT=3 cannot be had .*; set one of 1, 2, 4"),
        ("e2-standard-8", "NVIDIA_TESLA_T4", 1, "with TRAINING_MACHINE_TYPE=e2-.*; take an n1"),
        ("n1-standard-8", "NVIDIA_L4", 1, "TRAINING_ACCELERATOR=NVIDIA_L4 does not go with"),
        ("a2-highgpu-1g", "NVIDIA_A100_80GB", 1, "take one of a2-ultragpu-"),
        ("g2-standard-24", "NVIDIA_L4", 1, "g2-standard-24 has 2 accelerators, not .*_COUNT=1"),
        ("a2-highgpu-4g", "NVIDIA_TESLA_A100", 1, "a2-highgpu-4g has 4 accelerators"),
        ("g2-standard-8", None, 1, "set TRAINING_ACCELERATOR=NVIDIA_L4, or take another"),
    ],
)
def test_what_does_not(machine: str, accelerator: str | None, count: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        check_accelerator(machine, accelerator, count)


@pytest.mark.parametrize(
    ("machine", "processors", "memory"),
    [
        ("n1-standard-8", 8, 30),
        ("n1-highcpu-16", 16, 14.4),
        ("n2d-highmem-4", 4, 32),
        ("g2-standard-12", 12, 48),
        ("c3-standard-176", 96, 624),
    ],
)
def test_a_machine_is_what_a_step_asks_for(machine: str, processors: int, memory: float) -> None:
    assert find_resources(machine) == {"cpuLimit": processors, "memoryLimit": memory}


def test_a_machine_that_is_named_by_its_accelerators_is_the_services_choice() -> None:
    assert find_resources("a2-highgpu-4g") == {}
