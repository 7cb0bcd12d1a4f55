"""Decodes responses into typed DataFrames."""
