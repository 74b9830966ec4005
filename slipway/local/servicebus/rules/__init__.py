"""Which messages of a topic a subscription gets, and what is changed in them on the way."""
