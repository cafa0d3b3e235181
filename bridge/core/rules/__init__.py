"""What a product or price says: mapping rules, policy, ladders."""
