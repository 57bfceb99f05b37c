"""godtui: the infrastructure domain of 33GOD as one program."""

__version__ = "0.1.0"
