"""From a link in a post to Stripe and back to the post."""
