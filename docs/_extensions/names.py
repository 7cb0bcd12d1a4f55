"""Turns names in inline code and in signatures into links to the reference."""

from __future__ import annotations

from typing import Any

from docutils import nodes
from sphinx.addnodes import desc_signature, pending_xref
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util.nodes import make_refnode

# Variable names used in the documentation, and the class whose members they have.
_OBJECTS = {
    "link.": "toolkit.Link.",
    "ops.": "toolkit.types.Operations.",
    "outcome.": "toolkit.types.Outcome.",
    "demo.": "toolkit.types.DemoLink.",
}


class _Index:
    """Finds the object that a name in a text or a signature means."""

    def __init__(self, env: BuildEnvironment) -> None:
        self.objects = env.domains.python_domain.objects
        self._modules = env.domains.python_domain.modules
        self._by_last_word: dict[str, list[str]] = {}
        for name, found in self.objects.items():
            if not found.aliased:
                self._by_last_word.setdefault(name.rpartition(".")[2], []).append(name)

    def find(self, text: str) -> str | None:
        """The full name of the object that is meant; None if there is none, or more than one."""
        text = text.removeprefix("~").removesuffix("()").partition("(")[0]
        candidates = [text, f"link.{text}"]
        if f"toolkit.{text}" not in self._modules:  # a name such as `errors` means the module
            candidates.append(f"toolkit.{text}")
        for short, full in _OBJECTS.items():
            if text.startswith(short):
                candidates.append(full + text.removeprefix(short))
        found = next((each for each in candidates if each in self.objects), None)
        if found is None and (text.startswith("toolkit.") or text[:1].isupper()):
            alike = self._by_last_word.get(text.rpartition(".")[2], [])
            found = alike[0] if len(alike) == 1 else None
        return found


class CodeLinks(SphinxPostTransform):
    """Turns inline code into a link if it names something in the reference."""

    default_priority = 5

    def run(self, **kwargs: Any) -> None:
        """Replace the inline code of a page."""
        index = _Index(self.env)
        for literal in list(self.document.findall(nodes.literal)):
            if _is_within(literal, nodes.reference, pending_xref, nodes.title) or "\n" in literal.astext():
                continue
            name = index.find(literal.astext())
            if name is None:
                continue
            found = index.objects[name]
            link = make_refnode(
                self.app.builder, self.env.docname, found.docname, found.node_id, literal.deepcopy(), name
            )
            literal.replace_self(link)


def _is_within(node: nodes.Node, *kinds: type[nodes.Node]) -> bool:
    while node.parent is not None:
        node = node.parent
        if isinstance(node, kinds):
            return True
    return False


def resolve(
    app: Sphinx, env: BuildEnvironment, node: pending_xref, content: nodes.TextElement
) -> nodes.Node | None:
    """Resolve types in signatures and errors in docstrings, which are named without their module."""
    if node.get("refdomain") != "py":
        return None
    index = _Index(env)
    name = index.find(node["reftarget"])
    if name is not None:
        found = index.objects[name]
        return make_refnode(app.builder, node["refdoc"], found.docname, found.node_id, content, name)
    # Signatures name real objects, even if they are not in the reference; a docstring may be mistaken.
    return content if _is_within(node, desc_signature) else None


def setup(app: Sphinx) -> dict[str, bool]:
    """Called by Sphinx."""
    app.add_post_transform(CodeLinks)
    app.connect("missing-reference", resolve)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
