"""`picket serve`: the web app in which officers draw, plan, fly, review and report, on this machine alone."""
