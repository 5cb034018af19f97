"""Oxford-IIIT Pet trimaps: pet, background and border, three-class segmentation."""

from pathlib import Path

from pipeline.recipe import Gate, Recipe, SliceFloor

RECIPE = Recipe(
    name="pets",
    schema_file=Path(__file__).parents[1] / "schemas" / "pets.pbtxt",
    class_names=("pet", "background", "border"),
    palette=((230, 97, 1), (94, 60, 153), (253, 184, 99)),
    slices=("species", "breed"),
    gate=Gate(
        min_mean_iou=0.55,
        min_class_iou={"pet": 0.55, "background": 0.65, "border": 0.25},
        max_fall=0.02,
        slice_floor=SliceFloor(min_mean_iou=0.45, min_examples=30),
    ),
    model="unet",
    encoder_weights="none",
    image_size=96,
    batch_size=8,
    epochs=6,
    learning_rate=4e-3,
)
