"""What a flow file imports: flows, tasks, futures, states, and what they need to be defined."""
