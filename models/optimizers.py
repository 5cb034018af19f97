"""The optimisers by name."""

from collections.abc import Sequence

import keras

from models.adamw import FusedAdamW
from models.config import TrainingConfig

# Jordan, "94% on CIFAR-10 in 3.29 Seconds on a Single GPU" (arXiv:2404.00498), has 0.85.
_MOMENTUM = 0.9
_PRETRAINED_RATE = 0.1


class Gentle(keras.optimizers.Optimizer):
    """Lets pretrained variables learn at `_PRETRAINED_RATE` of the rate.

    Howard and Ruder, "Universal Language Model Fine-tuning", 2018 (arXiv:1801.06146), section 3.2.
    """

    pretrained: frozenset[int] = frozenset()  # keys of the variables

    def update_step(self, gradient, variable, learning_rate):
        """Keras' hook: updates one variable."""
        if self._var_key(variable) in self.pretrained:
            learning_rate = learning_rate * _PRETRAINED_RATE
        super().update_step(gradient, variable, learning_rate)


class FineTuningAdamW(Gentle, FusedAdamW):
    """AdamW for fine-tuning."""


class FineTuningSGD(Gentle, keras.optimizers.SGD):
    """SGD for fine-tuning."""


def make_optimizer(
    config: TrainingConfig, pretrained: Sequence[keras.Variable] = ()
) -> keras.optimizers.Optimizer:
    """Return the configuration's optimiser: `adamw`, `adam`, or `sgd` with Nesterov's momentum.

    Weight decay is decoupled, of kernels only, as in Loshchilov and Hutter, "Decoupled Weight Decay
    Regularization" (arXiv:1711.05101); `adam` has none.

    Args:
        config: names the optimiser, its rate and its decay.
        pretrained: variables that are changed gently, at a tenth of the rate and without decay.
    """
    match config.optimizer:
        case "sgd":
            optimizer = FineTuningSGD(
                config.learning_rate,
                momentum=_MOMENTUM,
                nesterov=True,
                weight_decay=config.weight_decay,
            )
        case "adam":
            optimizer = FineTuningAdamW(config.learning_rate, weight_decay=0.0)
        case "adamw":
            optimizer = FineTuningAdamW(config.learning_rate, weight_decay=config.weight_decay)
    optimizer.pretrained = frozenset(optimizer._var_key(variable) for variable in pretrained)
    optimizer.exclude_from_weight_decay(
        var_list=list(pretrained), var_names=["gamma", "beta", "bias"]
    )
    return optimizer
