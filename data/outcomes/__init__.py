"""What became of alerts: judged by the night, kept, summed up by week, and read by pages and commands."""
