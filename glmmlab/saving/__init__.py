"""A fitted model as plain JSON, and back: see `glmmlab.saving.document` for the format."""

from glmmlab.saving.document import SCHEMA, from_document, to_document

__all__ = ["SCHEMA", "from_document", "to_document"]
