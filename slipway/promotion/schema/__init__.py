"""The published JSON Schemas; `python -m slipway.promotion.schema` writes them anew from the models."""
