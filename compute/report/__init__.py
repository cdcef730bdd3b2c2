"""The investor report: from a snapshot and its statement to a document, and from the document to its forms."""
