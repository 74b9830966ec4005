"""When builds may enter an environment: freezes, business hours and rates, as a pipeline says them."""
