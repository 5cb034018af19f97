"""What held-out images and a model's answers are like: later requests are compared with it."""
