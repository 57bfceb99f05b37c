"""The console's screens, each beside its style sheet."""
