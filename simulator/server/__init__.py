"""The fake exchange's doors: HTTP, sockets and control on one port. Bytes in, bytes out, nothing decided.

Enters: requests and frames. Leaves: replies, pushes. What they mean is asked of ``venues``; what they
do goes through ``runtime``'s one door. The only place that knows aiohttp, and trustme.
"""
