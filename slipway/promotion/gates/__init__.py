"""Gates: a yes or no on evidence that came with a build. Pure: whoever calls has fetched the evidence."""
