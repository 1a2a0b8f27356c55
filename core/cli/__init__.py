"""What a person types: commands and what they print; no logic, no SQL."""
