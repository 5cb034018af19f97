"""The same graph on Google Cloud: Vertex AI Pipelines, Vertex Training, Dataflow."""
