"""Measurements that anyone can repeat; what they find is written beside them as JSON."""
