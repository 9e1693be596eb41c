"""The documentation site: `make site` builds it from docs/ and the files that docs/ links to."""
