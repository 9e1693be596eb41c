"""The native front end: a resource plugin, ``pulumi-resource-dcs``, for programs in every language of Pulumi."""
