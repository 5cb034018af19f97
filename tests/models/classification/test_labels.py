"""Class ids are judged record by record."""

import numpy as np
import pytest

from models.classification import labels
from models.task import Classes

CLASSES = Classes(("cat", "dog"))


@pytest.mark.parametrize("value", [0, 1])
def test_ids_of_classes_are_sound(value: int) -> None:
    described = {"label": np.int64(value)}
    assert labels.find_fault(described, np.int32([32, 32]), CLASSES) == ""
    assert labels.find_classes(described) == {value}


@pytest.mark.parametrize("value", [-1, 2, 2**40])
def test_others_are_told_with_the_cure(value: int) -> None:
    fault = labels.find_fault({"label": np.int64(value)}, np.int32([32, 32]), CLASSES)
    assert fault.startswith(f"the label is {value}, and not one of the class ids 0 to 1")
    assert "tfrecords.create_tfrecords_class_folders" in fault
