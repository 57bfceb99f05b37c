"""The typed event bus: one protocol, its transports, and publishing with contracts."""
