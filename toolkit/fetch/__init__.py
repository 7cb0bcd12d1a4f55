"""Executes a plan: fetches its windows and pages and assembles them into one frame."""
