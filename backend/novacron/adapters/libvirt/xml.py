"""Foreign XML, parsed so that it can do nothing: no entities, no network, no unbounded depth or size."""

from lxml import etree

from novacron.model.errors import OperationError

LARGEST = 4 * 1024 * 1024
"""Characters of a definition we read; the largest real ones are some hundred kilobytes."""


def parse(text: str, subject: str) -> etree._Element:
    """Return the root element. Raises OperationError for what is not well-formed, far too large, or has a DOCTYPE."""
    if len(text) > LARGEST:
        raise OperationError(subject, f"its XML has {len(text)} characters", "see it on the host by virsh dumpxml")
    # The encoding is named because the text is decoded already: what its first line calls itself is no longer so.
    parser = etree.XMLParser(
        encoding="utf-8", resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_comments=True
    )
    try:
        root = etree.fromstring(text.encode("utf-8", "replace"), parser)
    except etree.XMLSyntaxError as error:
        raise OperationError(subject, f"its XML is broken: {error}", "see it on the host by virsh dumpxml") from error
    if root.getroottree().docinfo.internalDTD is not None:
        # libvirt never writes one. Entities in it would be expanded in attributes, whatever the parser is told.
        raise OperationError(subject, "its XML declares a document type", "see it on the host by virsh dumpxml")
    return root


def add(parent: etree._Element, tag: str, text: str = "", **attributes: str) -> etree._Element:
    """Append an element. Text and attributes are data: what they hold is escaped, never read as XML.

    Raises OperationError for a character that XML has no way at all to write.
    """
    try:
        element = etree.SubElement(parent, tag, attributes)
        if text:
            element.text = text
    except ValueError as error:
        shown = ", ".join(repr(value) for value in (text, *attributes.values()) if value)
        raise OperationError(
            tag, f"{shown} holds a character that no definition can hold", "leave control characters out"
        ) from error
    return element


def write(root: etree._Element) -> str:
    """Return the document as text."""
    return etree.tostring(root, pretty_print=True, encoding="unicode")
