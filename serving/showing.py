"""What a person is shown of a prediction."""

from rich.console import Console

from serving.predictions import Classification, Prediction

_SHOWN_CLASSES = 5


def show(prediction: Prediction, console: Console) -> None:
    """Print the shares of the classes, or the most probable ones."""
    if isinstance(prediction, Classification):
        ranked = sorted(enumerate(prediction.probabilities), key=lambda pair: -pair[1])
        for index, probability in ranked[:_SHOWN_CLASSES]:
            name = f", {prediction.class_name}" if index == prediction.label else ""
            console.print(f"class {index}{name}: {probability:.1%}", markup=False)
        return
    for index, share in enumerate(prediction.class_fractions):
        console.print(f"class {index}: {share:.1%}")
