"""A simulated Stripe and a simulated Discourse: two stateful HTTP servers.

Imports nothing of ours.
"""
