"""Programs in YAML, TypeScript and Go, with the SDKs that `make sdks` writes. Run by `make languages`."""
