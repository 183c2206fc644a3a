"""Messages and the behavior measured on them."""
