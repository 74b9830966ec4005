"""Code hosts that are told how builds get on: GitHub and Azure DevOps, each by its REST API."""
