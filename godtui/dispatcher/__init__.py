"""The Infra Dispatcher: Plane's tickets through the ready gate and their checks to OpenClaw, once per ready episode."""
