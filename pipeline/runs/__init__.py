"""The local engine's past runs: their store, their facts and where they lie."""
