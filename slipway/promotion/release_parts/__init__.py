"""What a release is made of beside its code: its configuration, and the flags that it changes."""
