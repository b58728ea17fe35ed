"""Every thread of many Pages' inboxes, on Messenger and Instagram at once, as fast as Meta allows."""
