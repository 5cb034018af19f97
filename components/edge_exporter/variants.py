"""The LiteRT versions of a model, and the files that they are kept in."""

FLOAT32, FLOAT16, DYNAMIC_RANGE, INT8 = VARIANTS = ("float32", "float16", "dynamic_range", "int8")

EDGE_MODEL_KEY = "edge_model"  # of the artifact that holds them
EDGE_MODEL = "model.tflite"
# float32 is there to compare with, and is not kept.
FILES = {
    INT8: EDGE_MODEL,
    FLOAT16: "model_fp16.tflite",
    DYNAMIC_RANGE: "model_dynamic_range.tflite",
}
REPORT = "edge.json"
