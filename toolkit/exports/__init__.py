"""Frames in files, with their provenance, and back."""
