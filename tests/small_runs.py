"""Settings that make a run of the pipeline small."""

from pathlib import Path

# Ends in a blessed model, whatever it has learned.
SMOKE = {"RECIPE": Path(__file__).parent / "recipes" / "smoke.toml"}
# Ends in a model that the gate of `pets` refuses.
REFUSED = {"MODEL": "unet_light", "IMAGE_SIZE": 32, "BATCH_SIZE": 8, "EPOCHS": 1}
