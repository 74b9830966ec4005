"""What Slipway must be allowed in Azure: roles as data, and what pipelines need of them, in which place."""
