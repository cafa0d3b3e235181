"""Answers to questions: what would change, why, how it was. Nothing is changed here."""
