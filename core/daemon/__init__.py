"""What decides when runs run: passes over the store, the socket, the fork server, and the loop around them."""
