"""Gates: automatic yes or no on evidence, before a stage and before its switch."""
