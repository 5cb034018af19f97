"""Semantic segmentation, by name."""

from models.task import Metric, Task

TASK = Task(
    name="segmentation",
    hub_task="image-segmentation",
    tags=("semantic-segmentation",),
    primary="mean_iou",
    metrics=(
        Metric("mean_iou", "Mean IoU", headline=True),
        Metric("boundary_iou", "Boundary IoU", headline=True),
        Metric("pixel_accuracy", "Pixel accuracy", headline=True),
        Metric("iou", "IoU", per_class=True, headline=True),
        Metric("dice", "Dice", per_class=True),
        Metric("precision", "Precision", per_class=True),
        Metric("recall", "Recall", per_class=True),
        Metric("boundary_iou", "Boundary IoU", per_class=True),
    ),
    unit="pixels",
    label_type="bytes",
    learning="models.segmentation.learning",
    architectures={
        "deeplabv3plus": "models.segmentation.deeplabv3plus",
        "segformer": "models.segmentation.segformer",
        "unet": "models.segmentation.unet",
        "unet_light": "models.segmentation.unet_light",
    },
    app="semantic_segmentation",
    draws_classes=True,
)
