"""Foreign XML, parsed so that it can do nothing: no entities, no network, no unbounded depth or size."""

from lxml import etree

from novacron.model.errors import OperationError

LARGEST = 4 * 1024 * 1024
"""Characters of a definition we read; the largest real ones are some hundred kilobytes."""


def parse(text: str, subject: str) -> etree._Element:
    """Return the root element. Raises OperationError for what is not well-formed, or far too large."""
    if len(text) > LARGEST:
        raise OperationError(subject, f"its XML has {len(text)} characters", "see it on the host by virsh dumpxml")
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_comments=True
    )
    try:
        return etree.fromstring(text.encode("utf-8", "replace"), parser)
    except etree.XMLSyntaxError as error:
        raise OperationError(subject, f"its XML is broken: {error}", "see it on the host by virsh dumpxml") from error


def add(parent: etree._Element, tag: str, text: str = "", **attributes: str) -> etree._Element:
    """Append an element. Text and attributes are data: what they hold is escaped, never read as XML."""
    element = etree.SubElement(parent, tag, attributes)
    if text:
        element.text = text
    return element


def write(root: etree._Element) -> str:
    """Return the document as text."""
    return etree.tostring(root, pretty_print=True, encoding="unicode")
