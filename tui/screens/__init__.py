"""What a person sees at one time: each screen says what it wants to know, and puts the answers into panes."""
