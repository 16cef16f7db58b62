"""What happens on a clock or by command."""
