"""What people do, one function each: commands, pages and the API call these."""
