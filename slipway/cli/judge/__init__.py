"""`slipway judge`: know what a ramp will do before it runs, and what it would have done."""
