"""The reads of a `Link`, one module for each product."""
