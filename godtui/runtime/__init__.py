"""Building, starting, supervising, draining and stopping the engine."""
