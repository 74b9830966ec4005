"""`slipway roles`: the rights that pipelines need, in the languages that give them."""
