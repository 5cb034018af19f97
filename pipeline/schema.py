"""The schema of the examples, which follows from the recipe."""

from collections.abc import Collection

from tensorflow_metadata.proto.v0 import schema_pb2

from models.task import LabelType

# What `tfrecords` writes into every record, whether a recipe slices by it or not.
_WRITTEN = ("breed", "species")
_TYPES = {"bytes": schema_pb2.BYTES, "int": schema_pb2.INT, "float": schema_pb2.FLOAT}


def examples_schema(slices: Collection[str], label_type: LabelType = "bytes") -> schema_pb2.Schema:
    """Every example has one value of each feature that is read; others may be there.

    Args:
        slices: features by whose values metrics are sliced, text.
        label_type: of the task's label.

    Returns:
        The schema; it does not depend on the order of `slices`.
    """
    schema = schema_pb2.Schema()
    read = ("image", "label", "name", *sorted(slices))
    for name in (*read, *sorted(set(_WRITTEN) - set(slices))):
        kind = _TYPES[label_type] if name == "label" else schema_pb2.BYTES
        feature = schema.feature.add(name=name, type=kind)
        if name in read:
            feature.presence.min_fraction = 1.0
            feature.presence.min_count = 1
            feature.shape.SetInParent()
    return schema
