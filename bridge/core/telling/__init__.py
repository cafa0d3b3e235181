"""What people are told: reasons, alerts, the statement. Data and words, no markup."""
