"""What the rehearsal and Vertex AI share: states, the live table, interruption."""
