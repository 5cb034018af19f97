"""The names under which a run is found in MLflow: tags, metrics and artifacts.

They are a contract: whoever records a run writes them, and `register` and `infer` read them.
"""

# Tags of a run. All values are text; what is not known is an empty text.
RUN_ID = "tfx_run_id"  # as the runner, or Vertex AI, named the run
RECIPE = "recipe"
TASK = "task"
ENGINE = "engine"  # local, vertex, or rehearsal
GIT_COMMIT = "git_commit"  # in full
GIT_CLEAN = "git_clean"  # true or false
DATA_VERSION = "data_version"  # lakefs://… or s3://… at a fixed id
DATA_DIGEST = "data_digest"
CODE_DIGEST = "code_digest"
TRAINED_BY = "trained_by"  # the run whose Trainer made the model
BLESSED = "blessed"  # true or false; not there before the gate
REFUSALS = "refusals"  # why not, in words
MODEL_DIGEST = "model_digest"  # of the SavedModel's files
# Where the SavedModel stays: lakefs://REPOSITORY/COMMIT/PATH, gs://…, or a folder.
MODEL_URI = "model_uri"

COMPARISON = "comparison"  # of networks, that the run is one of; such a run has no recipe's tag
DESCRIPTION = "mlflow.note.content"  # MLflow's own, which its pages show

# What the gate judged: `evaluation.mean_iou`. Metrics of epochs have Keras's own names.
EVALUATION = "evaluation."

# Of the training: the validation loss of every epoch, and the epoch that the model is of.
VALIDATION_LOSS = "val_loss"
BEST_EPOCH = "training.best_epoch"

# Artifacts of a run.
RECIPE_FILE = "recipe.json"  # the recipe with all its values, as `Recipe` reads it
REPORT_FILE = "report.html"

# Tags of a model version.
STAGE = "stage"
REGISTERED = "registered"
STAGING = "staging"
REGISTERED_BY = "registered_by"
REASON = "reason"
MISSES = "misses"  # what the model does not reach, where it was registered all the same
STAGED_BY = "staged_by"
STAGED_FOR = "staged_for"  # the figure by which it was the best

# Of a registered model: the alias of the version in production, and what the names of tags begin
# with that tell of its moves.
CHAMPION = "champion"
MOVE = "champion.moved."
