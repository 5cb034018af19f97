"""The Tuner's callback: searches the recipe's hyperparameters with KerasTuner."""

import os
from typing import Any

import keras
import keras_tuner
import tensorflow as tf
import tensorflow_transform as tft
from absl import logging
from keras_tuner.engine import trial as trial_module
from tfx.components.trainer.fn_args_utils import FnArgs
from tfx.components.tuner.component import TunerFnResult

from models import data, registry
from models.checkpoints import monitored
from models.config import TrainingConfig
from models.hyperparameters import (
    RECIPE,
    SEARCH_SPACE,
    Choice,
    SearchSpace,
    apply_hyperparameters,
)
from models.train import checkpoints_of, compiled_model, fit


class Oracle(keras_tuner.oracles.BayesianOptimizationOracle):
    """Bayesian optimisation that begins with the recipe's own values.

    Thus the best is never worse than what is trained without a search. Each further trial is where
    a Gaussian process, fitted to the trials before, has its highest upper confidence bound: Snoek
    et al., "Practical Bayesian Optimization of Machine Learning Algorithms", 2012
    (arXiv:1206.2944); Srinivas et al., "Gaussian Process Optimization in the Bandit Setting", 2010
    (arXiv:0912.3995).

    Not Hyperband (Li et al., arXiv:1603.06560), which drops trials by what they reach in a share
    of the epochs: the learning rate falls to zero at the end of the last epoch, and before that a
    score says more about the rate at the time than about what the training will come to. Here a
    trial is a whole training, and its score is what the Trainer reaches with its values.

    Args:
        space: what is searched.
        config: the values to begin with, the recipe's name and the seed.
        trials: how many trainings the search may spend.
    """

    def __init__(self, space: SearchSpace, config: TrainingConfig, trials: int) -> None:
        primary = registry.load_task(config.task).primary_metric
        super().__init__(
            keras_tuner.Objective(monitored(primary), "max" if primary.sign > 0 else "min"),
            max_trials=trials,
            # The fewest points that span the space; the rest of few trials is better spent on
            # what they suggest than on KerasTuner's three at random for each dimension.
            num_initial_points=len(space) + 1,
            hyperparameters=_hyperparameters(space, config),
            seed=config.seed + 1,  # KerasTuner takes 0 for no seed
            # A failed trial only loses. That all of them fail is said by TrainingTuner.
            max_consecutive_failed_trials=trials + 1,
        )

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        """KerasTuner's hook: the values of the next trial."""
        if self.trials:
            return super().populate_space(trial_id)
        values = {parameter.name: parameter.default for parameter in self.hyperparameters.space}
        return {"status": trial_module.TrialStatus.RUNNING, "values": values}


class TrainingTuner(keras_tuner.Tuner):
    """Trains once for each trial, as the Trainer does, with the trial's values.

    It overrides `run_trial` rather than handing over a `HyperModel`, for which KerasTuner would
    write the weights of every trial's best epoch: the Trainer trains the best again.

    Args:
        config: what to train with a trial's values put into it.
        oracle: chooses the values.
        directory: for KerasTuner's notes, and the checkpoints of the trial that is running.
    """

    def __init__(self, config: TrainingConfig, oracle: Oracle, directory: str) -> None:
        self._config = config
        super().__init__(oracle, directory=directory, project_name="search")

    def run_trial(
        self,
        trial: trial_module.Trial,
        train: data.Split,
        val: data.Split,
    ) -> dict[str, float]:
        """Train with a trial's values.

        Args:
            trial: what to try.
            train: as `data.load_split` gives it.
            val: likewise.

        Returns:
            The best epoch's primary metric on the validation split.

        Raises:
            FatalValueError: the network cannot be built; the search ends.
            ValueError: the training diverged; the search goes on without the trial.
        """
        keras.utils.clear_session(free_memory=True)
        config = apply_hyperparameters(self._config, trial.hyperparameters.get_config())
        keras.utils.set_random_seed(config.seed)
        try:
            model = compiled_model(config)
        except ValueError as error:
            raise keras_tuner.errors.FatalValueError(str(error)) from error
        folder = os.path.join(self.get_trial_dir(trial.trial_id), "checkpoints")
        checkpoints = checkpoints_of(model, config, folder)
        fit(model, config, train, val, checkpoints)
        tf.io.gfile.rmtree(folder)
        return {checkpoints.monitor: checkpoints.best}

    def on_trial_end(self, trial: trial_module.Trial) -> None:
        """KerasTuner's hook: of a failed trial's traceback, leaves for the screen why it failed."""
        if trial.message:
            logging.warning("Trial %s failed: %s", trial.trial_id, trial.message)
            reason = trial.message.strip().splitlines()[-1]
            trial.message = reason.partition(": ")[2] or reason
        super().on_trial_end(trial)

    def on_search_end(self) -> None:
        """KerasTuner's hook: refuses to call a failed trial the best.

        Raises:
            ValueError: no trial ended well.
        """
        trials = self.oracle.trials.values()
        if any(trial.status == trial_module.TrialStatus.COMPLETED for trial in trials):
            return
        *_, last = trials
        raise ValueError(
            f"None of {len(trials)} trials of recipe {self._config.recipe} ended with a score; "
            f"narrow its search_space. The last: {last.message}"
        )


def tuner_fn(fn_args: FnArgs) -> TunerFnResult:
    """Prepare the search that TFX's Tuner runs.

    TFX removes `working_dir` when the step ends and gives the next run another one: a search that
    was killed begins again, and nothing of it is published.

    Args:
        fn_args: from TFX: examples, Transform's graph, and in `custom_config` a `TrainingConfig`
            (`training`), the recipe's `search_space` and its `tune_trials`.
    """
    config = TrainingConfig(**fn_args.custom_config["training"])
    space = SEARCH_SPACE.validate_python(fn_args.custom_config["search_space"])
    transform_output = tft.TFTransformOutput(fn_args.transform_graph_path)
    label_type = registry.load_learning(config.task).label_spec(config.image_size).dtype
    num_train, num_val = map(data.count_examples, (fn_args.train_files, fn_args.eval_files))
    oracle = Oracle(space, config, fn_args.custom_config["tune_trials"])
    return TunerFnResult(
        tuner=TrainingTuner(config, oracle, fn_args.working_dir),
        fit_kwargs={
            "train": data.load_split(fn_args.train_files, transform_output, label_type, num_train),
            "val": data.load_split(fn_args.eval_files, transform_output, label_type, num_val),
        },
    )


def _hyperparameters(space: SearchSpace, config: TrainingConfig) -> keras_tuner.HyperParameters:
    """Return the search space as KerasTuner has it, the configuration's own values as defaults."""
    parameters = keras_tuner.HyperParameters()
    parameters.Fixed(RECIPE, config.recipe)
    for name, values in space.items():
        default = getattr(config, name)
        if isinstance(values, Choice):
            parameters.Choice(name, list(values.values), default=default)
        else:
            bounds = {"min_value": values.low, "max_value": values.high}
            parameters.Float(name, **bounds, sampling=values.scale, default=default)
    return parameters
