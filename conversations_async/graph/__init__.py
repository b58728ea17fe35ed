"""The Graph dialect, without a socket or a clock: what to ask, and what an answer says."""
