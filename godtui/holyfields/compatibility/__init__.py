"""Compatibility: whether one contract accepts what another does, by rule or by a document that shows the break."""
