"""Files of a batch, and what is told of one that is refused."""

import re

import pytest
import tensorflow as tf

from models.batches import prepare_files

SPECS = (tf.TensorSpec([2], tf.int64), tf.TensorSpec([], tf.string))
BROKEN = "The image is damaged or cut off: export or copy the file again and retry."


def prepare(file: tf.Tensor) -> tuple[tf.Tensor, tuple[tf.Tensor, tf.Tensor]]:
    """Reads "3,4"; refuses a "?" in words, and by an operation whatever is no number."""
    is_fault = file == "?"

    def read() -> tf.Tensor:
        return tf.strings.to_number(tf.strings.split(file, ","), tf.int64)

    numbers = tf.cond(is_fault, lambda: tf.zeros([2], tf.int64), read)
    return tf.where(is_fault, "A question.", ""), (numbers, file)


@tf.function(input_signature=[tf.TensorSpec([None], tf.string)], autograph=False)
def prepared(files: tf.Tensor) -> tuple[tf.Tensor, ...]:
    """By the module."""
    return prepare_files(prepare, files, SPECS)


@pytest.mark.parametrize("count", [0, 1, 2, 33])
def test_results_are_in_the_order_of_the_files(count: int) -> None:
    expected = [[number, number + 1] for number in range(count)]
    files = [f"{first},{second}" for first, second in expected]
    numbers, same = prepared(tf.constant(files, tf.string, [count]))
    assert numbers.shape == (count, 2)
    assert numbers.numpy().tolist() == expected
    assert [file.decode() for file in same.numpy()] == files


@pytest.mark.parametrize(
    ("files", "told"),
    [
        (["?"], "[A question.]"),
        (["1,2", "?"], "[Image 2 of 2 (1 bytes): A question.]"),
        (["?", "1,2", "?"], "[Image 1 of 3 (1 bytes): A question.]"),
        (["1,2", "1,2", "word"], f"[Image 3 of 3 (4 bytes): {BROKEN}]"),
        (["1,2", "words", "?"], f"[Image 2 of 3 (5 bytes): {BROKEN}]"),
        (["1,2", "?", "words"], "[Image 2 of 3 (1 bytes): A question.]"),
        (["", "", ""], f"[Image 1 of 3 (0 bytes): {BROKEN}]"),
    ],
)
def test_the_first_that_is_refused_is_named(files: list[str], told: str) -> None:
    with pytest.raises(tf.errors.InvalidArgumentError, match=re.escape(told)):
        prepared(tf.constant(files))


def test_a_single_file_has_the_words_of_the_operation() -> None:
    with pytest.raises(tf.errors.InvalidArgumentError, match="could not correctly convert"):
        prepared(tf.constant(["word"]))
