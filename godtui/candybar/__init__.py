"""The console: a Textual skin over the operations. `godtui.candybar.app` has its entry, `run_console`."""

import os

os.environ.setdefault("TEXTUAL_FPS", "120")
"""Read by Textual when it is imported: what a key changed waits for the next frame, so frames are close together."""
