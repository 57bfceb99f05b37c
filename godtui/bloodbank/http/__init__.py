"""Another instance over HTTP: the wire that the library and the attached skins share."""
