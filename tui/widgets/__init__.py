"""What is drawn: panes of lines and the fixed lines around them; rows are lines, not widgets."""
