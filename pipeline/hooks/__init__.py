"""Webhooks: new data start a training, a new champion moves the label that is served."""
