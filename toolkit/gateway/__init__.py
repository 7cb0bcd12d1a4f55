"""Signs requests and sends them within the rate limits."""
