"""The training's callbacks: learning rate, speed, divergence."""

import time

import keras
import numpy as np
import pytest

from models import callbacks


def slope(rate: float = 123.0, **compiled: object) -> keras.Model:
    """Plain gradient descent on a constant slope: each step moves the weight by the rate."""
    inputs = keras.Input((1,))
    dense = keras.layers.Dense(1, use_bias=False, kernel_initializer="zeros", name="dense")
    model = keras.Model(inputs, dense(inputs))
    model.compile(keras.optimizers.SGD(rate), loss=lambda truth, answer: -answer, **compiled)
    return model


@pytest.mark.parametrize("total_steps", [20, 37, 1000])
def test_the_learning_rate_is_kerass_warm_up_and_cosine_decay(total_steps: int) -> None:
    peak = 2e-3
    schedule = callbacks.WarmUpCosine(peak, total_steps)
    rates = [schedule.rate(step) for step in range(1, total_steps + 1)]
    warm_up = rates.index(max(rates)) + 1
    assert warm_up == pytest.approx(0.05 * total_steps, abs=1)
    reference = keras.optimizers.schedules.CosineDecay(
        0.0, total_steps - warm_up + 1, warmup_target=peak, warmup_steps=warm_up
    )
    expected = [float(reference(step)) for step in range(1, total_steps + 1)]
    assert rates == pytest.approx(expected, abs=1e-6 * peak)


def test_a_single_step_is_taken_at_the_peak() -> None:
    assert callbacks.WarmUpCosine(2e-3, 1).rate(1) == 2e-3


class Recorder(keras.callbacks.Callback):
    """The weight of `slope` after each step."""

    def __init__(self) -> None:
        super().__init__()
        self.weights = [0.0]

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        self.weights.append(float(self.model.get_layer("dense").kernel[0, 0]))


def fit(model: keras.Model, *used: keras.callbacks.Callback, **arguments: int) -> dict:
    """Six steps an epoch; returns the history."""
    ones = np.ones((6, 1), np.float32)
    history = model.fit(ones, ones, batch_size=1, callbacks=list(used), verbose=0, **arguments)
    return history.history


def test_the_learning_rate_is_applied_to_every_step_and_logged() -> None:
    schedule, recorder = callbacks.WarmUpCosine(0.5, total_steps=12), Recorder()
    history = fit(slope(), schedule, recorder, epochs=2)
    expected = [schedule.rate(step) for step in range(1, 13)]
    assert np.diff(recorder.weights) == pytest.approx(expected, abs=1e-6)
    assert history["learning_rate"] == [expected[5], expected[11]]
    assert expected[-1] > 0


def test_a_budget_of_time_has_the_same_schedule_and_ends_the_training() -> None:
    spent = iter([0.0, 0.5, 0.5, 6.0, 6.0, 11.0])  # before and after each step, of 10 s
    schedule, recorder = callbacks.BudgetedWarmUpCosine(0.5, 10.0, lambda: next(spent)), Recorder()
    history = fit(slope(), schedule, recorder, epochs=9)
    whole = callbacks.WarmUpCosine(0.5, 1000)
    expected = np.cumsum([0.0, *(whole.rate(step) for step in (1, 51, 601))])
    assert recorder.weights == pytest.approx(list(expected), rel=1e-5)
    assert len(history["loss"]) == 1 and next(spent, None) is None


def test_a_resumed_schedule_goes_on_where_the_optimiser_stands() -> None:
    model, recorder = slope(), Recorder()
    fit(model, callbacks.WarmUpCosine(0.5, total_steps=12), epochs=1)
    recorder.weights = [float(model.get_layer("dense").kernel[0, 0])]
    schedule = callbacks.WarmUpCosine(0.5, total_steps=12)
    fit(model, schedule, recorder, epochs=2, initial_epoch=1)
    expected = [schedule.rate(step) for step in range(7, 13)]
    assert np.diff(recorder.weights) == pytest.approx(expected, abs=1e-6)


def test_throughput_leaves_the_first_step_of_each_fit_out() -> None:
    class Clock(keras.callbacks.Callback):
        """Takes far longer over a fit's first step."""

        def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
            time.sleep(0.5 if batch == 0 else 0.02)

    throughput, model = callbacks.Throughput(), slope()
    # Keras calls the callbacks in order: the sleep counts for the step.
    fit(model, Clock(), throughput, epochs=1)
    fit(model, Clock(), throughput, epochs=2, initial_epoch=1)
    assert 5 < throughput.images_per_second(1) <= 50


def test_throughput_before_the_second_step_is_zero() -> None:
    assert callbacks.Throughput().images_per_second(8) == 0.0


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_diverged_loss_stops_with_step_and_learning_rate(value: float) -> None:
    inputs = keras.Input((1,))
    model = keras.Model(inputs, keras.layers.Dense(1)(inputs))
    model.compile(keras.optimizers.SGD(0.125), loss=lambda truth, answer: answer * truth)
    truth = np.ones((6, 1), np.float32)
    truth[3] = value
    with pytest.raises(ValueError, match=r"at step 4 with learning rate 0\.125; lower LEARNING_R"):
        model.fit(
            truth,
            truth,
            batch_size=1,
            shuffle=False,
            callbacks=[callbacks.StopWhenDiverged()],
            verbose=0,
        )


def test_a_validation_loss_that_is_no_number_stops_too() -> None:
    bad = np.full((2, 1), np.nan, np.float32)
    with pytest.raises(ValueError, match="val_loss became nan at step 6"):
        fit(slope(), callbacks.StopWhenDiverged(), validation_data=(bad, bad))
