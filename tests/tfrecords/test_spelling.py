import pytest

from tfrecords.spelling import find_misspelt

KNOWN = ["EPOCHS", "IMAGE_SIZE"]


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("EPOCH", "EPOCHS"),
        ("EPOCHSS", "EPOCHS"),
        ("EPOCJS", "EPOCHS"),
        ("EPCOHS", "EPOCHS"),
        ("POCHS", "EPOCHS"),
        ("IMAGESIZE", "IMAGE_SIZE"),
        ("EPOCHS", None),
        ("EPCOH", None),
        ("SHCOPE", None),
        ("", None),
    ],
)
def test_one_letter_off(given: str, meant: str | None) -> None:
    assert find_misspelt(given, KNOWN) == meant
