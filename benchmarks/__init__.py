"""What godtui costs, each figure beside what it is measured against. `python -m benchmarks --help` says how to run."""
