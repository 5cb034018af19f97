import pytest

from benchmarks import processes

MEGABYTES = 200
ALLOCATE = f"held = bytearray({MEGABYTES} * 10**6); print(len(held))"


@pytest.fixture(scope="module")
def bare() -> processes.Usage:
    return processes.python("-c", "pass")


def test_the_peak_of_a_command_is_its_memory(bare: processes.Usage) -> None:
    usage = processes.python("-c", f"{ALLOCATE}; del held")
    assert usage.peak_mb - bare.peak_mb == pytest.approx(MEGABYTES, abs=10)
    assert usage.output == f"{MEGABYTES * 10**6}\n"


def test_the_memory_of_what_a_command_starts_counts(bare: processes.Usage) -> None:
    starts = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {ALLOCATE!r}])"
    usage = processes.python("-c", starts)
    assert usage.peak_mb - bare.peak_mb == pytest.approx(MEGABYTES, abs=10)


def test_the_memory_of_who_measures_does_not_count(bare: processes.Usage) -> None:
    held = bytearray(10**6 * MEGABYTES)
    usage = processes.python("-c", "pass")
    assert len(held) and usage.peak_mb == pytest.approx(bare.peak_mb, abs=10)


def test_waiting_takes_time_and_no_processor() -> None:
    usage = processes.python("-c", "import time; time.sleep(1)")
    assert usage.seconds > 1 > usage.cpu_seconds


def test_settings_reach_the_command() -> None:
    usage = processes.python("-c", "import os; print(os.environ['EPOCHS'])", EPOCHS=3)
    assert usage.output == "3\n"


def test_a_failed_command_is_told_with_what_it_said() -> None:
    with pytest.raises(RuntimeError, match=r"ended with 3: first\s+last$"):
        processes.python(
            "-c", "import sys; print('first'); print('last', file=sys.stderr); exit(3)"
        )
