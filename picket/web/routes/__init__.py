"""What the web app answers: one module per subject, each with a `router` that `picket.web.app` includes."""
