"""Image classification, by name."""

from models.task import Metric, Task

TASK = Task(
    name="classification",
    hub_task="image-classification",
    primary="accuracy",
    metrics=(
        Metric("accuracy", "Accuracy", headline=True),
        Metric("top_5_accuracy", "Top-5 accuracy"),
        Metric("macro_f1", "Macro F1", headline=True),
        Metric("auroc", "AUROC", headline=True),
        Metric("calibration_error", "Expected calibration error", better="lower", headline=True),
        Metric("true_probability", "Probability of the true class"),
        Metric("f1", "F1", per_class=True, headline=True),
        Metric("precision", "Precision", per_class=True),
        Metric("recall", "Recall", per_class=True),
        Metric("recall_bound", "Recall's lower bound", per_class=True, bounds="recall"),
        Metric("auroc", "AUROC", per_class=True),
    ),
    unit="images",
    label_type="int",
    learning="models.classification.learning",
    architectures={
        "airbench": "models.classification.airbench",
        "classifier": "models.classification.classifier",
        "cnn": "models.classification.cnn",
        "resnet20": "models.classification.resnet20",
        "tiny_vgg": "models.classification.tiny_vgg",
    },
    app="image_classification",
    sampled_by="true_probability",
    calibrates=True,
)
