"""An Azure stand-in for the laptop: one TLS server that the official SDK clients cannot tell from Azure."""
