"""Stored events once more: planned, paced, paused, and never stored or dispatched twice."""
