"""The documentation as a site: `make site` builds it from docs/ and the pages that docs/ links to."""
