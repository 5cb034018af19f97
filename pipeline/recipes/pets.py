"""Oxford-IIIT Pet trimaps: pet, background and border, three-class segmentation.

Drawn scenes, 600 to train on and 120 to validate (`make demo`): `unet`, 96 px, mean IoU 0.80.

    python local_runner.py

About 1 min 40 s on two cores.

Photos, from random weights (578 to train on, 146 to validate, at most 256 px, all 37 breeds):
`unet_light`, 96 px, mean IoU 0.68 (pet 0.75, background 0.86, border 0.44) over all validation
pixels at the photos' own resolution.

    DATA_ROOT=data/mine MODEL=unet_light python local_runner.py

8 min 4 s of Trainer on two cores that have bfloat16 instructions.
"""

from pathlib import Path

from models.hyperparameters import Choice, Range
from pipeline.recipe import Gate, Recipe, SliceFloor

RECIPE = Recipe(
    name="pets",
    pipeline_name="segformer-training-pipeline",
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
    weight_decay=1e-4,
    augmentation=0.0,
    patience=20,
    by_model={
        "unet_light": {
            "epochs": 60,
            "weight_decay": 0.02,
            "augmentation": 0.7,
        },
    },
    search_space={
        "learning_rate": Range(low=5e-4, high=2e-2, scale="log"),
        "batch_size": Choice(values=(4, 8, 16)),
        "weight_decay": Range(low=1e-5, high=1e-1, scale="log"),
        "augmentation": Range(low=0.0, high=1.5),
    },
    tune_trials=8,
)
