"""Files of a batch, prepared one after the other; a refusal says which of them it is about.

A decoder that refuses a file ends the call, and knows no number. Among several files each is
therefore prepared within tf.data, which goes on after an error; that takes some two milliseconds,
which a file that comes alone is spared.
"""

from collections.abc import Callable, Sequence

import tensorflow as tf

BROKEN = "The image is damaged or cut off: export or copy the file again and retry."

# Of a file, scalar string: why it is refused, a sentence or empty, and the results where it is not.
Prepare = Callable[[tf.Tensor], tuple[tf.Tensor, Sequence[tf.Tensor]]]


def prepare_files(
    prepare: Prepare, files: tf.Tensor, specs: Sequence[tf.TensorSpec]
) -> tuple[tf.Tensor, ...]:
    """Prepare every file.

    Args:
        prepare: called for one file at a time.
        files: string [N].
        specs: of the results of a file.

    Returns:
        The results, each with N in front.

    Raises:
        tf.errors.InvalidArgumentError: a file is refused, by `prepare` in its sentence or by a
            decoder. Of several files the message counts, from 1, to the first that is.
    """

    @tf.function(input_signature=[tf.TensorSpec([], tf.string)], autograph=False)
    def prepare_one(file: tf.Tensor) -> tuple[tf.Tensor, tuple[tf.Tensor, ...]]:
        fault, results = prepare(file)
        fitting = zip(results, specs, strict=True)
        return fault, tuple(tf.ensure_shape(result, spec.shape) for result, spec in fitting)

    return tf.cond(
        tf.size(files) == 1,
        lambda: _prepare_single(prepare_one, files),
        lambda: _prepare_several(prepare_one, files, specs),
    )


def _prepare_single(prepare: Prepare, files: tf.Tensor) -> tuple[tf.Tensor, ...]:
    fault, results = prepare(files[0])
    with tf.control_dependencies([tf.debugging.Assert(fault == "", [fault])]):
        return tuple(result[tf.newaxis] for result in results)


def _prepare_several(
    prepare: Prepare, files: tf.Tensor, specs: Sequence[tf.TensorSpec]
) -> tuple[tf.Tensor, ...]:
    count = tf.size(files, tf.int64)
    each = tf.data.Dataset.from_tensor_slices((tf.range(count), files))
    each = each.map(tf.autograph.experimental.do_not_convert(lambda n, one: (n, *prepare(one))))
    # Closes the batch, which may not be empty, and is cut off again.
    end = count, "", tuple(tf.zeros(spec.shape, spec.dtype) for spec in specs)
    batch = each.ignore_errors().concatenate(tf.data.Dataset.from_tensors(end)).batch(count + 1)
    numbers, faults, results = batch.with_options(_options()).get_single_element()

    # What tf.data has passed over has said nothing of itself.
    places, broken = numbers[:, tf.newaxis], tf.fill([count + 1], BROKEN)
    told = tf.tensor_scatter_nd_update(broken, places, faults)[:-1]
    is_refused = told != ""

    def name_first() -> tf.Tensor:
        first = tf.argmax(is_refused)
        which = first + 1, count, tf.strings.length(files[first])
        return tf.strings.format("Image {} of {} ({} bytes): ", which) + told[first]

    any_refused = tf.reduce_any(is_refused)
    sentence = tf.cond(any_refused, name_first, lambda: "")
    with tf.control_dependencies([tf.debugging.Assert(~any_refused, [sentence])]):
        return tuple(result[:-1] for result in results)


def _options() -> tf.data.Options:
    """Leave a dataset as it is: to rewrite so short a one takes longer than to read it."""
    options = tf.data.Options()
    options.autotune.enabled = False
    options.experimental_optimization.apply_default_optimizations = False
    return options
