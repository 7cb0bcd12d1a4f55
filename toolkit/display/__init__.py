"""How the toolkit looks in a notebook: templates and the style sheet they share."""
