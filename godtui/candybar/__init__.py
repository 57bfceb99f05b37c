"""The console: a Textual skin over the operations. `godtui.candybar.app` has its entry, `run_console`."""
