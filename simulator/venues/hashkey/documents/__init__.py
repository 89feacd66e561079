"""HashKey's API as this exchange speaks it, described for machines: OpenAPI for REST, AsyncAPI for the sockets.

Read by nothing that serves: it is made when somebody asks for a document. Tests hold it against the server, both ways:
every reply and frame of the suite must fit it, and every endpoint must read just the parameters that it names.
"""
