"""UAS geographical zones: where, how high and when others forbid flying, and what that means for a plan."""
