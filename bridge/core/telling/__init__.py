"""Texts for people: reasons, alerts, the statement. Data and words, no markup."""
