"""Publishing and consuming for other programs, through a broker or through a running godtui."""
