"""Stands in for pulumi-huaweicloud, whose installation needs a download that tests may not rely on."""
