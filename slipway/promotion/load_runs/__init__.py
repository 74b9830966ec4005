"""Load tests that Azure Load Testing drives: their plan, what a run measured, its verdict, and its comparison."""
