"""What counts as a document's text, by whichever door it came."""

from app.common.errors import SourceUnavailable
from app.config.document import MAX_DOCUMENT_BYTES


def checked_text(data_id: str, text: object) -> str | None:
    """The text; None for a blank one, which is how the SDK shows a deleted document.

    Raises SourceUnavailable for more than 4 MiB, and for what is no text: the SDK can give a tuple for a missing key.
    """
    if not isinstance(text, str):
        raise SourceUnavailable(f"{data_id} was answered with something that is no document")
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        raise SourceUnavailable(f"{data_id} is not UTF-8") from None
    if size > MAX_DOCUMENT_BYTES:
        raise too_large(data_id)
    return text if text.strip() else None


def too_large(data_id: str) -> SourceUnavailable:
    return SourceUnavailable(f"{data_id} is larger than 4 MiB: split it into several data ids")
