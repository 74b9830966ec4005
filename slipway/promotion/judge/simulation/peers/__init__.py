"""What others do, as their documentation has it: the rules and defaults named in each module, on the same traffic."""
