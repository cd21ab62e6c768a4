"""A job over bars on mrjob: its options, its steps, its submission."""
