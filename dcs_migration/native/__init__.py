"""The native front end: a resource plugin, ``pulumi-resource-dcs``, for programs in all of Pulumi's languages."""
